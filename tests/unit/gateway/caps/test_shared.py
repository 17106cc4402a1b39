"""Replicas share caps in a store: a dead one holds nothing for long, and an outage is survived."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.caps.outage import OutagePlan
from gateway.caps.port import Ended
from policy.types import Period, Unit, Window
from tests.fakes.counters import ACCOUNT, money, parallel, requests, sliding, tokens
from tests.fakes.valkey import SharedOffice, Valkey, a_valkey
from tests.fakes.waiting import until_it_is

DAY = Window(Period.DAY)
LEASE_MS = 30_000
SHORT_SECONDS = 1.0  # for a store that says nothing; one that answers does so well within it
CAPS = (parallel(4), money(1_000), tokens(500, DAY), requests(9, sliding(Period.HOUR)))


@pytest.fixture(scope="module")
def own_valkey() -> Iterator[Valkey]:
    """A server that tests stop, and start again."""
    with a_valkey() as server:
        yield server


@asynccontextmanager
async def replicas(
    valkey: Valkey, count: int = 2, **more: object
) -> AsyncIterator[list[SharedOffice]]:
    """Offices of one installation, with one clock and one past."""
    first = SharedOffice(valkey.url, lease_seconds=30, **more)
    offices = [first]
    for _ in range(count - 1):
        other = SharedOffice(valkey.url, namespace=first.namespace, lease_seconds=30, **more)
        other.past = first.past
        offices.append(other)
    for at, each in enumerate(offices):
        each.counters = each._made(each)
        each.asked = at * 1_000_000
        await each.open()
    try:
        yield offices
    finally:
        for each in offices:
            await each.close()


async def pass_time(offices: list[SharedOffice], milliseconds: int) -> None:
    for each in offices:
        await each.passes(milliseconds)


async def standing(office: SharedOffice) -> dict[Unit, tuple[int, int, int]]:
    """Used, held and at risk of each unit, as the store has it."""
    states = [each for each in await office.counters.states() if each.account == ACCOUNT]
    return {each.unit: (each.used, each.held, each.at_risk) for each in states}


NOTHING_RUNS = {
    Unit.PARALLEL: (0, 0, 0),
    Unit.NANO_USD: (0, 0, 0),
    Unit.TOKENS: (0, 0, 0),
    Unit.REQUESTS: (0, 0, 0),
}


async def test_what_one_replica_takes_another_has_not(valkey):
    async with replicas(valkey) as (first, second):
        held = await first.hold(*CAPS, nano_usd=900, tokens=10)
        assert (await second.refused(money(1_000), nano_usd=101)).left == 100
        first.settle(held, nano_usd=50, tokens=5)
        await first.shared.flush()
        await second.hold(money(1_000), nano_usd=950)


async def test_many_replicas_at_once_admit_exactly_what_fits(valkey):
    async with replicas(valkey, 4) as offices:
        asked = [each.reserve(money(1_000), nano_usd=100) for each in offices for _ in range(25)]
        answers = await asyncio.gather(*asked)
        assert sum(hasattr(each, "claims") for each in answers) == 10


async def test_a_dead_replicas_holds_end_with_their_lease_as_estimated(valkey):
    async with replicas(valkey) as (dead, alive):
        await dead.hold(*CAPS, nano_usd=300, tokens=100, at_most=700)
        await pass_time([alive], LEASE_MS - 1)
        await alive.refused(money(1_000), nano_usd=701)
        assert (await standing(alive))[Unit.PARALLEL] == (0, 1, 0)
        await pass_time([alive], 1)
        await alive.hold(requests(9, sliding(Period.HOUR)))
        assert await standing(alive) == {
            Unit.PARALLEL: (0, 0, 0),
            Unit.NANO_USD: (300, 0, 0),
            Unit.TOKENS: (100, 0, 0),
            Unit.REQUESTS: (1, 1, 0),
        }


async def test_a_replica_that_says_it_lives_keeps_its_holds(valkey):
    async with replicas(valkey) as (one, other):
        await one.hold(*CAPS, nano_usd=300)
        for _ in range(5):
            await pass_time([one, other], LEASE_MS // 2)
            await one.shared.keep_leases()
            await other.shared.keep_leases()
        assert (await standing(other))[Unit.NANO_USD][:2] == (0, 300)


async def test_one_that_was_only_paused_gets_its_holds_back(valkey):
    async with replicas(valkey) as (paused, other):
        held = await paused.hold(*CAPS, nano_usd=300, tokens=100, at_most=700)
        before = await standing(other)
        await pass_time([paused, other], LEASE_MS)
        await other.shared.keep_leases()
        assert (await standing(other))[Unit.NANO_USD] == (300, 0, 0)
        await paused.shared.keep_leases()
        assert await standing(other) == before
        paused.settle(held, nano_usd=250, tokens=90)
        assert (await standing(paused))[Unit.NANO_USD] == (250, 0, 0)


async def test_a_late_settlement_takes_the_place_of_the_estimate(valkey):
    async with replicas(valkey) as (late, other):
        held = await late.hold(*CAPS, nano_usd=300, tokens=100, at_most=700)
        await pass_time([late, other], LEASE_MS)
        await other.shared.keep_leases()
        assert late.settle(held, nano_usd=120, tokens=170)
        assert await standing(late) == {
            Unit.PARALLEL: (0, 0, 0),
            Unit.NANO_USD: (120, 0, 0),
            Unit.TOKENS: (170, 0, 0),
            Unit.REQUESTS: (1, 0, 0),
        }


async def test_an_estimate_gives_way_to_what_the_ledger_says_of_a_dead_replicas_exchange(valkey):
    caps = (
        *CAPS,
        money(900, "vendor:a", targets=("a/x",)),
        money(900, "vendor:b", targets=("b/y",)),
    )
    async with replicas(valkey) as (dead, alive):
        held = await dead.hold(*caps, nano_usd=300, tokens=100, at_most=700)
        await dead.hold(money(1_000), nano_usd=50, name="gh-never-recorded")
        await pass_time([alive], LEASE_MS)
        await alive.shared.keep_leases()
        assert (await standing(alive))[Unit.NANO_USD] == (350, 0, 0)
        used = Ended(1, 90, 210, ("team:web", "vendor:a"))
        alive.past.ends = {held.exchange_id: used}
        for _ in range(2):
            await alive.shared.keep_leases()
        states = {(each.account, each.unit): each.used for each in await alive.counters.states()}
        assert states["team:web", Unit.NANO_USD] == 210 + 50
        assert states["team:web", Unit.TOKENS] == 90
        assert states["team:web", Unit.REQUESTS] == 1
        assert (states["vendor:a", Unit.NANO_USD], states["vendor:b", Unit.NANO_USD]) == (210, 0)


async def test_estimates_stay_while_the_ledger_cannot_be_read(valkey):
    async with replicas(valkey) as (dead, alive):
        held = await dead.hold(money(1_000), nano_usd=300)
        await pass_time([alive], LEASE_MS)
        alive.past.ends = {held.exchange_id: Ended(1, 0, 10, ("team:web",))}
        alive.past.is_away = True
        await alive.shared.keep_leases()
        assert (await standing(alive))[Unit.NANO_USD] == (300, 0, 0)
        alive.past.is_away = False
        await alive.shared.keep_leases()
        assert (await standing(alive))[Unit.NANO_USD] == (10, 0, 0)


async def test_a_settlement_that_is_told_twice_counts_once(valkey):
    async with replicas(valkey, 1) as (office,):
        held = await office.hold(*CAPS, nano_usd=300)
        running = office.shared._running[held.exchange_id]
        office.settle(held, nano_usd=120)
        office.shared._running[held.exchange_id] = running  # as if no word had come back
        office.settle(held, nano_usd=120)
        assert (await standing(office))[Unit.NANO_USD] == (120, 0, 0)


async def test_who_leaves_while_the_store_is_asked_holds_nothing(valkey):
    async with replicas(valkey, 1) as (office,):
        await office.shared.flush()
        asking = asyncio.create_task(office.reserve(*CAPS[:1]))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        assert (await standing(office)).get(Unit.PARALLEL, (0, 0, 0)) == (0, 0, 0)


async def test_a_store_that_forgot_everything_learns_it_again(valkey):
    async with replicas(valkey) as (one, other):
        spent = await one.hold(money(1_000), nano_usd=100)
        one.settle(spent, nano_usd=100)
        running = await other.hold(*CAPS, nano_usd=300, tokens=7)
        await one.shared.flush()
        one.past.spent(datetime(2026, 11, 21, 11, tzinfo=UTC), 100)
        forget(valkey, one)
        assert (await one.refused(money(1_000), nano_usd=901)).left == 900
        await other.shared.keep_leases()
        await other.shared.flush()
        assert (await one.refused(money(1_000), nano_usd=601)).left == 600
        other.settle(running, nano_usd=250, tokens=7)
        assert (await standing(other))[Unit.NANO_USD] == (350, 0, 0)


async def test_what_ended_while_a_store_had_forgotten_it_is_booked_once(valkey):
    async with replicas(valkey) as (one, other):
        lost = await one.hold(money(1_000), nano_usd=100)
        forget(valkey, one)
        await other.hold(money(1_000), nano_usd=10)
        await pass_time([one, other], 1_000)
        one.settle(lost, nano_usd=70)
        assert (await standing(one))[Unit.NANO_USD] == (70, 10, 0)


def forget(valkey: Valkey, office: SharedOffice) -> None:
    """Everything of this installation is gone from the store."""
    client = valkey.client()
    client.delete(*client.keys(f"{{{office.namespace}}}:*"))
    client.close()


@asynccontextmanager
async def in_an_outage(
    valkey: Valkey, count: int = 2, plan: OutagePlan | None = None
) -> AsyncIterator[list[SharedOffice]]:
    """Replicas that have just lost their store; in the end it is there again."""
    chosen = plan or OutagePlan(replicas=count)
    async with replicas(valkey, count, plan=chosen) as offices:
        valkey.stop()
        try:
            yield offices
        finally:
            if not valkey.is_running:
                valkey.start()


async def back(valkey: Valkey, offices: list[SharedOffice]) -> None:
    valkey.start()
    for each in offices:
        await until_it_is(lambda office=each: is_found(office))


async def is_found(office: SharedOffice) -> bool:
    """Whether a look finds the store again: it may be slow at first."""
    await office.shared.keep_leases()
    return not office.shared.is_away


async def test_away_rates_and_running_requests_are_divided_among_the_replicas(own_valkey):
    async with in_an_outage(own_valkey) as offices:
        for each in offices:
            for _ in range(2):
                await each.hold(requests(5), parallel(4))
            assert (await each.refused(requests(5))).cap.amount == 5
            assert (await each.refused(parallel(4))).cap.amount == 4
            assert each.shared.is_away


async def test_away_a_rate_of_one_still_lets_one_through(own_valkey):
    async with in_an_outage(own_valkey, 2, OutagePlan(replicas=8)) as (office, _):
        await office.hold(requests(3), parallel(1))


async def test_away_what_the_ledger_says_is_left_of_tokens_is_divided(own_valkey):
    async with in_an_outage(own_valkey) as (one, other):
        one.past.spent(datetime(2026, 11, 21, 11, tzinfo=UTC), 0, tokens=100)
        for each in (one, other):
            await each.hold(tokens(500, DAY), tokens=200)
            refused = await each.refused(tokens(500, DAY), tokens=1)
            assert (refused.cap.amount, refused.is_unknown) == (500, False)


async def test_away_a_new_day_is_a_new_part(own_valkey):
    async with in_an_outage(own_valkey) as (office, _):
        used = await office.hold(tokens(500, DAY), tokens=250)
        office.settle(used, tokens=250)
        await office.refused(tokens(500, DAY), tokens=1)
        await office.moves_to(2026, 11, 22)
        await office.hold(tokens(500, DAY), tokens=250)


async def test_away_no_money_is_spent_unless_somebody_said_so(own_valkey):
    async with in_an_outage(own_valkey) as (office, _):
        assert (await office.refused(money(1_000), nano_usd=1)).is_unknown
        await office.hold(money(1_000), nano_usd=0)


async def test_away_a_budget_on_some_targets_takes_just_these_out(own_valkey):
    async with in_an_outage(own_valkey) as (office, _):
        held = await office.hold(money(1_000, "vendor:a", targets=("a/x",)), nano_usd=5)
        assert held.left_out == {"a/x"}
        assert held.used_up[0].is_unknown


async def test_away_as_much_money_is_spent_as_was_allowed_over_all_replicas(own_valkey):
    plan = OutagePlan(replicas=2, allowed_nano_usd=100)
    async with in_an_outage(own_valkey, 2, plan) as offices:
        for each in offices:
            await each.hold(money(1_000), nano_usd=50)
            assert (await each.refused(money(1_000), nano_usd=1)).is_unknown
            assert (await each.hold(money(1_000, "user:b"), nano_usd=50)).near == ()


async def test_away_a_used_up_budget_stays_used_up(own_valkey):
    plan = OutagePlan(replicas=1, allowed_nano_usd=500)
    async with in_an_outage(own_valkey, 1, plan) as (office,):
        office.past.spent(datetime(2026, 11, 3, tzinfo=UTC), 990)
        await office.refused(money(1_000), nano_usd=11)
        await office.hold(money(1_000), nano_usd=10)


async def test_away_with_the_ledger_nothing_is_admitted_under_longer_windows(own_valkey):
    plan = OutagePlan(replicas=1, allowed_nano_usd=500)
    async with in_an_outage(own_valkey, 1, plan) as (office,):
        office.past.is_away = True
        assert (await office.refused(tokens(9, DAY), tokens=1)).is_unknown
        assert (await office.refused(money(1_000), nano_usd=1)).is_unknown
        await office.hold(requests(9), parallel(9))


async def test_back_what_was_used_meanwhile_is_booked_once(own_valkey):
    plan = OutagePlan(replicas=1, allowed_nano_usd=500)
    async with replicas(own_valkey, 2, plan=plan, timeout_seconds=SHORT_SECONDS) as (one, other):
        running = await one.hold(money(1_000), nano_usd=200)
        own_valkey.pause()
        try:
            meanwhile = await one.hold(money(1_000), nano_usd=100)
            await pass_time([one], 1_000)
            one.settle(running, nano_usd=150)
            one.settle(meanwhile, nano_usd=90)
            still = await one.hold(money(1_000), parallel(3), nano_usd=30)
            assert one.shared.health().waiting > 0
        finally:
            own_valkey.resume()
        for each in (one, other):
            await each.shared.keep_leases()
            await each.shared.flush()
        found = await standing(other)
        assert (found[Unit.NANO_USD][:2], found[Unit.PARALLEL][1]) == ((240, 30), 1)
        one.settle(still, nano_usd=20)
        assert (await standing(one))[Unit.NANO_USD] == (260, 0, 0)


async def test_back_with_nothing_the_ledger_tells_what_was_used(own_valkey):
    plan = OutagePlan(replicas=1, allowed_nano_usd=500)
    async with in_an_outage(own_valkey, 1, plan) as (office,):
        meanwhile = await office.hold(money(1_000), nano_usd=100)
        still = await office.hold(money(1_000), nano_usd=30)
        office.settle(meanwhile, nano_usd=90)
        office.past.spent(office.utc(), 90)
        await pass_time([office], 1_000)
        await back(own_valkey, [office])
        assert (await office.refused(money(1_000), nano_usd=900)).left == 1_000 - 90 - 30
        office.settle(still, nano_usd=25)
        assert (await standing(office))[Unit.NANO_USD] == (115, 0, 0)


async def test_a_reservation_whose_answer_was_lost_is_given_back(own_valkey):
    async with replicas(own_valkey, 2, timeout_seconds=SHORT_SECONDS) as (one, other):
        await one.hold(parallel(4))
        own_valkey.pause()
        held = await one.hold(parallel(4))
        own_valkey.resume()
        await one.shared.keep_leases()
        await one.shared.flush()
        assert (await standing(other))[Unit.PARALLEL] == (0, 2, 0)
        one.settle(held)
        assert (await standing(one))[Unit.PARALLEL] == (0, 1, 0)


async def test_a_store_that_is_away_at_the_start_is_found_later(own_valkey):
    own_valkey.stop()
    office = SharedOffice(own_valkey.url)
    await office.open()
    assert office.shared.is_away
    await office.hold(requests(5))
    await back(own_valkey, [office])
    await office.hold(money(100), nano_usd=1)
    await office.close()


async def test_what_running_answers_of_this_replica_can_still_cost_is_a_number(valkey):
    async with replicas(valkey) as (one, other):
        held = await one.hold(*CAPS, nano_usd=100, at_most=400)
        one.raise_to(held, nano_usd=150)
        assert [each.shared.health().at_risk_nano_usd for each in (one, other)] == [250, 0]
        assert (await standing(other))[Unit.NANO_USD] == (0, 150, 250)


async def test_while_the_store_is_away_states_are_this_replicas(own_valkey):
    async with in_an_outage(own_valkey) as (office, _):
        await office.hold(parallel(4))
        assert (await standing(office))[Unit.PARALLEL] == (0, 1, 0)


async def test_everything_that_was_told_is_done_before_it_stops(valkey):
    async with replicas(valkey) as (one, other):
        held = await one.hold(*CAPS, nano_usd=100)
        one.settle(held, nano_usd=60)
        await one.close()
        assert (await standing(other))[Unit.NANO_USD] == (60, 0, 0)


DOCS = Path(__file__).parents[4] / "docs" / "configuration.md"


def rights_asked_for() -> list[str]:
    """Those that docs/configuration.md says the store's user needs, beside its keys."""
    found = re.search(r"`~\{gatehouse\}:\* ([^`]+)`", DOCS.read_text())
    assert found is not None
    return found[1].split()


