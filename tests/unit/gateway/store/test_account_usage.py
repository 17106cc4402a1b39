"""What accounts used is summed from the ledger, on either database."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.audit.batch import Batch, OpenExchanges
from gateway.audit.chain import ChainHead
from gateway.audit.lost import LostExchange, PastAttempt
from gateway.audit.record import RecordBody
from gateway.caps.port import Ended, HistoryUnknown, Used
from gateway.exchange import Expected, Usage
from gateway.store.account_usage import KEPT_SECONDS, AccountBook
from gateway.store.database import Database
from gateway.store.tables import ACCOUNT_QUARTERS, BODIES, LANES
from tests.fakes.used import NOON, Use, Uses

ADA = "user:ada (team web)"
QUARTER = 900


class Ledger:
    """A database, and records in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.uses = Uses()
        self.now = 0.0
        self.book = AccountBook(database, lambda: NOON, monotonic=self.passing)
        self.exchange = 0

    def passing(self) -> float:
        """A second passes whenever somebody looks at the clock."""
        self.now += 1.0
        return self.now

    def used(self, *accounts: str, tokens: int = 10, cost: int = 5, at: int = NOON, team="web"):
        """The records of an exchange that was charged to these accounts."""
        use = Use(team, usage=Usage(tokens), cost_nano_usd=cost, unix_seconds=at)
        bodies = self.uses.bodies(use)
        for body in bodies[1:]:
            body["charged"] = list(accounts)
        return bodies

    def lost(self, expected: Expected) -> list[RecordBody]:
        """The records of an exchange that nobody saw the end of."""
        admitted, attempted, end = self.used()
        attempts = (PastAttempt(1, "a/b", expected),)
        lost = LostExchange(str(end["exchange_id"]), "web", "coder", attempts)
        return [admitted, attempted, self.uses.records.unknown(lost)]

    async def holds(self, *exchanges: Sequence[RecordBody], late: bool = False) -> None:
        """Put the records into the ledger, in a lane of their own; their ends may come late."""
        lane = self.uses.records.new_ulid()
        batch = Batch(ChainHead.of_new(lane), OpenExchanges())
        for bodies in exchanges:
            for body in bodies:
                batch.add(body)
        rows = [dict(zip(BODIES.c.keys(), row, strict=True)) for row in batch.rows.bodies]
        for row in rows:
            row["kind"] = "late" if late and row["kind"] == "completed" else row["kind"]
        async with self.database.writing() as connection:
            values = {"lane": lane, "opened_unix_us": 1, "settled_seq": 0}
            await connection.execute(insert(LANES).values(values))
            await connection.execute(insert(BODIES), rows)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


async def test_every_end_is_its_teams_and_that_of_the_accounts_it_names(ledger):
    await ledger.holds(ledger.used(ADA, "vendor:a (rule r)"), ledger.used(ADA), ledger.used())
    assert await ledger.book.used("team:web", 0) == [Used(NOON, 3, 30, 15)]
    assert await ledger.book.used(ADA, 0) == [Used(NOON, 2, 20, 10)]
    assert await ledger.book.used("vendor:a (rule r)", 0) == [Used(NOON, 1, 10, 5)]
    assert await ledger.book.used("user:bob (team web)", 0) == []


async def test_quarters_of_an_hour_are_told_apart_oldest_first(ledger):
    times = (NOON + QUARTER, NOON, NOON + QUARTER - 1)
    await ledger.holds(*[ledger.used(ADA, at=each) for each in times])
    assert await ledger.book.used(ADA, 0) == [
        Used(NOON, 2, 20, 10),
        Used(NOON + QUARTER, 1, 10, 5),
    ]


async def test_only_quarters_that_end_after_the_moment_are_told(ledger):
    await ledger.holds(ledger.used(ADA))
    assert await ledger.book.used(ADA, NOON + QUARTER - 1) != []
    assert await ledger.book.used(ADA, NOON + QUARTER) == []


async def test_what_comes_later_is_added(ledger):
    await ledger.holds(ledger.used(ADA))
    await ledger.book.used(ADA, 0)
    await ledger.holds(ledger.used(ADA, cost=7))
    assert await ledger.book.used(ADA, 0) == [Used(NOON, 2, 20, 12)]


class Watched:
    """A database that counts how often somebody looked at it."""

    def __init__(self, database: Database) -> None:
        self.shown = database.shown
        self.looks = 0
        self._database = database

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        self.looks += 1
        return self._database.reading()

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._database.writing()

    async def close(self) -> None:
        await self._database.close()


async def test_of_many_who_ask_at_once_one_looks_for_what_is_new(ledger):
    await ledger.holds(ledger.used(ADA))
    watched = Watched(ledger.database)
    book = AccountBook(watched, lambda: NOON, monotonic=lambda: 7.0)
    answers = await asyncio.gather(*[book.used(ADA, 0) for _ in range(20)])
    assert answers == [[Used(NOON, 1, 10, 5)]] * 20
    assert watched.looks == 20 + 1


