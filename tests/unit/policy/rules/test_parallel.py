"""The number of requests at one time becomes a cap."""

from policy.rules.parallel import Parallel
from policy.types import Allow, Cap, Unit, Window
from tests.fakes.policy_facts import a_question, a_team


def test_a_team_without_the_limit_has_no_such_rule():
    assert Parallel.compile(a_team(requests_per_minute=3)) is None


def test_the_limit_is_a_cap_on_now():
    rule = Parallel.compile(a_team(parallel=4))
    assert rule is not None
    decision = rule.decide(a_question())
    assert isinstance(decision, Allow)
    assert decision.caps == (Cap("team:web", Unit.PARALLEL, 4, Window.NOW),)
