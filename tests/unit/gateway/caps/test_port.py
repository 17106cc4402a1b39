"""Caps hold wherever they are counted: all or nothing, exactly once, never above the limit."""

import asyncio
from datetime import UTC, datetime

import pytest

from policy.types import Pace, Period, Unit, Window
from tests.fakes.counters import (
    ACCOUNT,
    DAY_MS,
    NOON_MS,
    SECOND_MS,
    money,
    parallel,
    requests,
    sliding,
    tokens,
)

BERLIN_DAY = Window(Period.DAY, Pace.CALENDAR, "Europe/Berlin")
A, B = ("a/x",), ("b/y",)


async def test_of_a_hundred_at_once_with_a_budget_for_ten_exactly_ten_pass(office):
    asked = [office.reserve(money(1_000), nano_usd=100) for _ in range(100)]
    answers = await asyncio.gather(*asked)
    assert sum(hasattr(each, "claims") for each in answers) == 10
    assert (await office.state()).held == 1_000


async def test_a_burst_of_the_whole_minute_passes_and_the_next_waits(office):
    for _ in range(50):
        await office.hold(requests(50))
    refused = await office.refused(requests(50))
    assert (refused.left, refused.retry_after_seconds) == (0, 2)


async def test_after_the_wait_there_is_room_again(office):
    await office.hold(requests(1))
    refused = await office.refused(requests(1))
    assert refused.retry_after_seconds is not None
    await office.passes(refused.retry_after_seconds * SECOND_MS)
    await office.hold(requests(1))


async def test_a_request_larger_than_the_whole_minute_can_never_pass(office):
    refused = await office.refused(tokens(100), tokens=101)
    assert (refused.needed, refused.left, refused.retry_after_seconds) == (101, 100, None)


async def test_a_refusal_by_one_cap_takes_nothing_from_the_others(office):
    caps = (requests(1), tokens(100), parallel(1), money(10))
    await office.refused(*caps, tokens=5, nano_usd=11)
    assert await office.counted() == (0, 0, 0)
    await office.hold(*caps, tokens=100, nano_usd=10)


async def test_parallel_counts_what_runs_now(office):
    first = await office.hold(parallel(1))
    refused = await office.refused(parallel(1))
    office.settle(first)
    assert refused.retry_after_seconds == 5
    await office.hold(parallel(1))


async def test_settling_twice_counts_once(office):
    held = await office.hold(parallel(5), money(100), nano_usd=50)
    assert [office.settle(held, nano_usd=40) for _ in range(2)] == [True, False]
    assert await office.counted() == (40, 0, 0)


async def test_releasing_after_settling_does_nothing(office):
    held = await office.hold(requests(1), parallel(5))
    office.settle(held)
    assert not office.release(held)
    assert await office.counted() == (0, 0, 0)
    await office.refused(requests(1))


async def test_the_same_exchange_reserves_once(office):
    first = await office.hold(money(10), nano_usd=7, name="gh-x")
    again = await office.hold(money(10), nano_usd=7, name="gh-x")
    assert again.claims == first.claims
    assert (await office.state()).held == 7


async def test_settling_gives_tokens_back_or_takes_more(office):
    less = await office.hold(tokens(100), tokens=80)
    office.settle(less, tokens=10)
    more = await office.hold(tokens(100), tokens=80)
    office.settle(more, tokens=90)
    assert (await office.refused(tokens(100), tokens=1)).left == 0


async def test_what_has_drained_is_not_given_back_again(office):
    held = await office.hold(tokens(60), tokens=60)
    await office.passes(30 * SECOND_MS)
    office.settle(held, tokens=0)
    await office.hold(tokens(60), tokens=60)
    await office.refused(tokens(60), tokens=1)


async def test_a_request_that_was_never_sent_is_given_back(office):
    caps = (requests(1), tokens(100), money(10), requests(1, Window(Period.DAY)))
    held = await office.hold(*caps, tokens=100, nano_usd=10)
    assert office.release(held)
    await office.hold(*caps, tokens=100, nano_usd=10)


async def test_a_request_that_failed_after_it_was_sent_still_counts_as_one(office):
    caps = (requests(1), tokens(100), money(10))
    office.settle(await office.hold(*caps, tokens=100, nano_usd=10))
    refused = await office.refused(*caps, tokens=100, nano_usd=10)
    assert refused.cap.unit is Unit.REQUESTS
    assert await office.counted() == (0, 0, 0)


async def test_a_used_up_budget_says_what_is_left_and_when_it_resets(office):
    office.settle(await office.hold(money(100), nano_usd=70), nano_usd=70)
    refused = await office.refused(money(100), nano_usd=31)
    assert (refused.needed, refused.left) == (31, 30)
    assert refused.resets_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert refused.retry_after_seconds == 9 * 86_400 + 43_200


async def test_what_is_dearer_than_the_whole_budget_is_not_told_to_wait(office):
    assert (await office.refused(money(1), nano_usd=2)).retry_after_seconds is None


