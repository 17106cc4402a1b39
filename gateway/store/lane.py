"""A lane of the ledger in the SQLite file: one connection of its own, one transaction a batch."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Table

from gateway.audit.batch import Rows
from gateway.audit.chain import ChainHead
from gateway.audit.filing import LaneRefused
from gateway.audit.journal import FOLDER_NAME, Journal
from gateway.audit.lock import LedgerLock
from gateway.store.sqlite import PRAGMAS
from gateway.store.tables import BODIES, LEAVES

log = logging.getLogger(__name__)
T = TypeVar("T")


def _insert_of(table: Table, rows: int) -> str:
    columns = table.c.keys()
    row = f"({', '.join('?' * len(columns))})"
    named, values = ", ".join(columns), ", ".join([row] * rows)
    return f"INSERT OR ROLLBACK INTO {table.name} ({named}) VALUES {values}"  # noqa: S608 - all ours


# All or nothing: to be able to undo one statement alone, SQLite would copy each page it changes.
# And one statement for many rows: the driver gives up the interpreter's lock at each, and beside a
# busy event loop waits for it each time.
_ROWS_PER_STATEMENT = (64, 32, 16, 8, 4, 2, 1)
_INSERTS = {
    table.name: tuple((rows, _insert_of(table, rows)) for rows in _ROWS_PER_STATEMENT)
    for table in (LEAVES, BODIES)
}


class SqliteLane:
    """The `gateway.audit.filing.Store` of an installation with a SQLite file.

    Uses the driver directly, on a thread of its own: three records a request come through here.
    """

    def __init__(
        self, file: Path, lane: str, *, opened_unix_us: int, pragmas: Sequence[str] = PRAGMAS
    ) -> None:
        self._file = file
        self._lane = lane
        self._opened_unix_us = opened_unix_us
        self._pragmas = pragmas
        self._connection: sqlite3.Connection | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def open(self, journaled: Iterable[bytes]) -> ChainHead:
        """Connect, take over records that only the journal has, and enter the lane.

        Returns the head that is durable. Raises `LaneRefused`.
        """
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "ledger-filing")
        return await self._in_thread(partial(self._open, journaled))

    async def write(self, rows: Rows, settled_seq: int | None, within_seconds: float) -> None:
        """Make rows durable, and with them the lane's settled mark if one is given.

        A commit under way is waited for, however long it takes: nobody can call it back.
        """
        await self._in_thread(partial(self._write, rows, settled_seq))

    async def close(self) -> None:
        """Disconnect; what was not committed is rolled back. Safe to call twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._close)
            thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            raise LaneRefused("the ledger's file is not open")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self, journaled: Iterable[bytes]) -> ChainHead:
        self._close()
        try:
            connection = sqlite3.connect(
                self._file.absolute().as_uri() + "?mode=rw",  # a lost file is not made anew
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise LaneRefused(str(error)) from error
        try:
            for pragma in self._pragmas:
                connection.execute(pragma)
            restore(connection, journaled)
            connection.execute(
                "INSERT INTO audit_lane (lane, opened_unix_us, settled_seq) VALUES (?, ?, 0)"
                " ON CONFLICT DO NOTHING",
                (self._lane, self._opened_unix_us),
            )
            head = _head(connection, self._lane)
        except sqlite3.Error as error:
            connection.close()
            raise LaneRefused(str(error)) from error
        self._connection = connection
        return head

    def _write(self, rows: Rows, settled_seq: int | None) -> None:
        connection = self._connection
        if connection is None:
            raise LaneRefused("the ledger's file is not open")
        try:
            connection.execute("BEGIN IMMEDIATE")
            _insert_rows(connection, rows)
            if settled_seq is not None:
                connection.execute(
                    "UPDATE audit_lane SET settled_seq = ? WHERE lane = ?",
                    (settled_seq, self._lane),
                )
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._close()
            raise LaneRefused(str(error)) from error

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def take_over_journal(database: Path) -> None:
    """Bring into a ledger's file what a gateway that died left in the journal beside it.

    Raises `DataFolderInUse` when a gateway runs (it does so itself), `LaneRefused` or `OSError`
    when a file cannot be read or written.
    """
    journal = Journal(database.parent / FOLDER_NAME)
    lock = LedgerLock(database.parent)
    try:
        if next(journal.records(), None) is None:
            return  # the usual case: a gateway that stopped in order leaves nothing
        lock.acquire()
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            for pragma in PRAGMAS:
                connection.execute(pragma)
            restore(connection, journal.records())
    except sqlite3.Error as error:
        raise LaneRefused(str(error)) from error
    finally:
        lock.release()
        journal.close()


def restore(connection: sqlite3.Connection, journaled: Iterable[bytes]) -> None:
    """Write those records of the journal that the database lacks.

    A lane is written in the order of its numbers, so what stands behind its last one is missing.
    Raises `sqlite3.Error`.
    """
    last: dict[str, int] = {}
    missing = Rows()
    connection.execute("BEGIN IMMEDIATE")  # first: nobody may write what is looked for here
    for raw in journaled:
        missing.add_raw(raw)
        lane, seq = missing.leaves[-1][:2]
        if lane not in last:
            last[lane] = _head(connection, lane).seq
        if seq > last[lane]:
            if seq != last[lane] + 1:
                log.error("ledger_records_lost", extra={"lane": lane, "before_seq": seq})
            last[lane] = seq
        else:
            del missing.leaves[-1], missing.bodies[-1]
    _insert_rows(connection, missing)
    connection.execute("COMMIT")


def _head(connection: sqlite3.Connection, lane: str) -> ChainHead:
    row = connection.execute(
        "SELECT seq, record_hash FROM audit_leaf WHERE lane = ? ORDER BY seq DESC LIMIT 1", (lane,)
    ).fetchone()
    return ChainHead.of_new(lane) if row is None else ChainHead(lane, row[0], row[1])


def _insert_rows(connection: sqlite3.Connection, rows: Rows) -> None:
    _insert(connection, LEAVES, rows.leaves)
    _insert(connection, BODIES, rows.bodies)


def _insert(
    connection: sqlite3.Connection, table: Table, rows: Sequence[tuple[object, ...]]
) -> None:
    start = 0
    for size, statement in _INSERTS[table.name]:
        while len(rows) - start >= size:
            chunk = rows[start : start + size]
            connection.execute(statement, [value for row in chunk for value in row])
            start += size
