"""Requests of one key are decided alike; what a policy does not look at makes no other key."""

from dataclasses import replace
from datetime import date

from hypothesis import given, settings

from gateway.replay.likeness import Likeness
from policy.registers import Registers, Review
from tests.fakes.recorded_traffic import Asked, a_request, some_asked
from tests.fakes.rules import a_policy_of, a_rule
from tests.fakes.some_rules import some_rules


def with_its(one: Asked, other: Asked, *names: str) -> Asked:
    """The one request with some of the other's facts."""
    return replace(one, **{name: getattr(other, name) for name in names})


def are_decided_alike(rules, one: Asked, other: Asked) -> bool:
    """Whether two requests of one key are; others may be decided anyhow."""
    policy = a_policy_of(*rules)
    likeness = Likeness(policy)
    whole = [replace(each, kept_tools=9, is_kept=True) for each in (one, other)]
    decisions = [each.decided_by(policy) for each in whole]
    keys = [
        likeness.key_of(each.recorded(decision))
        for each, decision in zip(whole, decisions, strict=True)
    ]
    return keys[0] != keys[1] or decisions[0] == decisions[1]


@settings(max_examples=300)
@given(some_rules(), some_asked, some_asked)
def test_two_callers_are_told_apart_where_it_matters(rules, one, other):
    assert are_decided_alike(rules, one, with_its(one, other, "subject", "key", "roles", "address"))


@settings(max_examples=300)
@given(some_rules(), some_asked, some_asked)
def test_other_sizes_and_tools_are_told_apart_where_they_matter(rules, one, other):
    varied = ("body_bytes", "input_tokens", "tools", "operation")
    assert are_decided_alike(rules, one, with_its(one, other, *varied))


@settings(max_examples=300)
@given(some_rules(), some_asked, some_asked)
def test_other_times_are_told_apart_where_they_matter(rules, one, other):
    assert are_decided_alike(rules, one, with_its(one, other, "unix_seconds"))


def key(*rules, registers: Registers | None = None, **changes):
    return Likeness(a_policy_of(*rules).with_rules(rules, registers)).key_of(a_request(**changes))


def test_who_it_was_matters_only_to_rules_on_users():
    assert key(subject="ada") == key(subject="bob")
    named = a_rule(users=("bob",))
    assert key(named, subject="ada") != key(named, subject="bob")


def test_tools_matter_only_to_rules_on_tools():
    assert key(tool_names=("a",)) == key(tool_names=("b",))
    rule = a_rule(tools=("x",))
    assert key(rule, tool_names=("a",)) != key(rule, tool_names=("b",))


def test_the_day_matters_only_where_something_begins_or_ends_on_it():
    june, july = "2026-06-01T12:00", "2026-07-10T00:00"
    assert key(at=june) == key(at=july)
    rule = a_rule(start="2026-07-10")
    assert key(rule, at=june) != key(rule, at=july)
    review = Registers({"house": Review("ada", date(2026, 1, 1), date(2026, 7, 9))})
    assert key(registers=review, at=june) != key(registers=review, at=july)
    for_ever = Registers({"house": Review("ada", date(2026, 1, 1), date.max)})
    assert key(registers=for_ever, at=june) == key(registers=for_ever, at=july)
