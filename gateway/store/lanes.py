"""Whose writer lives, and the end of what was left open where it does not."""

import os
from collections.abc import Callable, Mapping, Sequence

import orjson
from sqlalchemy import Select, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.audit.lost import LostExchange, PastAttempt
from gateway.audit.record import Records
from gateway.store.change_lane import RECOVERY, ChangeLane
from gateway.store.database import Database
from gateway.store.tables import BODIES, LANES, LEAVES

AT_ONCE = 5000  # exchanges that are given an end in one transaction

_ENDS = ("completed", "unknown")
_ENDED = BODIES.alias("ended")
_OF_GATEWAYS = LANES.c.purpose.is_(None)


class Lanes:
    """The lanes of gateways, as those look at them who may have to end one."""

    def __init__(
        self,
        database: Database,
        records: Records,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._database = database
        self._records = records
        self._recovered = ChangeLane(random_bytes, RECOVERY)

    async def beat(self, lane: str) -> None:
        """Say that the writer of this lane lives."""
        beat = func.coalesce(LANES.c.beat, 0) + 1
        async with self._database.writing() as connection:
            await connection.execute(update(LANES).where(LANES.c.lane == lane).values(beat=beat))

    async def leave(self, lane: str) -> None:
        """The writer has stopped in order. Where it has left something open, others will look."""
        behind = exists().where(LEAVES.c.lane == lane, LEAVES.c.seq > LANES.c.settled_seq)
        async with self._database.writing() as connection:
            here = update(LANES).where(LANES.c.lane == lane, ~behind)
            await connection.execute(here.values(beat=None))

    async def beats(self, *, but_lane: str) -> Mapping[str, int]:
        """The other lanes that somebody is expected to write to, and how far each beat has come."""
        query = select(LANES.c.lane, LANES.c.beat).where(
            _OF_GATEWAYS, LANES.c.beat.is_not(None), LANES.c.lane != but_lane
        )
        async with self._database.reading() as connection:
            return dict((await connection.execute(query)).all())

    async def unsettled(self, *, but_lane: str) -> Sequence[str]:
        """The other lanes that may hold exchanges without an end, oldest first."""
        behind = exists().where(LEAVES.c.lane == LANES.c.lane, LEAVES.c.seq > LANES.c.settled_seq)
        query = (
            select(LANES.c.lane)
            .where(_OF_GATEWAYS, LANES.c.lane != but_lane, behind)
            .order_by(LANES.c.opened_unix_us, LANES.c.lane)
        )
        async with self._database.reading() as connection:
            return (await connection.scalars(query)).all()

    async def open_exchanges(self, lane: str) -> Sequence[LostExchange]:
        """Exchanges that were admitted in a lane and have no end anywhere, oldest first."""
        async with self._database.reading() as connection:
            held = (await connection.execute(_mark_of(lane))).first()
            return () if held is None else await _lost(connection, lane, held.settled_seq)

    async def end_unsettled(self, *, but_lane: str) -> int:
        """Give what is open in any other lane its end; returns how many.

        For a gateway that knows that no other lives, since it holds the folder's `LedgerLock`.
        """
        return sum([await self.end(lane) for lane in await self.unsettled(but_lane=but_lane)])

    async def end(self, lane: str, beat: int | None = None) -> int:
        """Write an `unknown` end for every exchange that is open in a lane; returns how many.

        Only if its beat is still this one. What its writer may be writing now comes before or
        after as a whole: what comes after is `late`. So whoever tries, and however many at once,
        an exchange gets one end that counts.
        """
        ended = 0
        while True:
            found = await self._end_some(lane, beat)
            ended += found
            if found < AT_ONCE:
                return ended

    async def _end_some(self, lane: str, beat: int | None) -> int:
        async with self._database.writing() as connection:
            held = (await connection.execute(_mark_of(lane).with_for_update())).first()
            if held is None or held.beat != beat:
                return 0
            lost = await _lost(connection, lane, held.settled_seq)
            if lost:
                ends = [self._records.unknown(each) for each in lost]
                await self._recovered.append(connection, ends, self._records.unix_us())
            if len(lost) < AT_ONCE:
                await _mark_recovered(connection, lane)
            return len(lost)


def _mark_of(lane: str) -> Select[int, int | None]:
    return select(LANES.c.settled_seq, LANES.c.beat).where(LANES.c.lane == lane)


async def _mark_recovered(connection: AsyncConnection, lane: str) -> None:
    last = select(func.coalesce(func.max(LEAVES.c.seq), 0)).where(LEAVES.c.lane == lane)
    seq = await connection.scalar(last)
    values = {"settled_seq": seq, "recovered_seq": seq, "beat": None}
    await connection.execute(update(LANES).where(LANES.c.lane == lane).values(values))


async def _lost(connection: AsyncConnection, lane: str, settled_seq: int) -> list[LostExchange]:
    end = select(_ENDED.c.seq).where(
        _ENDED.c.exchange_id == BODIES.c.exchange_id, _ENDED.c.kind.in_(_ENDS)
    )
    query = (
        select(BODIES.c.exchange_id, BODIES.c.team, BODIES.c.model)
        .where(BODIES.c.lane == lane, BODIES.c.seq > settled_seq)
        .where(BODIES.c.kind == "admitted", ~exists(end))
        .order_by(BODIES.c.seq)
        .limit(AT_ONCE)
    )
    found = (await connection.execute(query)).all()
    attempts = await _attempts(connection, [row.exchange_id for row in found])
    return [LostExchange(row[0], row[1], row[2], tuple(attempts.get(row[0], ()))) for row in found]


async def _attempts(
    connection: AsyncConnection, exchange_ids: Sequence[str]
) -> Mapping[str, list[PastAttempt]]:
    query = (
        select(BODIES.c.exchange_id, BODIES.c.body)
        .where(BODIES.c.exchange_id.in_(exchange_ids), BODIES.c.kind == "attempted")
        .order_by(BODIES.c.lane, BODIES.c.seq)
    )
    attempts: dict[str, list[PastAttempt]] = {}
    for exchange_id, raw in await connection.execute(query):
        attempts.setdefault(exchange_id, []).append(PastAttempt.of(orjson.loads(raw)))
    return attempts
