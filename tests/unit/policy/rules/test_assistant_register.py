"""An assistant is used when it is in the register, in an approved version, while that holds."""

from datetime import date, timedelta

import pytest

from policy.question import Team
from policy.rules.assistant_register import AssistantRegister
from policy.types import Allow, Decision, Deny
from tests.fakes.policy_facts import a_question, a_team_document
from tests.fakes.registers import VALID_UNTIL, an_assistant, assistants, days_from, on

DAY = timedelta(days=1)
EARLY = date(2026, 3, 1)
KEPT = {
    "claude-code": an_assistant(">= 2.1.200, < 3"),
    "codex": an_assistant("any", date(2026, 12, 31)),
    "aider": an_assistant("any", date(2026, 2, 1)),
    "unrecognised": an_assistant("any", date(2026, 4, 1)),
}


def decided(name: str, version: str | None = None, day: date = EARLY, kept=KEPT) -> Decision:
    rule = AssistantRegister.compile(Team("web", a_team_document(), {}, assistants(kept)))
    assert rule is not None
    return rule.decide(a_question(circumstances=on(day, name, version)))


def refused(*asked, **more) -> Deny:
    decision = decided(*asked, **more)
    assert isinstance(decision, Deny)
    assert decision.rule == "assistant_register"
    return decision


def test_without_a_register_there_is_no_rule():
    assert AssistantRegister.compile(Team("web", a_team_document(), {})) is None


@pytest.mark.parametrize(
    ("name", "version"),
    [("claude-code", "2.1.200"), ("claude-code", "2.9.9"), ("codex", None), ("codex", "dev")],
)
def test_an_approved_version_is_allowed_without_a_word(name, version):
    assert decided(name, version) == a_question().allow()


def test_a_version_that_is_not_approved_is_denied_with_those_that_are():
    denial = refused("claude-code", "2.1.100")
    assert denial.reason == (
        "version '2.1.100' of claude-code is not approved (approved: >= 2.1.200, < 3)"
    )
    assert denial.alternative == "approved here: codex"


@pytest.mark.parametrize("version", [None, "dev", "2.1.200-", "3.0.0-beta.1"])
def test_a_version_that_cannot_be_told_or_is_before_one_excluded_is_denied(version):
    assert "approved: >= 2.1.200, < 3" in refused("claude-code", version).reason


def test_an_assistant_outside_the_register_is_denied_with_those_that_are_in_it():
    denial = refused("cursor", "1.0")
    assert denial.reason == "assistant 'cursor' is not in the register of assistants"
    assert denial.alternative == "approved here: claude-code >= 2.1.200, < 3, codex"


def test_one_that_cannot_be_told_is_allowed_only_where_the_register_says_so():
    assert isinstance(decided("unrecognised"), Allow)
    named = {name: entry for name, entry in KEPT.items() if name != "unrecognised"}
    assert "cannot be told" in refused("unrecognised", kept=named).reason


def test_an_empty_register_approves_nothing():
    assert refused("codex", kept={}).alternative == "no other assistant is approved here"


@pytest.mark.parametrize("day", days_from(VALID_UNTIL - 40 * DAY, VALID_UNTIL + 5 * DAY))
def test_every_day_up_to_the_last_is_allowed_with_a_warning_from_thirty_days_before(day):
    decision = decided("claude-code", "2.1.200", day)
    left = (VALID_UNTIL - day).days
    assert isinstance(decision, Allow) == (left >= 0)
    assert bool(getattr(decision, "warnings", ())) == (0 <= left <= 30)


def test_a_lapsed_review_is_denied_with_its_date_and_owner():
    denial = refused("claude-code", "2.1.200", VALID_UNTIL + DAY)
    assert denial.reason == (
        "the review of assistant claude-code has lapsed (valid until 2026-07-10, reviewed on "
        "2026-01-10, owner: tools@corp)"
    )
    assert denial.alternative == "approved here: codex"
