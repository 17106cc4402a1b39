"""A cap without room, in the words a developer reads."""

from datetime import UTC, datetime

import pytest

from gateway.shortage import Refused, refusal_of
from policy.types import Cap, Deny, Unit, Window

RESET = datetime(2026, 12, 1, tzinfo=UTC)


def cap(unit: Unit, amount: int) -> Cap:
    return Cap("team:web", unit, amount, Window.MINUTE)


def test_a_short_wait_for_requests_comes_with_its_seconds():
    refused = Refused(cap(Unit.REQUESTS, 600), 1, 0, 3)
    assert refusal_of(refused) == (
        Deny(
            "rates",
            "team web has used its 600 requests a minute",
            "try again in 3 s",
            "rate_limited",
            lasts=False,
        ),
        3,
    )


@pytest.mark.parametrize(("seconds", "told"), [(20, 20), (21, None), (None, None)])
def test_only_up_to_twenty_seconds_are_worth_a_429(seconds, told):
    refused = Refused(cap(Unit.TOKENS, 1_000), 900, 100, seconds)
    assert refusal_of(refused)[1] == told


def test_a_refusal_for_tokens_says_what_is_needed_and_what_is_left():
    deny, _ = refusal_of(Refused(cap(Unit.TOKENS, 2_000_000), 30_000, 12_000, 8))
    assert deny.reason == (
        "this request needs about 30,000 tokens; team web has 12,000 of 2,000,000 left this minute"
    )
    assert deny.alternative == "try again in 8 s"


def test_a_request_that_can_never_pass_is_not_told_to_wait():
    deny, seconds = refusal_of(Refused(cap(Unit.TOKENS, 1_000), 5_000, 1_000))
    assert seconds is None
    assert deny.reason == "this request needs about 5,000 tokens; team web may use 1,000 a minute"
    assert "new session" in str(deny.alternative)


def test_a_full_house_is_a_short_wait():
    deny, seconds = refusal_of(Refused(cap(Unit.PARALLEL, 40), 1, 0, 5))
    assert (deny.rule, deny.code, seconds) == ("parallel", "rate_limited", 5)
    assert "40 requests running" in deny.reason


def test_a_used_up_budget_is_a_denial_with_what_is_left_and_when_it_resets():
    refused = Refused(cap(Unit.NANO_USD, 5_000_000_000_000), 400_000_001, 120_000_000, None, RESET)
    deny, seconds = refusal_of(refused)
    assert seconds is None
    assert (deny.rule, deny.code) == ("budget", "budget_exceeded")
    assert deny.reason == (
        "team web has $0.1200 of $5,000.0000 left this month, and this request may cost $0.4001"
    )
    assert deny.alternative == (
        "the budget resets on 2026-12-01 00:00 UTC; the gateway's operator can raise it"
    )
