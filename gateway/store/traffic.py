"""The ledger's records of requests and their ends, in the order of time, a page at a time.

A page is a transaction of its own: who reads for minutes holds nothing up.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, literal, select, tuple_

from gateway.store.database import Database
from gateway.store.tables import BODIES

PAGE_RECORDS: Final = 5_000

_KINDS = ("admitted", "denied", "completed", "unknown")
_PLACE = (BODIES.c.time_unix_us, BODIES.c.lane, BODIES.c.seq)


@dataclass(frozen=True, slots=True)
class TrafficRow:
    """One record. `cost_nano_usd` is that of a `completed`."""

    exchange_id: str
    kind: str
    cost_nano_usd: int | None
    body: str


async def traffic(
    database: Database, since_unix_us: int, until_unix_us: int, *, page_records: int = PAGE_RECORDS
) -> AsyncIterator[Sequence[TrafficRow]]:
    """Pages of all records from `since` (inclusive) to `until` (not), oldest first."""
    place: tuple[int, str, int] | None = None
    while True:
        query = _page(place, since_unix_us, until_unix_us).limit(page_records)
        async with database.reading() as connection:
            rows = (await connection.execute(query)).all()
        if rows:
            yield [TrafficRow(*told) for _, _, _, *told in rows]
        if len(rows) < page_records:
            return
        time_unix_us, lane, seq, *_ = rows[-1]
        place = time_unix_us, lane, seq


def _page(
    place: tuple[int, str, int] | None, since_unix_us: int, until_unix_us: int
) -> Select[*tuple[Any, ...]]:
    query = select(
        *_PLACE, BODIES.c.exchange_id, BODIES.c.kind, BODIES.c.cost_nano_usd, BODIES.c.body
    ).where(BODIES.c.time_unix_us < until_unix_us, BODIES.c.kind.in_(_KINDS))
    if place is None:
        query = query.where(BODIES.c.time_unix_us >= since_unix_us)
    else:
        # The first condition is for the index, which knows the time only.
        query = query.where(BODIES.c.time_unix_us >= place[0])
        query = query.where(tuple_(*_PLACE) > tuple_(*map(literal, place)))
    return query.order_by(*_PLACE)
