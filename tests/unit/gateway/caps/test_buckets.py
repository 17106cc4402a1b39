"""A bucket may be forgotten when a new one would say the same."""

from gateway.caps.buckets import EvenRate, Gauge, Tally
from gateway.caps.port import Claim
from policy.types import Period, Unit, Window
from tests.fakes.counters import NOON_MS, money, parallel, requests, sliding, tokens

NOON_S = NOON_MS // 1_000


def test_a_rate_is_idle_once_it_has_drained():
    now = [0]
    rate = EvenRate(requests(60), lambda: now[0])
    mark = rate.take(Claim(requests(60), 1, 1))
    rate.settle(1, 1, mark, risk=0)
    assert not rate.is_idle
    now[0] += 1_000_000_000
    assert rate.is_idle


def test_a_gauge_is_idle_when_nothing_runs():
    gauge = Gauge(parallel(3))
    assert gauge.is_idle
    gauge.take(Claim(parallel(3), 1, 1))
    assert not gauge.is_idle


def test_a_tally_of_a_month_is_idle_when_nothing_is_held_for_the_ledger_knows_the_rest():
    tally = Tally(money(100), lambda: NOON_S)
    tally.take(Claim(money(100), 10, 10))
    assert not tally.is_idle
    tally.settle(10, 7, 0, risk=0)
    assert (tally.is_idle, tally.state().used) == (True, 7)


def test_a_tally_of_a_minute_is_idle_once_its_window_is_over():
    now = [NOON_S]
    cap = tokens(100, Window(Period.MINUTE))
    tally = Tally(cap, lambda: now[0])
    tally.take(Claim(cap, 10, 10))
    tally.settle(10, 10, 0, risk=0)
    assert not tally.is_idle
    now[0] += 60
    assert tally.is_idle


def test_what_drains_is_told_as_used_until_it_has():
    rate = EvenRate(requests(60), lambda: 0)
    rate.take(Claim(requests(60), 20, 20))
    state = rate.state()
    assert (state.unit, state.window, state.limit, state.used) == (
        Unit.REQUESTS,
        "minute",
        60,
        20,
    )


def test_only_windows_of_a_calendar_reset_at_a_moment():
    assert Tally(money(1, window=sliding(Period.DAY)), lambda: NOON_S).state().resets_at is None
    assert Tally(money(1), lambda: NOON_S).state().resets_at is not None
