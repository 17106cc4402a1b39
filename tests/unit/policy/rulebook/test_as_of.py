"""As of a moment, rules do at any time what they do then."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.registers import Registers, Review, ReviewedAssistant, day_of
from policy.rulebook.as_of import registers_as_of, rules_as_of
from policy.types import Allow, Deny
from policy.versions import parse_range
from tests.fakes.recorded_traffic import moment, some_asked
from tests.fakes.rules import a_policy_of, a_rule, decided, targets_of
from tests.fakes.rules import at as circumstances
from tests.fakes.some_rules import MOMENTS, some_rules

DENIES = {"start": "2026-07-10", "warn_from": "2026-06-20", "until": "2026-08-01"}
REVIEW = Review("ada", date(2026, 1, 1), date(2026, 7, 10))


def effect_as_of(at: str, **more: object) -> object:
    """What a rule does in June, as of a moment."""
    policy = a_policy_of(a_rule(**{**DENIES, **more})).as_of(moment(at))
    decision = decided(policy, now=circumstances("2026-06-01T12:00"))
    if isinstance(decision, Deny):
        return "denies"
    assert isinstance(decision, Allow)
    return "warns" if decision.warnings else "shadow" if decision.shadow else "nothing"


@pytest.mark.parametrize(
    ("at", "does"),
    [
        ("2026-06-19T23:59", "nothing"),
        ("2026-06-20T00:00", "warns"),
        ("2026-07-10T00:00", "denies"),
        ("2026-08-01T00:00", "nothing"),
    ],
)
def test_a_rule_does_what_it_does_then(at, does):
    assert effect_as_of(at) == does


def test_a_shadow_rule_that_is_to_come_does_nothing_yet():
    assert effect_as_of("2026-07-01T00:00", mode="shadow", warn_from=None) == "nothing"
    assert effect_as_of("2026-07-10T00:00", mode="shadow", warn_from=None) == "shadow"


def test_an_exception_holds_as_of_its_days():
    rule = a_rule("r", start="2026-07-10")
    exception = a_rule("e", "allow", exempts=("r",), until="2026-08-01")
    policy = a_policy_of(rule, exception)
    now = circumstances("2026-06-01T12:00")
    assert targets_of(decided(policy.as_of(moment("2026-07-10T00:00")), now=now)) != ()
    assert targets_of(decided(policy.as_of(moment("2026-08-01T00:00")), now=now)) == ()


def test_reviews_hold_for_ever_or_never_did():
    assistants = {"codex": ReviewedAssistant(REVIEW, parse_range("any"), {})}
    registers = Registers({"house": REVIEW}, assistants)
    for at, holds in (("2026-07-10T23:59", True), ("2026-07-11T00:00", False)):
        as_of = registers_as_of(registers, moment(at))
        assert as_of.vendors is not None
        assert as_of.assistants is not None
        for review in (as_of.vendors["house"], as_of.assistants["codex"].review):
            for day in ("2020-01-01T00:00", "2030-01-01T00:00"):
                assert review.has_lapsed(day_of(moment(day))) is not holds
    assert registers_as_of(Registers(), 0) == Registers()


@settings(max_examples=150)
@given(some_rules(), st.sampled_from(MOMENTS), some_asked)
def test_then_it_decides_as_the_rules_themselves_do(rules, at, asked):
    asked = type(asked)(**{**vars(asked), "unix_seconds": moment(at)})
    policy = a_policy_of(*rules)
    then, as_of = asked.decided_by(policy), asked.decided_by(policy.as_of(moment(at)))
    assert targets_of(then) == targets_of(as_of)
    assert getattr(then, "rule", None) == getattr(as_of, "rule", None)


def test_what_sleeps_is_left_out():
    rules = (a_rule("over", until="2026-06-01"), a_rule("to-come", start="2026-08-01"))
    assert rules_as_of(rules, moment("2026-07-01T00:00")) == ()
