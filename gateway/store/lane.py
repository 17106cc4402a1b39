"""A lane of the ledger in the SQLite file: one connection of its own, one transaction a batch."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Table, insert
from sqlalchemy.dialects import sqlite

from gateway.audit.batch import Batch
from gateway.audit.chain import ChainHead
from gateway.audit.committer import LaneRefused
from gateway.store.database import PRAGMAS
from gateway.store.tables import BODIES, LEAVES


def _compile_insert(table: Table, rows: int) -> str:
    empty = dict.fromkeys(table.c.keys())
    return str(insert(table).values([empty] * rows).compile(dialect=sqlite.dialect()))


# One statement for many rows: the driver gives up the interpreter's lock at each statement, and
# beside a busy event loop waits for it each time.
_ROWS_PER_STATEMENT = (64, 32, 16, 8, 4, 2, 1)
_INSERTS = {
    table.name: tuple((rows, _compile_insert(table, rows)) for rows in _ROWS_PER_STATEMENT)
    for table in (LEAVES, BODIES)
}


class SqliteLane:
    """The `gateway.audit.committer.Lane` of an installation with a SQLite file.

    Uses the driver directly: three records a request come through here.
    """

    def __init__(
        self, file: Path, lane: str, *, opened_unix_us: int, pragmas: Sequence[str] = PRAGMAS
    ) -> None:
        self._file = file
        self._opened_unix_us = opened_unix_us
        self._pragmas = pragmas
        self._connection: sqlite3.Connection | None = None
        self.head = ChainHead.of_new(lane)

    @property
    def is_open(self) -> bool:
        """False before `open` and after a refusal."""
        return self._connection is not None

    def open(self) -> None:
        """Connect, enter the lane into the books, and read the head that is durable."""
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
            self._enter(connection)
        except sqlite3.Error as error:
            connection.close()
            raise LaneRefused(str(error)) from error
        self._connection = connection

    def _enter(self, connection: sqlite3.Connection) -> None:
        for pragma in self._pragmas:
            connection.execute(pragma)
        connection.execute(
            "INSERT INTO audit_lane (lane, opened_unix_us, settled_seq) VALUES (?, ?, 0)"
            " ON CONFLICT DO NOTHING",
            (self.head.lane, self._opened_unix_us),
        )
        row = connection.execute(
            "SELECT seq, record_hash FROM audit_leaf WHERE lane = ? ORDER BY seq DESC LIMIT 1",
            (self.head.lane,),
        ).fetchone()
        if row is not None:
            self.head = ChainHead(self.head.lane, row[0], row[1])

    def write(self, batch: Batch, settled_seq: int | None) -> None:
        """Make the batch durable, and with it the lane's settled mark if one is given."""
        connection = self._connection
        assert connection is not None
        try:
            connection.execute("BEGIN IMMEDIATE")
            _insert(connection, LEAVES, batch.leaf_rows)
            _insert(connection, BODIES, batch.body_rows)
            if settled_seq is not None:
                connection.execute(
                    "UPDATE audit_lane SET settled_seq = ? WHERE lane = ?",
                    (settled_seq, self.head.lane),
                )
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.close()
            raise LaneRefused(str(error)) from error
        self.head = batch.head

    def close(self) -> None:
        """Disconnect; what was not committed is rolled back. Safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _insert(
    connection: sqlite3.Connection, table: Table, rows: Sequence[tuple[object, ...]]
) -> None:
    start = 0
    for size, statement in _INSERTS[table.name]:
        while len(rows) - start >= size:
            chunk = rows[start : start + size]
            connection.execute(statement, [value for row in chunk for value in row])
            start += size
