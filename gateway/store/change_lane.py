"""The ledger's lanes of which each record is written in the transaction of what it tells.

A gateway's lane has one writer, the process that opened it. Such a lane has one at a time: whoever
holds the database's write lock, be it a gateway or a command beside it. So a change and its record
are there together or not at all. What people change (keys, policy, roles) is one chain, and the
ends of exchanges whose gateway is gone are another.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.audit.batch import Batch, OpenExchanges
from gateway.audit.chain import ChainHead
from gateway.audit.record import RecordBody, Records
from gateway.store.tables import BODIES, LANES, LEAVES

PURPOSE = "changes"
RECOVERY = "recovery"


class ChangeLane:
    """Appends to the lane of a purpose, made at its first record. `random_bytes` gives such."""

    def __init__(self, random_bytes: Callable[[int], bytes], purpose: str = PURPOSE) -> None:
        self._random_bytes = random_bytes
        self._purpose = purpose

    async def append(
        self, connection: AsyncConnection, bodies: Sequence[RecordBody], now_unix_us: int
    ) -> None:
        """Chain the records behind the lane's last. `connection` holds the write lock."""
        batch = Batch(await self._head(connection, now_unix_us), OpenExchanges())
        for body in bodies:
            batch.add(body)
        for table, rows in ((LEAVES, batch.rows.leaves), (BODIES, batch.rows.bodies)):
            await connection.execute(insert(table), [_named(table, row) for row in rows])
        head = batch.head  # nothing is ever admitted here, so nothing lacks its end
        mark = update(LANES).where(LANES.c.lane == head.lane).values(settled_seq=head.seq)
        await connection.execute(mark)

    async def _head(self, connection: AsyncConnection, now_unix_us: int) -> ChainHead:
        found = await connection.scalar(
            select(LANES.c.lane).where(LANES.c.purpose == self._purpose)
        )
        lane = found or await self._begin(connection, now_unix_us)
        last = (
            select(LEAVES.c.seq, LEAVES.c.record_hash)
            .where(LEAVES.c.lane == lane)
            .order_by(LEAVES.c.seq.desc())
            .limit(1)
        )
        row = (await connection.execute(last)).first()
        return ChainHead.of_new(lane) if row is None else ChainHead(lane, row[0], row[1])

    async def _begin(self, connection: AsyncConnection, now_unix_us: int) -> str:
        lane = Records(lambda: now_unix_us * 1000, self._random_bytes).new_ulid()
        values = {
            "lane": lane,
            "opened_unix_us": now_unix_us,
            "settled_seq": 0,
            "purpose": self._purpose,
        }
        await connection.execute(insert(LANES).values(values))
        return lane


def _named(table: Table, row: Sequence[object]) -> Mapping[str, Any]:
    return dict(zip(table.c.keys(), row, strict=True))
