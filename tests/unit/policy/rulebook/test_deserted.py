"""A team that is told to be left without any target is denied whatever it asks, all that time."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.registers import Registers, Review
from policy.rulebook.deserted import Deserted, deserted
from policy.types import Deny
from tests.fakes.recorded_traffic import moment, some_asked
from tests.fakes.rules import a_policy_of, a_rule
from tests.fakes.some_rules import some_rules

NOW = moment("2026-06-01T12:00")
JULY, AUGUST = moment("2026-07-10T00:00"), moment("2026-08-01T00:00")


def told(*rules, registers: Registers | None = None) -> list[Deserted]:
    policy = a_policy_of().with_rules(rules, registers)
    return [each for each in deserted(policy, NOW) if each.team == "web"]


def test_a_team_that_rules_leave_nothing_is_told_from_their_days_on():
    assert told(a_rule("all", teams=("web",))) == [Deserted("web", NOW, None, ("all",))]
    days = {"start": "2026-07-10", "until": "2026-08-01"}
    assert told(a_rule("all", **days)) == [Deserted("web", JULY, AUGUST, ("all",))]


def test_rules_together_may_leave_nothing_for_a_while():
    one = a_rule("one", vendors=("house", "silent"), start="2026-07-10")
    other = a_rule("other", vendors=("anthropic",), until="2026-08-01")
    assert told(one, other) == [Deserted("web", JULY, AUGUST, ("one", "other"))]


def test_an_exception_ends_it_while_it_may_hold():
    rule = a_rule("all")
    exception = a_rule("e", "allow", exempts=("all",), users=("ada",), until="2026-08-01")
    assert told(rule, exception) == [Deserted("web", AUGUST, None, ("all",))]


def test_a_rule_that_asks_something_of_a_request_leaves_its_team_alone():
    assert told(a_rule("all", assistants=("codex",))) == []
    assert told(a_rule("all", mode="shadow")) == []
    assert told(a_rule("all", "warn")) == []
    assert told(a_rule("all", models=("coder",))) == []


def test_reviews_that_lapse_may_leave_nothing():
    held = Registers({"house": Review("ada", date(2026, 1, 1), date(2026, 7, 9))})
    left = Deserted("web", JULY, None, ("vendor_register",))
    assert told(registers=held) == [left]
    for_ever = Registers({"house": Review("ada", date(2026, 1, 1), date.max)})
    assert told(registers=for_ever) == []


@settings(max_examples=150, deadline=None)
@given(some_rules(), st.lists(some_asked, min_size=5, max_size=10))
def test_all_that_time_every_request_is_denied(rules, asked):
    policy = a_policy_of(*rules)
    for each in deserted(policy, NOW - 86_400):
        for one in asked:
            end = each.until_unix_seconds
            if (
                one.team == each.team
                and each.since_unix_seconds <= one.unix_seconds
                and (end is None or one.unix_seconds < end)
            ):
                assert isinstance(one.decided_by(policy), Deny)
