"""A cap without room, in the words a developer reads."""

from datetime import UTC, datetime

import pytest

from gateway.shortage import (
    Refused,
    refusal_of,
    unknown,
    warning_left_out,
    warning_nearly_used_up,
    who,
)
from policy.types import Cap, Deny, Pace, Period, Unit, Window

RESET = datetime(2026, 12, 1, tzinfo=UTC)


DAY = Window(Period.DAY)
LAST_DAY = Window(Period.DAY, Pace.SLIDING)


def cap(unit: Unit, amount: int, window: Window = Window.MINUTE, account: str = "team:web") -> Cap:
    return Cap(account, unit, amount, window)


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
    assert (
        deny.reason
        == "this request needs about 5,000 tokens; team web may use 1,000 tokens a minute"
    )
    assert "new session" in str(deny.alternative)


def test_a_full_house_is_a_short_wait():
    deny, seconds = refusal_of(Refused(cap(Unit.PARALLEL, 40), 1, 0, 5))
    assert (deny.rule, deny.code, seconds) == ("parallel", "rate_limited", 5)
    assert "40 requests running" in deny.reason


def test_a_used_up_budget_is_a_denial_with_what_is_left_and_when_it_resets():
    budget = cap(Unit.NANO_USD, 5_000_000_000_000, Window.CALENDAR_MONTH_UTC)
    deny, seconds = refusal_of(Refused(budget, 400_000_001, 120_000_000, 86_400, RESET))
    assert seconds is None
    assert (deny.rule, deny.code) == ("budget", "budget_exceeded")
    assert deny.reason == (
        "team web has $0.12 of $5,000.00 left this month, and this request may cost $0.4001"
    )
    assert deny.alternative == (
        "it resets on 2026-12-01 00:00 UTC; the gateway's operator can raise it"
    )


def test_a_budget_that_resets_in_a_moment_is_a_short_wait():
    deny, seconds = refusal_of(Refused(cap(Unit.NANO_USD, 100, DAY), 90, 10, 12, RESET))
    assert (seconds, deny.alternative) == (12, "try again in 12 s")


def test_a_request_dearer_than_the_whole_budget_is_told_so():
    deny, _ = refusal_of(Refused(cap(Unit.NANO_USD, 1_000_000_000, DAY), 2 * 10**9, 10**9))
    assert deny.reason == "this request may cost $2.00; team web may use $1.00 a day"


@pytest.mark.parametrize(
    ("window", "told"),
    [
        (Window.MINUTE, "has used its 600 requests a minute"),
        (Window(Period.HOUR), "has used its 600 requests this hour"),
        (DAY, "has used its 600 requests today"),
        (Window(Period.WEEK), "has used its 600 requests this week"),
        (Window.CALENDAR_MONTH_UTC, "has used its 600 requests this month"),
        (LAST_DAY, "has used its 600 requests in the last 24 hours"),
        (Window(Period.MONTH, Pace.SLIDING), "has used its 600 requests in the last 30 days"),
    ],
)
def test_every_window_has_its_words(window, told):
    deny, _ = refusal_of(Refused(cap(Unit.REQUESTS, 600, window), 1, 0, 7_000, RESET))
    assert deny.reason == f"team web {told}"


def test_what_slides_says_when_there_is_room_again():
    deny, _ = refusal_of(Refused(cap(Unit.TOKENS, 600, LAST_DAY), 50, 10, 7_000, RESET))
    assert str(deny.alternative).startswith("there is room again at 2026-12-01 00:00 UTC;")


def test_nobody_knows_when_what_runs_will_leave_a_sliding_window():
    deny, _ = refusal_of(Refused(cap(Unit.TOKENS, 600, LAST_DAY), 50, 10))
    assert deny.alternative == "try again later"


@pytest.mark.parametrize(
    ("account", "told"),
    [
        ("user:ada (team web)", "user ada (team web)"),
        ("user:ada model:a:b/c (rule few)", "user ada, model a:b/c (rule few)"),
        ("together (rule all)", "everybody (rule all)"),
    ],
)
def test_an_account_is_named_for_people(account, told):
    assert who(account) == told


def test_what_cannot_be_looked_up_says_so_and_is_a_short_wait():
    budget = cap(Unit.NANO_USD, 1_000_000_000, DAY)
    deny, seconds = refusal_of(unknown(budget, 5))
    assert (deny.code, seconds, deny.lasts) == ("caps_unavailable", 5, False)
    assert deny.reason == (
        "team web may use $1.00 a day, and what it has used cannot be looked up at the moment"
    )


def test_a_warning_stays_the_same_until_the_window_ends():
    budget = cap(Unit.NANO_USD, 50_000_000_000, DAY, "user:ada (team web)")
    assert warning_nearly_used_up(budget, RESET) == (
        "user ada (team web) has used more than 80 % of its $50.00 today; "
        "it resets on 2026-12-01 00:00 UTC"
    )


def test_a_target_that_is_left_out_is_named_with_its_cap():
    used_up = Cap("vendor:a (rule r)", Unit.REQUESTS, 9, LAST_DAY, ("a/x", "a/y"))
    assert warning_left_out(Refused(used_up, 1, 0)) == (
        "a/x, a/y left out: vendor a (rule r) has used up its 9 requests in the last 24 hours"
    )


def test_a_target_that_is_left_out_because_nobody_knows_says_so():
    capped = Cap("vendor:a (rule r)", Unit.NANO_USD, 9, LAST_DAY, ("a/x",))
    assert warning_left_out(unknown(capped, 1)) == (
        "a/x left out: what vendor a (rule r) has used cannot be looked up at the moment"
    )


def test_a_house_for_one_is_told_in_the_singular():
    deny, _ = refusal_of(Refused(cap(Unit.PARALLEL, 1), 1, 0, 5))
    assert deny.reason == "team web already has a request running; only one at a time may"
