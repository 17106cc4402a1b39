"""A lane of the ledger in PostgreSQL: one connection of its own, one statement a batch."""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

import asyncpg

from gateway.audit.batch import Rows
from gateway.audit.chain import ChainHead
from gateway.audit.filing import LaneRefused
from gateway.audit.journal import FOLDER_NAME, Journal
from gateway.audit.lock import LedgerLock
from gateway.database_address import DatabaseAddress
from gateway.store.postgres import FAILURES, connect
from gateway.store.postgres_rows import head_of, in_pages, insert, insert_recovered, lock_lane

log = logging.getLogger(__name__)

_RESTORED_AT_ONCE = 500

_MARK = "UPDATE audit_lane SET settled_seq = greatest(settled_seq, $2) WHERE lane = $1"
_ENTER = """
INSERT INTO audit_lane (lane, opened_unix_us, settled_seq, beat) VALUES ($1, $2, 0, 1)
ON CONFLICT DO NOTHING
"""
# Who looks after lanes gives what is new in this one its end, should its writer not come back.
_WATCH = "UPDATE audit_lane SET beat = coalesce(beat, 0) + 1 WHERE lane = $1"


class PostgresLane:
    """The `gateway.audit.filing.Store` of an installation with PostgreSQL.

    Uses the driver directly: three records a request come through here. No transaction rests on
    its session, so a pooler may stand between.
    """

    def __init__(self, address: DatabaseAddress, lane: str, *, opened_unix_us: int) -> None:
        self._address = address
        self._lane = lane
        self._opened_unix_us = opened_unix_us
        self._connection: asyncpg.Connection | None = None
        self._was_recovered = False

    async def open(self, journaled: Iterable[bytes]) -> ChainHead:
        """Connect, take over records that only the journal has, and enter the lane.

        Returns the head that is durable: what an earlier connection of ours had under way is
        there or will not be. Raises `LaneRefused`.
        """
        await self.close()
        try:
            connection = self._connection = await connect(self._address)
            await connection.execute(_ENTER, self._lane, self._opened_unix_us)
            await restore(connection, journaled, but_lane=self._lane)
            async with connection.transaction():
                self._was_recovered = await lock_lane(connection, self._lane)
                head = await head_of(connection, self._lane)
        except FAILURES as error:
            raise self._refused(error) from error
        return ChainHead.of_new(self._lane) if head is None else ChainHead(self._lane, *head)

    async def write(self, rows: Rows, settled_seq: int | None, within_seconds: float) -> None:
        """See `Store`. Once another process has recovered the lane, ends may be late."""
        connection = self._connection
        if connection is None:
            raise LaneRefused("there is no connection to the database")
        try:
            async with asyncio.timeout(within_seconds):
                if rows.leaves:
                    await self._insert(connection, rows)
                if settled_seq is not None:
                    await connection.execute(_MARK, self._lane, settled_seq)
        except FAILURES as error:
            raise self._refused(error) from error

    async def close(self) -> None:
        """Disconnect; a write under way comes to its end all the same. Safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _insert(self, connection: asyncpg.Connection, rows: Rows) -> None:
        if not self._was_recovered:
            if await insert(connection, self._lane, rows):
                return
            self._was_recovered = True
            log.warning("ledger_lane_was_recovered", extra={"lane": self._lane})
        async with connection.transaction():
            await lock_lane(connection, self._lane)
            await insert_recovered(connection, self._lane, rows)

    def _refused(self, error: Exception) -> LaneRefused:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
        return LaneRefused(str(error) or type(error).__name__)


async def take_over_journal(folder: Path, address: DatabaseAddress) -> None:
    """Bring into the database what a gateway that died left in the journal of its data folder.

    Raises `DataFolderInUse` when a gateway runs (it does so itself), `LaneRefused` or `OSError`
    when the journal cannot be read or the database not written.
    """
    journal = Journal(folder / FOLDER_NAME)
    lock = LedgerLock(folder)
    try:
        if next(journal.records(), None) is None:
            return  # the usual case: nothing is left where the database took it all
        lock.acquire()
        connection = await connect(address)
        try:
            await restore(connection, journal.records())
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise LaneRefused(str(error)) from error
    finally:
        lock.release()
        journal.close()


async def restore(
    connection: asyncpg.Connection, journaled: Iterable[bytes], *, but_lane: str = ""
) -> None:
    """Write those records of a journal that the database lacks; safe to do again.

    Lanes other than `but_lane` have no writer any more: what is new in them is watched from now on.
    Raises what the driver raises.
    """
    for page in in_pages(journaled, _RESTORED_AT_ONCE):
        async with connection.transaction():
            for lane, rows in sorted(page.items()):
                if await _restore_lane(connection, lane, rows) and lane != but_lane:
                    await connection.execute(_WATCH, lane)


async def _restore_lane(connection: asyncpg.Connection, lane: str, rows: Rows) -> bool:
    """Whether any of the rows was missing. A lane is written in the order of its numbers."""
    await connection.execute(_ENTER, lane, rows.leaves[0][5])
    await lock_lane(connection, lane)
    head = await head_of(connection, lane)
    last = 0 if head is None else head[0]
    missing = rows.after(last)
    if not missing.leaves:
        return False
    for leaf in missing.leaves:
        if leaf[1] != last + 1:
            log.error("ledger_records_lost", extra={"lane": lane, "before_seq": leaf[1]})
        last = leaf[1]
    await insert_recovered(connection, lane, missing)
    return True
