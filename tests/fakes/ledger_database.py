"""The ledger that several processes keep in one PostgreSQL database, read beside them."""

from collections import Counter
from pathlib import Path

from gateway.audit.chain import ChainHead, find_breaks
from gateway.database_address import DatabaseAddress
from gateway.store.database import open_store
from gateway.store.ledger import Ledger, LedgerRow
from tests.fakes.postgres import execute
from tests.fakes.waiting import until_it_is

ENDS = ("completed", "unknown")


async def rows_of(url: str) -> list[LedgerRow]:
    """Every record there is; all chains are whole."""
    database = await open_store(Path(), DatabaseAddress.read(url))
    ledger = Ledger(database)
    try:
        for lane in await ledger.lanes():
            chain = await ledger.chain(lane, after_seq=0, limit=1_000_000)
            assert find_breaks(ChainHead.of_new(lane), chain) == []
        rows, _ = await ledger.after({}, 1_000_000)
        return rows
    finally:
        await database.close()


async def lanes_of(url: str) -> dict[str, int | None]:
    """The lanes of gateways in the order of their beginning, and how far each was recovered."""
    query = "SELECT lane, recovered_seq FROM audit_lane WHERE purpose IS NULL ORDER BY lane"
    return {row["lane"]: row["recovered_seq"] for row in await execute(url, query)}


async def recovered(url: str, lane: str) -> None:
    """Return once another replica has ended what this lane left open."""

    async def is_recovered() -> bool:
        return (await lanes_of(url))[lane] is not None

    await until_it_is(is_recovered)


def admitted_in(rows: list[LedgerRow], lane: str) -> Counter[str]:
    return Counter(row.exchange_id for row in rows if (row.lane, row.kind) == (lane, "admitted"))


def ends_of(rows: list[LedgerRow], exchanges: Counter[str]) -> Counter[str]:
    ended = (row.exchange_id for row in rows if row.kind in ENDS)
    return Counter(each for each in ended if each in exchanges)
