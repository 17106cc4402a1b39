"""Eight gateways, two hundred clients, three kills: budgets hold, and the books agree."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from gateway.caps.port import AccountState
from gateway.database_address import DatabaseAddress
from gateway.store.account_usage import AccountBook
from gateway.store.database import Database, open_store
from gateway.store.lanes import Lanes
from policy.types import Unit
from tests.fakes.fleet import CountersSeen, Crowd, a_fleet
from tests.fakes.ledger import some_records
from tests.fakes.postgres import execute
from tests.fakes.vendor import FakeVendor
from tests.fakes.vendor_script import Script, TokenUsage
from tests.fakes.vendor_server import Call
from tests.fakes.waiting import IN_VAIN_SECONDS, until_it_is

USD = 1_000_000_000
REPLICAS, KILLED, CLIENTS = 8, 3, 200
LONGEST, USUAL = 200, 20  # tokens of output
TOKEN_NANO_USD = 1_000_000
PARALLEL = 120
LOOSE, TIGHT = 12 * USD, 8 * USD  # what each model may cost
LEASE_SECONDS = 4

CONFIGURATION = """\
vendors:
  house: {{ kind: in_house, base_url: "{vendor}", wires: [openai_chat] }}
models:
  loose: {{ targets: [house/loose] }}
  tight: {{ targets: [house/tight] }}
teams:
  default:
    models: [loose, tight]
    data_class: internal
    limits: {{ parallel: {parallel}, requests_per_day: 100000, usd_per_month: 1000 }}
prices:
  house/loose: {{ input: 0, output: 1000 }}
  house/tight: {{ input: 0, output: 1000 }}
policy: [rules.yaml]
storage: {{ url: "{postgres}" }}
keys: {{ pepper: "{pepper}" }}
counters:
  url: "{valkey}"
  namespace: {namespace}
  replicas: 8
  timeout_ms: 5000
  lease_seconds: {lease}
admin: {{ listen: "off" }}
"""

RULES = """\
rules:
  - id: loose-budget
    effect: cap
    match: { models: [loose] }
    cap: { per: [user, model], usd_per_day: 12 }
  - id: tight-budget
    effect: cap
    match: { models: [tight] }
    cap: { per: together, usd_per_day: 8, strict: true }