@dataclass
class Guarded:
    url: str


async def test_the_rights_that_are_asked_for_are_enough(valkey):
    rights = rights_asked_for()
    with valkey.client() as client:
        client.execute_command("ACL", "SETUSER", "caps", "on", ">pass", "~{t*", *rights)
    guarded = Guarded(valkey.url.replace("redis://", "redis://caps:pass@"))
    async with replicas(guarded) as (dead, alive):
        held = await dead.hold(*CAPS, nano_usd=300, tokens=100, at_most=700)
        dead.raise_to(held, nano_usd=400, tokens=150)
        dead.release(await dead.hold(parallel(4)))
        await dead.shared.flush()
        assert (await standing(dead))[Unit.NANO_USD] == (0, 400, 300)
        await pass_time([alive], LEASE_MS)
        await alive.shared.keep_leases()
        alive.past.ends = {held.exchange_id: Ended(1, 90, 210, ("team:web",))}
        await alive.shared.keep_leases()
        await pass_time([alive], 2 * 86_400_000)
        await alive.refused(tokens(500, DAY), tokens=501)
        assert (await standing(alive))[Unit.NANO_USD] == (210, 0, 0)
        assert not alive.shared.is_away


async def test_names_of_counters_that_are_gone_are_let_go(valkey):
    async with replicas(valkey, 1) as (office,):
        for name in ("a", "b"):
            office.settle(await office.hold(parallel(1, f"user:{name}")))
        await office.shared.flush()
        client = valkey.client()
        client.delete(f"{{{office.namespace}}}:c:user:a|parallel|now")
        await office.shared.keep_leases()
        names = client.smembers(f"{{{office.namespace}}}:counters")
        client.close()
        assert names == {b"user:b|parallel|now"}


async def test_holds_of_many_exchanges_are_all_kept(valkey):
    async with replicas(valkey) as (one, other):
        held = [await one.hold(parallel(2_000)) for _ in range(1_100)]
        await pass_time([one, other], LEASE_MS - 1)
        await one.shared.keep_leases()
        await pass_time([one, other], LEASE_MS - 1)
        await other.hold(parallel(2_000))
        assert (await standing(other))[Unit.PARALLEL] == (0, 1_101, 0)
        for each in held:
            one.settle(each)
        assert (await standing(one))[Unit.PARALLEL] == (0, 1, 0)
