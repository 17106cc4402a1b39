"""An exception holds for whom it names, between two seconds, and says what it lifts."""

from dataclasses import replace

import pytest

from policy.break_glass import CompiledBreakGlass, Lifts
from policy.rulebook.document import MatchDocument
from tests.fakes.break_glass import DURING, a_glass, moment
from tests.fakes.policy_facts import a_question
from tests.fakes.rules import at, compiled


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("2026-07-10T08:59:59", False),
        ("2026-07-10T09:00:00", True),
        ("2026-07-10T10:59:59", True),
        ("2026-07-10T11:00:00", False),
    ],
)
def test_it_holds_from_its_first_second_to_the_one_before_its_end(when, holds):
    assert a_glass("r").holds_at(moment(when)) is holds


@pytest.mark.parametrize(
    ("scope", "speaks"),
    [
        ({}, True),
        ({"users": ("ada",)}, True),
        ({"users": ("bob",)}, False),
        ({"models": ("cod*",)}, True),
        ({"models": ("cheap",)}, False),
        ({"assistants": ("claude-code",)}, True),
        ({"assistants": ("claude-code < 2",)}, False),
        ({"assistants": ("codex",)}, False),
        ({"users": ("ada",), "assistants": ("codex",)}, False),
    ],
)
def test_it_speaks_of_requests_within_its_scope(scope, speaks):
    glass = CompiledBreakGlass.compile(a_glass("r", **scope), ())
    assert glass.speaks_of(a_question(circumstances=at(DURING))) is speaks


def test_an_assistant_whose_version_is_not_known_is_within_no_bound():
    match = MatchDocument(assistants=("claude-code < 9",))
    glass = CompiledBreakGlass.compile(replace(a_glass("r"), match=match), ())
    assert glass.speaks_of(a_question(circumstances=at(DURING, version="2.1")))
    assert not glass.speaks_of(a_question(circumstances=at(DURING, version=None)))


def test_it_knows_the_rules_it_names():
    rules = (compiled("a"), compiled("b"))
    assert CompiledBreakGlass.compile(a_glass("b", "gone"), rules).rules == rules[1:]


def test_it_is_for_the_teams_it_names():
    glass = CompiledBreakGlass.compile(a_glass("r", teams=("web",)), ())
    assert (glass.is_for_team("web"), glass.is_for_team("ops")) == (True, False)


def test_what_several_lift_is_the_sum_of_it():
    lifts = [Lifts(("b",), ("deepseek",)), Lifts(("a", "b"), (), ("codex",))]
    assert Lifts.of(lifts) == Lifts(("a", "b"), ("deepseek",), ("codex",))
    assert not Lifts()


def test_its_warning_says_which_it_is_what_it_lifts_and_until_when():
    told = a_glass("r").warning(Lifts(("r",), ("deepseek",), ("codex",)))
    assert told == (
        "break-glass bg_one lifts rule r, the lapsed review of vendor deepseek, "
        "the lapsed review of assistant codex until 2026-07-10T11:00:00Z"
    )
