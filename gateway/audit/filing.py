"""Bring what the journal holds into the database, in large transactions and off the road."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from gateway.audit.batch import Batch, Rows
from gateway.audit.chain import ChainHead

log = logging.getLogger(__name__)

FILE_EVERY_SECONDS = 0.2  # how far readers of the database are behind, at most, when it is well
RETRY_SECONDS = 0.5
FILED_AT_ONCE = 2000  # records: what an outage has left must not hold up the event loop
FILING_SECONDS = 30.0  # off the road there is time, also for all that an outage has left


class LaneRefused(Exception):
    """No device took what it was given (full, locked, gone); the message says why."""


class Store(Protocol):
    """The database, as the ledger's writer sees it. Each call may take long; one at a time."""

    async def open(self, journaled: Iterable[bytes]) -> ChainHead:
        """Connect, take over what only the journal has, and return the lane's head.

        Raises `LaneRefused`.
        """
        ...

    async def write(self, rows: Rows, settled_seq: int | None, within_seconds: float) -> None:
        """Make rows durable, all or none, and move the settled mark if one is given.

        Raises `LaneRefused`; the store is then closed. A store that can says so once
        `within_seconds` are over, and may have done its work all the same.
        """
        ...

    async def close(self) -> None:
        """Disconnect. Safe to call twice."""
        ...


class Filing:
    """Collects batches and writes them to the store.

    `filed` is called on the event loop: the store has all before that use of the journal.
    """

    def __init__(self, store: Store, filed: Callable[[int], None]) -> None:
        self._store = store
        self._filed = filed
        self._writing = asyncio.Lock()
        self._pending = Rows()
        self._pending_use = 0
        self._settled_seq: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._store_is_open = False

    async def open(self, journaled: Iterable[bytes]) -> ChainHead:
        """Open the store with what the journal has; what was pending here is part of that.

        Raises `LaneRefused`, or `OSError` when the journal cannot be read.
        """
        async with self._writing:
            self._store_is_open = False
            head = await self._store.open(journaled)
            self._store_is_open = True
            self._pending = Rows()  # not before: what a refusal leaves pending must stay so
            self._settled_seq = None
            return head

    def put(self, batch: Batch, use: int, settled_seq: int | None) -> None:
        """File this batch soon; it stands in use `use` of the journal."""
        self._pending.extend(batch.rows)
        self._pending_use = use
        self._note_settled(settled_seq)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._file_soon(), name="ledger-filing")

    async def write_through(
        self, batch: Batch, use: int, settled_seq: int | None, within_seconds: float
    ) -> None:
        """File all that is pending and this batch, now. The journal has no more after use `use`.

        Raises `LaneRefused`; the batch is then not pending. `put` may not be called meanwhile.
        """
        async with self._writing:
            rows = self._pending.copy()
            rows.extend(batch.rows)
            self._note_settled(settled_seq)
            await self._write(rows, within_seconds, self._settled_seq)
            self._pending = Rows()
            self._filed(use + 1)

    async def flush(self) -> None:
        """Return once the store has everything that was put. Raises `LaneRefused`.

        A caller who is cancelled leaves the work to its end: half a write cannot be called back.
        """
        flushing = asyncio.create_task(self._flush(), name="ledger-flush")
        flushing.add_done_callback(_seen)
        await asyncio.shield(flushing)

    async def _flush(self) -> None:
        async with self._writing:
            waiting, use = self.backlog, self._pending_use  # more may be put meanwhile
            while True:
                rows = self._pending.first(min(waiting, FILED_AT_ONCE))
                waiting -= len(rows.leaves)
                # The mark speaks of all that was put: it is not there before they are.
                await self._write(rows, FILING_SECONDS, None if waiting else self._settled_seq)
                self._pending.drop_first(len(rows.leaves))
                if not waiting:
                    break
            self._filed(use)

    @property
    def backlog(self) -> int:
        """How many records the store has yet to be given."""
        return len(self._pending.leaves)

    async def close(self) -> None:
        """Stop, and disconnect. What is pending stays in the journal."""
        if self._task is not None:
            self._task.cancel()
        async with self._writing:
            await self._store.close()

    async def _file_soon(self) -> None:
        """Wait for company, then write; again and again while the store refuses."""
        delay = FILE_EVERY_SECONDS
        while self._pending.leaves:
            await asyncio.sleep(delay)
            try:
                await self.flush()
                delay = FILE_EVERY_SECONDS
            except LaneRefused as error:
                log.error("ledger_filing_failed", extra={"error": str(error)})
                delay = RETRY_SECONDS

    async def _write(self, rows: Rows, within_seconds: float, mark: int | None) -> None:
        if not rows.leaves and mark is None:
            return
        if not self._store_is_open:
            # The transaction that was refused may have done its work.
            head = await self._store.open(())
            self._store_is_open = True
            rows = rows.after(head.seq)
        try:
            await self._store.write(rows, mark, within_seconds)
        except LaneRefused:
            self._store_is_open = False
            raise
        if mark is not None and self._settled_seq == mark:
            self._settled_seq = None

    def _note_settled(self, settled_seq: int | None) -> None:
        if settled_seq is not None:
            self._settled_seq = settled_seq


def _seen(flushing: "asyncio.Task[None]") -> None:
    """Its failure is told to whoever waits; when nobody does, the next flush meets it again."""
    if not flushing.cancelled():
        flushing.exception()
