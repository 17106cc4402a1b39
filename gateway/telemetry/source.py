"""Read ledger rows past a sink's cursor, beside the writer and never in its way.

Plain SQL on the tables of `gateway.store.tables`: importing the models would triple the memory of a
process that needs three statements. No transaction stays open while a batch travels.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import starmap
from pathlib import Path

from gateway.telemetry.model import STORY_KINDS, LedgerUnreadable, Record

FILE_NAME = "gatehouse.db"
_BUSY_TIMEOUT_SECONDS = 3.0
_MAX_RECORDS_OF_ONE = 1000

# The writer alone checkpoints and syncs. A cursor that a power cut forgets sends rows again,
# which is allowed; holding the write lock for a sync would keep requests waiting.
_PRAGMAS = ("PRAGMA synchronous=NORMAL", "PRAGMA wal_autocheckpoint=0")

_NEXT_LANE = """
SELECT l.lane, coalesce(c.seq, 0) FROM audit_lane l
LEFT JOIN audit_cursor c ON c.sink = ? AND c.lane = l.lane
WHERE EXISTS (SELECT 1 FROM audit_body b WHERE b.lane = l.lane AND b.seq > coalesce(c.seq, 0))
ORDER BY l.lane LIMIT 1
"""
_COLUMNS = (
    "b.lane, b.seq, b.kind, b.body, f.record_hash"
    " FROM audit_body b JOIN audit_leaf f USING (lane, seq)"
)
_PAGE = f"SELECT {_COLUMNS} WHERE b.lane = ? AND b.seq > ? ORDER BY b.seq LIMIT ?"
_EXCHANGE = (
    f"SELECT {_COLUMNS} WHERE b.exchange_id = ? ORDER BY b.time_unix_us, b.lane, b.seq LIMIT ?"
)
_ADVANCE = """
INSERT INTO audit_cursor (sink, lane, seq) VALUES (?, ?, ?)
ON CONFLICT (sink, lane) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > audit_cursor.seq
"""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LedgerUnreadable(str(error)) from error


class LedgerSource:
    """The rows of the data folder's ledger that `sink` has not taken yet.

    Every method raises `LedgerUnreadable` when the file cannot be read or is busy for too long.
    """

    def __init__(self, data: Path, sink: str) -> None:
        self._file = data / FILE_NAME
        self._sink = sink
        self._connection: sqlite3.Connection | None = None
        self._empty_at: int | None = None  # the file's version when nothing was left

    def read_page(self, limit: int) -> tuple[Record, ...]:
        """The next rows of the oldest lane that has any, in order; empty when all were taken."""
        with _translated():
            connection = self._open()
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            if version == self._empty_at:
                return ()
            lane = connection.execute(_NEXT_LANE, (self._sink,)).fetchone()
            if lane is None:
                self._empty_at = version
                return ()
            return tuple(starmap(Record.of_row, connection.execute(_PAGE, (*lane, limit))))

    def read_exchange(self, exchange_id: str) -> tuple[Record, ...]:
        """The records that tell of one exchange, oldest first."""
        with _translated():
            rows = self._open().execute(_EXCHANGE, (exchange_id, _MAX_RECORDS_OF_ONE)).fetchall()
        found = starmap(Record.of_row, rows)
        return tuple(record for record in found if record.kind in STORY_KINDS)

    def advance(self, taken: Record) -> None:
        """Remember that the sink has everything of the lane up to and including this record."""
        with _translated():
            self._open().execute(_ADVANCE, (self._sink, taken.lane, taken.seq))

    def give_back(self) -> None:
        """Nobody else reads here: there is nothing to give back."""

    def close(self) -> None:
        """Let go of the file; the next call opens it again. Safe to call twice."""
        connection, self._connection = self._connection, None
        self._empty_at = None
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(
                self._file.absolute().as_uri() + "?mode=rw",  # a lost file is not made anew
                uri=True,
                timeout=_BUSY_TIMEOUT_SECONDS,
                isolation_level=None,
            )
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            self._connection = connection
        return self._connection