async def test_replicas_that_ask_at_once_count_each_end_once(ledger):
    await ledger.holds(*[ledger.used(ADA) for _ in range(20)])
    books = [AccountBook(ledger.database, lambda: NOON) for _ in range(4)]
    found = await asyncio.gather(*[book.used(ADA, 0) for book in books])
    assert await books[0].used(ADA, 0) == [Used(NOON, 20, 200, 100)]
    assert len(found) == 4


async def test_a_lost_exchange_counts_as_it_was_expected_to(ledger):
    await ledger.holds(ledger.lost(Expected(300, 20, 45, (ADA,))))
    assert await ledger.book.used(ADA, 0) == [Used(NOON, 1, 320, 45)]


async def test_an_end_that_comes_late_takes_the_place_of_its_estimate(ledger):
    admitted, attempted, end = ledger.used(ADA, cost=70)
    attempts = (PastAttempt(1, "a/b", Expected(300, 20, 45, (ADA,))),)
    lost = LostExchange(str(end["exchange_id"]), "web", "coder", attempts)
    await ledger.holds([admitted, attempted, ledger.uses.records.unknown(lost)])
    assert await ledger.book.used(ADA, 0) == [Used(NOON, 1, 320, 45)]
    await ledger.holds([admitted, attempted, end], late=True)
    assert await ledger.book.used(ADA, 0) == [Used(NOON, 1, 10, 70)]
    assert await ledger.book.used("team:web", 0) == [Used(NOON, 1, 10, 70)]


async def test_what_single_exchanges_used_is_told_where_they_have_their_end(ledger):
    done, open_ = ledger.used(ADA, cost=70), ledger.used(ADA)
    lost = ledger.lost(Expected(300, 20, 45, (ADA,)))
    unsent = ledger.used()[:1]
    nothing = LostExchange(str(unsent[0]["exchange_id"]), "web", "coder", ())
    await ledger.holds(done, open_[:2], lost, [*unsent, ledger.uses.records.unknown(nothing)])
    ids = [str(each[0]["exchange_id"]) for each in (done, open_, lost, unsent)]
    accounts = ("team:web", ADA)
    assert await ledger.book.ended([*ids, "gh-nobody"]) == {
        ids[0]: Ended(1, 10, 70, accounts),
        ids[2]: Ended(1, 320, 45, accounts),
        ids[3]: Ended(0, 0, 0, ("team:web",)),
    }


async def test_a_late_end_is_the_one_that_counts(ledger):
    admitted, attempted, end = ledger.used(ADA, cost=70)
    exchange = str(end["exchange_id"])
    lost = LostExchange(exchange, "web", "coder", (PastAttempt(1, "a/b", Expected(3, 2, 45)),))
    await ledger.holds([admitted, attempted, ledger.uses.records.unknown(lost)])
    await ledger.holds([admitted, attempted, end], late=True)
    assert (await ledger.book.ended([exchange]))[exchange].nano_usd == 70


async def test_what_no_window_reaches_any_more_is_forgotten(ledger):
    old = NOON - KEPT_SECONDS - QUARTER
    await ledger.holds(ledger.used(ADA, at=old), ledger.used(ADA))
    assert len(await ledger.book.used(ADA, 0)) == 2
    await ledger.book.catch_up()
    assert await ledger.book.used(ADA, 0) == [Used(NOON, 1, 10, 5)]


async def test_once_a_cap_has_asked_the_sums_are_kept_level(ledger):
    asleep: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def sleep(seconds: float) -> None:
        woken = asyncio.Event()
        asleep.put_nowait(woken)
        await woken.wait()

    async def passes() -> None:
        """The next time it looks, until it sleeps again."""
        (await asleep.get()).set()
        asleep.put_nowait(await asleep.get())

    book = AccountBook(ledger.database, lambda: NOON, sleep=sleep)
    await book.start()
    await ledger.holds(ledger.used(ADA))
    await passes()
    assert await summed(ledger) == 0
    await book.used(ADA, 0)
    await ledger.holds(ledger.used(ADA))
    await passes()
    assert await summed(ledger) == 2
    await book.stop()
    await ledger.holds(ledger.used(ADA))
    await book.start()
    assert await summed(ledger) == 3
    await book.stop()


async def summed(ledger: Ledger) -> int:
    """How many requests of Ada are in the sums, whatever is in the ledger."""
    query = select(ACCOUNT_QUARTERS.c.requests).where(ACCOUNT_QUARTERS.c.account == ADA)
    async with ledger.database.reading() as connection:
        return sum(await connection.scalars(query))


async def test_nobody_knows_while_the_database_is_away(tmp_path):
    from gateway.store.sqlite import open_sqlite

    opened = open_sqlite(tmp_path)
    for file in tmp_path.glob("gatehouse.db*"):
        file.unlink()
    book = AccountBook(opened, lambda: NOON)
    with pytest.raises(HistoryUnknown):
        await book.used(ADA, 0)
    with pytest.raises(HistoryUnknown):
        await book.catch_up()
    with pytest.raises(HistoryUnknown):
        await book.ended(["gh-1"])
    await opened.close()
