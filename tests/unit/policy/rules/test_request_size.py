"""A body larger than the team may send is refused."""

from policy.rules.request_size import RequestSize
from policy.types import Allow, Deny
from tests.fakes.policy_facts import a_question, a_team


def test_a_body_of_exactly_the_limit_passes():
    rule = RequestSize.compile(a_team(max_request_bytes=500))
    assert isinstance(rule.decide(a_question(body_bytes=500)), Allow)


def test_one_byte_over_the_limit_is_refused_with_both_numbers():
    decision = RequestSize.compile(a_team(max_request_bytes=500)).decide(a_question(body_bytes=501))
    assert isinstance(decision, Deny)
    assert decision.code == "request_too_large"
    assert "501" in decision.reason
    assert "500" in decision.reason


def test_a_refusal_of_a_body_is_not_held_against_what_was_said_in_it():
    decision = RequestSize.compile(a_team(max_request_bytes=500)).decide(a_question(body_bytes=501))
    assert isinstance(decision, Deny)
    assert not decision.lasts