async def test_what_costs_nothing_does_not_wait_for_money(office):
    office.settle(await office.hold(money(10), nano_usd=10), nano_usd=500)
    await office.hold(money(10), nano_usd=0)


@pytest.mark.parametrize(
    ("window", "last", "first"),
    [
        (Window(Period.MINUTE), (2026, 11, 21, 12, 0, 59), (2026, 11, 21, 12, 1)),
        (Window(Period.HOUR), (2026, 11, 21, 12, 59, 59), (2026, 11, 21, 13)),
        (Window(Period.DAY), (2026, 11, 21, 23, 59, 59), (2026, 11, 22)),
        (BERLIN_DAY, (2026, 11, 21, 22, 59, 59), (2026, 11, 21, 23)),
        (Window(Period.WEEK), (2026, 11, 22, 23, 59, 59), (2026, 11, 23)),
        (Window(Period.MONTH), (2026, 11, 30, 23, 59, 59), (2026, 12, 1)),
    ],
)
async def test_a_calendar_window_ends_at_once_for_what_was_used_and_not_for_what_is_held(
    office, window, last, first
):
    cap = money(100, window=window)
    office.settle(await office.hold(cap, nano_usd=80), nano_usd=80)
    running = await office.hold(cap, nano_usd=20)
    await office.moves_to(*last)
    assert (await office.refused(cap, nano_usd=1)).resets_at == datetime(*first, tzinfo=UTC)
    await office.moves_to(*first)
    assert (await office.refused(cap, nano_usd=81)).left == 80
    office.settle(running, nano_usd=8)
    assert (await office.state()).used == 8


async def test_a_clock_that_steps_back_a_month_forgets_no_spending(office):
    office.settle(await office.hold(money(100), nano_usd=90), nano_usd=90)
    await office.moves_to(2026, 10, 31)
    await office.refused(money(100), nano_usd=11)


