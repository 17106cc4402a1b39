"""In this process caps hold, begin with what the ledger knows, and forget what nobody uses."""

import asyncio

from gateway.caps.in_process import InProcessCounters
from policy.types import Period, Unit, Window
from tests.fakes.counters import NOON_MS, Office, money, parallel, requests


def small(office: Office) -> InProcessCounters:
    return InProcessCounters(
        lambda: office.now_ms * 1_000_000,
        lambda: office.now_ms // 1_000,
        office.past,
        most_idle_buckets=3,
    )


async def test_the_past_is_asked_once_however_many_ask_at_once():
    office = Office()
    await asyncio.gather(*[office.hold(money(10_000), nano_usd=1) for _ in range(5)])
    await office.hold(money(20_000), nano_usd=1)
    assert (await office.state()).held == 6
    assert set(office.past.asked) == {"team:web"}


async def test_what_passes_in_a_minute_has_no_past():
    office = Office()
    await office.hold(requests(5), parallel(5), requests(5, Window(Period.MINUTE)))
    assert office.past.asked == []


async def test_accounts_that_nobody_holds_from_are_forgotten_and_known_again():
    office = Office(small)
    spent = await office.hold(money(100, "user:a"), nano_usd=90)
    office.settle(spent, nano_usd=90)
    running = await office.hold(parallel(1, "user:b"))
    for name in "cdef":
        office.settle(await office.hold(money(100, f"user:{name}"), nano_usd=1))
    accounts = {each.account for each in await office.counters.states()}
    assert "user:b" in accounts
    assert "user:a" not in accounts
    assert office.settle(running)
    await office.hold(money(100, "user:a"), nano_usd=11)
    assert office.past.asked.count("user:a") == 2


async def test_a_rate_that_is_in_use_is_not_forgotten():
    office = Office(small)
    office.settle(await office.hold(requests(1)))
    for name in "cdef":
        office.settle(await office.hold(parallel(1, f"user:{name}")))
    assert (await office.refused(requests(1))).cap.unit is Unit.REQUESTS
    office.now_ms = NOON_MS + 60_000
    await office.hold(requests(1))
