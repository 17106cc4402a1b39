"""What is to be lifted, for whom and why is read from options, or told to be wrong."""

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.glass_wishes import lifts_of, reason_of, scope_of, seconds_of
from policy.break_glass import Lifts


def test_what_is_said_twice_counts_once():
    reviews = ("vendor:deepseek", "assistant:codex", "vendor:deepseek")
    assert lifts_of(("a", "b", "a"), reviews, "0.5") == Lifts(
        ("a", "b"), ("deepseek",), ("codex",), 500_000_000
    )


@pytest.mark.parametrize("review", ["deepseek", "vendor:", ":deepseek", "model:coder", ""])
def test_a_review_is_named_with_its_register(review):
    with pytest.raises(CommandFailed, match="neither vendor:NAME nor assistant:NAME") as failed:
        lifts_of((), (review,), None)
    assert failed.value.code == Exit.USAGE


@pytest.mark.parametrize("usd", ["0", "-1", "1e99", "nan", "Infinity", "five", ""])
def test_a_budget_is_raised_by_an_amount(usd):
    with pytest.raises(CommandFailed, match="is no amount of US dollars"):
        lifts_of((), (), usd)


def test_what_lifts_nothing_is_told():
    with pytest.raises(CommandFailed, match="say what to lift"):
        lifts_of((), (), None)


def test_a_scope_has_what_was_given_and_nothing_else():
    match = scope_of(teams=("web", "web"), users=None, assistants=("codex < 2",), models=())
    assert match.model_dump(exclude_none=True) == {"teams": ("web",), "assistants": ("codex < 2",)}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"teams": ("We b",)}, "--team: a name is 1 to 64 characters"),
        ({"assistants": ("codex < x",)}, "--assistant: '< x' is no bound of a version"),
        ({"models": ("",)}, "--model: is a name, or a pattern"),
        ({"users": ("a\x00",)}, "--user: is one to 400 printable characters"),
    ],
)
def test_a_scope_that_cannot_be_is_told_by_its_option(given, told):
    with pytest.raises(CommandFailed) as failed:
        scope_of(**given)
    assert failed.value.message.startswith(told)


def test_a_reason_is_one_line():
    assert reason_of(" the model\n is down ") == "the model is down"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 401, "a\x1b[31m"])
def test_a_reason_is_for_people(reason):
    with pytest.raises(CommandFailed, match="printable characters"):
        reason_of(reason)


def test_a_duration_is_seconds():
    assert seconds_of("2h") == 7200