@pytest.mark.parametrize(
    ("period", "length_s", "slot_s"),
    [
        (Period.MINUTE, 60, 1),
        (Period.HOUR, 3_600, 60),
        (Period.DAY, 86_400, 900),
        (Period.WEEK, 604_800, 3_600),
        (Period.MONTH, 2_592_000, 21_600),
    ],
)
async def test_a_sliding_window_gives_back_what_has_left_it_and_never_too_early(
    office, period, length_s, slot_s
):
    cap = tokens(100, sliding(period))
    office.settle(await office.hold(cap, tokens=60), tokens=60)
    await office.passes(length_s * 500)
    office.settle(await office.hold(cap, tokens=40), tokens=40)
    refused = await office.refused(cap, tokens=50)
    assert refused.retry_after_seconds is not None
    await office.passes(NOON_MS + length_s * 1_000 - office.now_ms)
    await office.refused(cap, tokens=1)
    await office.passes(slot_s * 1_000)
    assert refused.resets_at == datetime.fromtimestamp(office.now_ms // 1_000, UTC)
    await office.hold(cap, tokens=60)
    await office.refused(cap, tokens=1)


async def test_requests_of_a_day_are_counted_once_they_are_answered(office):
    cap = requests(2, Window(Period.DAY))
    first, second = await office.hold(cap), await office.hold(cap)
    office.release(first)
    office.settle(second)
    await office.hold(cap)
    assert (await office.refused(cap)).left == 0


@pytest.mark.parametrize("window", [Window.CALENDAR_MONTH_UTC, sliding(Period.WEEK)])
async def test_an_account_begins_with_what_the_ledger_knows(office, window):
    office.past.spent(datetime(2026, 11, 20, tzinfo=UTC), 95)
    assert (await office.refused(money(100, window=window), nano_usd=6)).left == 5


async def test_what_the_ledger_knows_of_earlier_windows_does_not_count(office):
    office.past.spent(datetime(2026, 10, 31, 23, 45, tzinfo=UTC), 95)
    await office.hold(money(100), nano_usd=100)


async def test_what_the_ledger_knows_leaves_a_sliding_window_too(office):
    cap = money(100, window=sliding(Period.DAY))
    office.past.spent(datetime(2026, 11, 20, 13, tzinfo=UTC), 95)
    await office.refused(cap, nano_usd=6)
    await office.passes(3_600 * SECOND_MS + 900 * SECOND_MS)
    await office.hold(cap, nano_usd=100)


async def test_nobody_passes_while_nobody_can_say_what_was_used(office):
    office.past.is_away = True
    assert (await office.refused(money(100), nano_usd=1)).is_unknown
    office.past.is_away = False
    await office.hold(money(100), nano_usd=1)


async def test_growing_never_refuses_and_notes_the_overspend(office):
    held = await office.hold(money(100), tokens(10), nano_usd=90, tokens=10)
    office.raise_to(held, tokens=100, nano_usd=130)
    grown = await office.state()
    assert (grown.held, grown.overspent) == (130, 30)
    office.settle(held, tokens=100, nano_usd=125)
    ended = await office.state()
    assert (ended.used, ended.held, ended.overspent) == (125, 0, 30)


async def test_holding_at_least_what_is_held_already_changes_nothing(office):
    held = await office.hold(money(100), nano_usd=50)
    office.raise_to(held, nano_usd=20)
    office.raise_to(held, nano_usd=50)
    assert (await office.state()).held == 50


async def test_growing_after_the_end_does_nothing(office):
    held = await office.hold(money(100), nano_usd=10)
    office.settle(held, nano_usd=10)
    office.raise_to(held, nano_usd=50)
    assert (await office.state()).held == 0


async def test_what_running_answers_can_still_cost_is_a_number(office):
    await office.hold(money(100), nano_usd=10, at_most=70)
    grown = await office.hold(money(100), nano_usd=10, at_most=30)
    office.raise_to(grown, nano_usd=15)
    assert (await office.state()).at_risk == 60 + 15
    office.settle(grown, nano_usd=20)
    assert (await office.state()).at_risk == 60


async def test_accounts_windows_and_units_do_not_share(office):
    await office.hold(money(10, "team:other"), nano_usd=10)
    await office.hold(money(10, window=Window(Period.DAY)), nano_usd=10)
    await office.hold(tokens(10, Window.CALENDAR_MONTH_UTC), tokens=10)
    await office.hold(money(10), nano_usd=10)


async def test_a_lower_limit_after_a_reload_counts_what_is_already_used(office):
    await office.hold(requests(10), parallel(10))
    await office.refused(requests(10), parallel(1))
    await office.refused(requests(1), parallel(10))


async def test_a_cap_on_some_targets_takes_just_these_out(office):
    few = money(100, "vendor:a", targets=A)
    await office.hold(few, nano_usd=100)
    held = await office.hold(few, requests(5), nano_usd=1)
    assert held.left_out == {"a/x"}
    assert [each.cap for each in held.used_up] == [few]
    assert [each.cap.unit for each in held.claims] == [Unit.REQUESTS]


async def test_it_refuses_where_no_target_is_left(office):
    caps = (requests(9), money(100, "vendor:a", targets=A), money(50, "vendor:b", targets=B))
    await office.hold(*caps[1:2], nano_usd=100)
    await office.hold(*caps[2:], nano_usd=50)
    refused = await office.refused(*caps, nano_usd=1)
    assert refused.cap.account == "vendor:a"
    assert (await office.state(Unit.REQUESTS)).used == 0


async def test_what_counts_only_targets_that_are_out_is_not_taken(office):
    used_up = money(100, "vendor:a", targets=A)
    await office.hold(used_up, nano_usd=100)
    held = await office.hold(used_up, parallel(5, "user:a", targets=A), nano_usd=1)
    assert held.claims == ()
    assert office.settle(held)


async def test_only_the_target_that_answered_is_charged(office):
    caps = (money(100, "vendor:a", targets=A), money(100, "vendor:b", targets=B), money(100))
    held = await office.hold(*caps, nano_usd=10)
    office.settle(held, nano_usd=7, by="b/y")
    used = [(await office.state(account=each)).used for each in ("vendor:a", "vendor:b", ACCOUNT)]
    assert used == [0, 7, 7]


async def test_four_fifths_of_a_budget_are_told(office):
    daily = money(100, window=Window(Period.DAY))
    assert (await office.hold(daily, nano_usd=79)).near == ()
    (near,) = (await office.hold(daily, requests(1), nano_usd=1)).near
    assert (near.cap, near.resets_at) == (daily, datetime(2026, 11, 22, tzinfo=UTC))


async def test_a_budget_of_nothing_is_never_nearly_used_up(office):
    assert (await office.hold(money(0), nano_usd=0)).near == ()


async def test_every_account_says_how_it_stands(office):
    caps = (requests(5), tokens(50, sliding(Period.DAY)), parallel(3), money(100))
    office.settle(await office.hold(*caps, tokens=30, nano_usd=20), tokens=25, nano_usd=15)
    await office.hold(*caps, tokens=20, nano_usd=10, at_most=40)
    states = {each.unit: each for each in await office.counters.states()}
    assert {unit: (each.limit, each.used, each.held) for unit, each in states.items()} == {
        Unit.REQUESTS: (5, 2, 0),
        Unit.TOKENS: (50, 25, 20),
        Unit.PARALLEL: (3, 0, 1),
        Unit.NANO_USD: (100, 15, 10),
    }
    assert states[Unit.NANO_USD].at_risk == 30
    assert states[Unit.NANO_USD].resets_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert states[Unit.TOKENS].window == "sliding_day"


async def test_a_month_in_the_future_is_its_own(office):
    office.settle(await office.hold(money(100), nano_usd=100), nano_usd=100)
    await office.passes(365 * DAY_MS)
    await office.hold(money(100), nano_usd=100)