"""


class Models:
    """Answers of twenty tokens, every fifteenth of two hundred; each takes its time."""

    def __init__(self) -> None:
        self._asked = itertools.count(1)

    def __call__(self, call: Call) -> Script:
        output = LONGEST if next(self._asked) % 15 == 0 else USUAL
        words = ("ab " * (output // 10),) * 10
        return Script(
            pieces=words,
            text="".join(words),
            usage=TokenUsage(input=5, output=output),
            seconds_between_events=0.03,
        )


class Watch:
    """Looks at the budgets several times a second, and keeps all that it saw."""

    def __init__(self, seen: CountersSeen) -> None:
        self.states: list[AccountState] = []
        self._seen = seen
        self._looked = asyncio.Condition()

    async def run(self) -> None:
        while True:
            found = await self._seen.states()
            self.states += [each for each in found if each.unit is Unit.NANO_USD]
            async with self._looked:
                self._looked.notify_all()
            await asyncio.sleep(0.15)

    async def until_spent(self, account: str, nano_usd: int) -> None:
        def is_spent() -> bool:
            return any(each.used >= nano_usd and account in each.account for each in self.states)

        async with self._looked:
            await self._looked.wait_for(is_spent)


@asynccontextmanager
async def watched(seen: CountersSeen) -> AsyncIterator[Watch]:
    """Every state of a budget while this lasts."""
    watch = Watch(seen)
    watching = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        watching.cancel()


async def recover(database: Database, url: str) -> int:
    """Give what dead replicas left open its end, as their survivors do in half a minute, and have
    done where the load lasted longer; how many ends that made."""
    lanes = Lanes(database, some_records(seed=77))
    before = await lanes.beats(but_lane="")

    async def all_who_live_have_said_so() -> bool:  # as each does every five seconds
        after = await lanes.beats(but_lane="")
        said_so = {lane for lane, beat in after.items() if beat != before.get(lane, beat)}
        return len(said_so) == REPLICAS - KILLED

    await until_it_is(all_who_live_have_said_so)
    after = await lanes.beats(but_lane="")
    still = [(lane, beat) for lane, beat in before.items() if after.get(lane) == beat]
    assert len(still) <= KILLED
    for lane, beat in still:
        await lanes.end(lane, beat)
    (ended,) = await execute(url, "SELECT count(*) AS ends FROM audit_body WHERE kind = 'unknown'")
    return int(ended["ends"])


async def never_recorded(url: str, exchange_ids: list[str]) -> list[str]:
    """Those of which the ledger knows nothing: killed before anything could leave."""
    known = await execute(
        url,
        "SELECT DISTINCT exchange_id FROM audit_body WHERE exchange_id = ANY($1)",
        exchange_ids,
    )
    names = {row["exchange_id"] for row in known}
    return [each for each in exchange_ids if each not in names]


@pytest.mark.timeout(240)
async def test_budgets_hold_over_eight_gateways_of_which_three_are_killed(
    tmp_path, valkey, postgres_url
):
    namespace = f"t{uuid4().hex[:12]}"
    seen = CountersSeen(valkey, namespace)
    async with FakeVendor(key=None, models=("loose", "tight")) as vendor:
        vendor.follows(Models())
        configuration = CONFIGURATION.format(
            vendor=vendor.url,
            parallel=PARALLEL,
            postgres=postgres_url,
            pepper="5e" * 32,
            valkey=valkey.url,
            namespace=namespace,
            lease=LEASE_SECONDS,
        )
        async with a_fleet(tmp_path, configuration, REPLICAS, RULES) as fleet:
            crowd = Crowd(fleet, ("loose", "tight"), LONGEST)
            async with watched(seen) as watch:
                asking = asyncio.create_task(crowd.asks(CLIENTS))
                await watch.until_spent("loose", LOOSE // 4)
                fleet.kill(KILLED)
                await asking
            database = await open_store(tmp_path, DatabaseAddress.read(postgres_url))
            recovered = await recover(database, postgres_url)
            left = await amended(seen, postgres_url)
            await assert_the_books_agree(seen, database, left)
            await database.close()
    await seen.close()
    assert recovered > 0
    assert crowd.told["answered"] > 300
    assert crowd.told["broken"] > 0
    assert {each for each in crowd.told if each.isdigit()} == set()
    assert_no_budget_was_passed_further_than_published(watch.states)


async def amended(seen: CountersSeen, url: str) -> list[str]:
    """Wait until the ledger's figures stand in the store; what it has none for."""
    async with asyncio.timeout(IN_VAIN_SECONDS):
        while True:
            expired = await seen.expired()
            if len(left := await never_recorded(url, expired)) == len(expired):
                return left
            await asyncio.sleep(0.2)


async def assert_the_books_agree(seen: CountersSeen, database: Database, left: list[str]) -> None:
    """Nothing is held any more, and what was used is what the ledger says, to the nano-dollar."""
    estimated = seen.booked_for(left)
    book = AccountBook(database, lambda: 0)
    states = await seen.states()
    assert {each.account.split(":")[0] for each in states} >= {
        "team",
        "user",
        "together (rule tight-budget)",
    }
    for state in states:
        assert (state.held, state.at_risk) == (0, 0), state
        if state.unit is not Unit.PARALLEL:
            ledger = sum(each.of(state.unit) for each in await book.used(state.account, 0))
            assert state.used == ledger + estimated[state.account, state.unit.value], state


def assert_no_budget_was_passed_further_than_published(states: list[AccountState]) -> None:
    at_most = PARALLEL * LONGEST * TOKEN_NANO_USD
    loose = [each for each in states if "loose" in each.account]
    tight = [each for each in states if "tight" in each.account]
    assert max(each.used + each.held for each in tight) <= TIGHT
    assert max(each.used + each.held for each in loose) <= LOOSE + at_most
    furthest = max(each.used + each.held - each.limit for each in loose)
    assert furthest <= max(each.at_risk for each in loose) + at_most // 10
    assert max(each.used for each in loose) > LOOSE * 9 // 10
    assert max(each.used for each in tight) > TIGHT // 2
