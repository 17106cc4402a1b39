"""Rates become caps of the team's account."""

from policy.rules.rates import Rates
from policy.types import Allow, Cap, Unit, Window
from tests.fakes.policy_facts import a_question, a_team


def test_a_team_without_rates_has_no_such_rule():
    assert Rates.compile(a_team(parallel=3)) is None


def test_one_rate_alone_is_one_cap():
    rule = Rates.compile(a_team(tokens_per_minute=7))
    assert rule is not None
    decision = rule.decide(a_question())
    assert isinstance(decision, Allow)
    assert decision.caps == (Cap("team:web", Unit.TOKENS, 7, Window.MINUTE),)
