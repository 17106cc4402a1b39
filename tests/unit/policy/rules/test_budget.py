"""A budget is a cap, and keeps a team to targets whose price is known."""

from decimal import Decimal

from policy.rules.budget import Budget
from policy.types import Allow, Cap, DataClass, Deny, TargetFacts, Unit, Window
from tests.fakes.policy_facts import HOUSE, a_question, a_team

UNPRICED = TargetFacts("vendor/new-model", False, DataClass.INTERNAL)


def budget(usd: int | Decimal) -> Budget:
    rule = Budget.compile(a_team(usd_per_month=usd))
    assert rule is not None
    return rule


def test_a_team_without_a_budget_has_no_such_rule():
    assert Budget.compile(a_team(parallel=3)) is None


def test_the_budget_is_a_cap_in_nano_usd_a_calendar_month():
    decision = budget(Decimal("0.5")).decide(a_question())
    assert isinstance(decision, Allow)
    assert decision.caps == (
        Cap("team:web", Unit.NANO_USD, 500_000_000, Window.CALENDAR_MONTH_UTC),
    )


def test_no_known_price_no_request():
    decision = budget(5).decide(a_question(UNPRICED))
    assert isinstance(decision, Deny)
    assert "no price is known for vendor/new-model" in decision.reason
    assert "prices" in str(decision.alternative)


def test_targets_with_a_price_stay_when_others_have_none():
    decision = budget(5).decide(a_question(UNPRICED, HOUSE))
    assert isinstance(decision, Allow)
    assert decision.targets == (HOUSE.name,)


def test_a_target_is_unpriced_unless_somebody_says_its_price_is_known():
    assert not UNPRICED.price_known
