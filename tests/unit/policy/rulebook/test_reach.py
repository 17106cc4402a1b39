"""What a rule alone does is told whatever other rules say."""

import pytest

from policy.rulebook.reach import Effect, Reached
from policy.types import Identity
from tests.fakes.policy_facts import some_facts
from tests.fakes.rules import a_policy_of, a_rule, at


def reached(*rules, **facts) -> list[Reached]:
    identity = Identity("ada", "web", frozenset({"developer"}), "key-1")
    now = at("2026-06-01T12:00")
    return list(a_policy_of(*rules).reached(identity, some_facts(**facts), now))


@pytest.mark.parametrize(
    ("rule", "effect"),
    [
        (a_rule(), Effect.DENIES),
        (a_rule(vendors=("anthropic",)), Effect.NARROWS),
        (a_rule("r", "require_in_house"), Effect.NARROWS),
        (a_rule("r", "warn"), Effect.WARNS),
        (a_rule("r", "cap", cap={"per": "user", "requests_per_minute": 1}), Effect.CAPS),
        (a_rule(mode="shadow"), Effect.SHADOW),
    ],
)
def test_each_kind_of_rule_has_its_effect(rule, effect):
    assert reached(rule) == [Reached("r", effect)]


def test_two_denials_are_both_told():
    told = reached(a_rule("one"), a_rule("two", users=("ada",)))
    assert [each.rule for each in told] == ["one", "two"]


def test_a_shadow_rule_that_leaves_a_target_would_deny_nothing():
    assert reached(a_rule(mode="shadow", vendors=("anthropic",))) == []


def test_a_rule_that_misses_the_request_or_sleeps_is_not_told():
    assert reached(a_rule(users=("bob",))) == []
    assert reached(a_rule(start="2026-07-10")) == []
    assert reached(a_rule(models=("claude-*",))) == []


def test_an_exception_is_told_with_the_rule():
    rule = a_rule("r")
    exception = a_rule("e", "allow", exempts=("r",), users=("ada",))
    assert reached(rule, exception) == [Reached("r", Effect.EXEMPTED, ("e",))]
    partly = a_rule("e", "allow", exempts=("r",), vendors=("house",))
    assert reached(rule, partly) == [Reached("r", Effect.NARROWS, ("e",))]


def test_targets_that_are_not_allowed_anyway_are_not_taken_away_by_a_rule():
    identity = Identity("ada", "web", frozenset({"developer"}), "key-1")
    policy = a_policy_of(a_rule(vendors=("anthropic",)), data_class="restricted")
    assert policy.reached(identity, some_facts(), at("2026-06-01T12:00")) == ()


def test_what_is_denied_without_any_rule_is_reached_by_none():
    assert reached(a_rule(), model="none") == []
    stranger = Identity("ada", "gone", frozenset(), "key-1")
    policy = a_policy_of(a_rule())
    assert policy.reached(stranger, some_facts(), at("2026-06-01T12:00")) == ()
