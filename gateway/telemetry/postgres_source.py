"""Read ledger rows past a sink's cursor out of PostgreSQL, so that each is taken by one replica.

The shipping processes of all replicas share the cursors. Who reads a page holds its lane's cursor
until the page was taken or given back: another passes that lane by. Where a process dies in
between, its connection ends and the cursor stands where it stood.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import starmap
from typing import TypeVar

import asyncpg

from gateway.database_address import DatabaseAddress
from gateway.telemetry.model import STORY_KINDS, LedgerUnreadable, Record

T = TypeVar("T")

_FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # raised where the server ends an idle connection just now
    OSError,
    ValueError,
)
_CONNECT_SECONDS = 5.0
_COMMAND_SECONDS = 15.0
_MAX_RECORDS_OF_ONE = 1000
_OTHERS_AFTER_US = 3_000_000  # what lies so long in another lane has nobody else to take it

# A lane that nobody writes, and that was taken to its end, is passed by without a look at its rows.
_ENTER = """
INSERT INTO audit_cursor (sink, lane, seq)
SELECT $1::text, l.lane, 0 FROM audit_lane l
WHERE NOT EXISTS (SELECT 1 FROM audit_cursor c WHERE c.sink = $1::text AND c.lane = l.lane)
ON CONFLICT DO NOTHING
"""
_NEXT_LANE = """
SELECT c.lane, c.seq, set_config('idle_in_transaction_session_timeout', '60s', true)
FROM audit_cursor c JOIN audit_lane l ON l.lane = c.lane
WHERE c.sink = $1
AND (l.beat IS NOT NULL OR l.purpose IS NOT NULL OR c.seq < l.settled_seq)
AND EXISTS (
    SELECT 1 FROM audit_body b WHERE b.lane = c.lane AND b.seq > c.seq
    AND (c.lane = $2 OR b.time_unix_us < $3)
)
ORDER BY c.lane = $2 DESC, c.lane LIMIT 1 FOR UPDATE OF c SKIP LOCKED
"""
_PAGE = """
SELECT b.lane, b.seq, b.kind, b.body, f.record_hash
FROM audit_body b JOIN audit_leaf f USING (lane, seq)
WHERE b.lane = $1 AND b.seq > $2 ORDER BY b.seq LIMIT $3
"""
_EXCHANGE = """
SELECT b.lane, b.seq, b.kind, b.body, f.record_hash
FROM audit_body b JOIN audit_leaf f USING (lane, seq)
WHERE b.exchange_id = $1 ORDER BY b.time_unix_us, b.lane, b.seq LIMIT $2
"""
_ADVANCE = "UPDATE audit_cursor SET seq = $3 WHERE sink = $1 AND lane = $2 AND seq < $3"


class PostgresSource:
    """The rows of the database's ledger that `sink` has not taken yet, own lane first.

    `lane` is that of the gateway beside this process; other lanes are taken once their rows have
    waited, which means that their own gateway is gone. Every method raises `LedgerUnreadable`.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        sink: str,
        lane: str = "",
        *,
        unix_seconds: Callable[[], float] = time.time,
    ) -> None:
        self._address = address
        self._sink = sink
        self._lane = lane
        self._unix_seconds = unix_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: asyncpg.Connection | None = None
        self._held: asyncpg.transaction.Transaction | None = None

    def read_page(self, limit: int) -> tuple[Record, ...]:
        """The next rows of one lane, in order; empty when others have, or took, all there are.

        They are ours until `advance` or `give_back`.
        """
        return self._run(self._read_page(limit))

    def read_exchange(self, exchange_id: str) -> tuple[Record, ...]:
        """The records that tell of one exchange, oldest first."""
        return self._run(self._read_exchange(exchange_id))

    def advance(self, taken: Record) -> None:
        """Remember that the sink has everything of the lane up to and including this record."""
        self._run(self._advance(taken))

    def give_back(self) -> None:
        """The page was not taken: whoever comes next may try."""
        self._run(self._give_back())

    def close(self) -> None:
        """Let go of the database; the next call connects again. Safe to call twice."""
        connection, self._connection, self._held = self._connection, None, None
        loop, self._loop = self._loop, None
        if loop is not None:
            if connection is not None:
                connection.terminate()
                loop.run_until_complete(asyncio.sleep(0))  # the socket is closed on the loop
            loop.close()

    async def _read_page(self, limit: int) -> tuple[Record, ...]:
        connection = await self._open()
        await self._give_back()
        await connection.execute(_ENTER, self._sink)
        self._held = connection.transaction()
        await self._held.start()
        before_us = int(self._unix_seconds() * 1_000_000) - _OTHERS_AFTER_US
        lane = await connection.fetchrow(_NEXT_LANE, self._sink, self._lane, before_us)
        rows = [] if lane is None else await connection.fetch(_PAGE, lane[0], lane[1], limit)
        if not rows:
            await self._give_back()
        return tuple(starmap(Record.of_row, rows))

    async def _read_exchange(self, exchange_id: str) -> tuple[Record, ...]:
        connection = await self._open()
        rows = await connection.fetch(_EXCHANGE, exchange_id, _MAX_RECORDS_OF_ONE)
        return tuple(
            record for record in starmap(Record.of_row, rows) if record.kind in STORY_KINDS
        )

    async def _advance(self, taken: Record) -> None:
        connection = await self._open()
        await connection.execute(_ADVANCE, self._sink, taken.lane, taken.seq)
        held, self._held = self._held, None
        if held is not None:
            await held.commit()

    async def _give_back(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            await held.rollback()

    async def _open(self) -> asyncpg.Connection:
        if self._connection is None:
            self._connection = await asyncpg.connect(
                self._address.url.reveal(),
                timeout=_CONNECT_SECONDS,
                command_timeout=_COMMAND_SECONDS,
            )
        return self._connection

    def _run(self, work: Awaitable[T]) -> T:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        try:
            return self._loop.run_until_complete(work)
        except _FAILURES as error:
            self.close()
            # What the driver says of an address it cannot read may hold a part of the password.
            told = type(error).__name__ if isinstance(error, ValueError) else str(error)
            raise LedgerUnreadable(told or type(error).__name__) from error
