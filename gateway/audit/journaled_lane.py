"""One writer's lane over two devices: the journal first, the database behind it."""

import asyncio
import logging

from gateway.audit.batch import Batch
from gateway.audit.chain import ChainHead
from gateway.audit.filing import FILING_SECONDS, Filing, LaneRefused, Store
from gateway.audit.journal import Journal
from gateway.audit.sync import Syncer, Told

log = logging.getLogger(__name__)

REST_SECONDS = 1.0  # how long a journal that refused is left alone


class JournaledLane:
    """The `gateway.audit.committer.Lane` of an installation with a data folder.

    A batch is durable when the journal is synced; the database has it a moment later. Where the
    journal refuses, the database takes the batch at once; where the database refuses, the journal
    holds what waits for it, up to its limit. Only when neither takes a batch is it refused.
    """

    def __init__(self, lane: str, journal: Journal, syncer: Syncer, store: Store) -> None:
        self.head = ChainHead.of_new(lane)
        self.is_open = False
        self._journal = journal
        self._syncer = syncer
        self._filing = Filing(store, self._release)
        self._journal_rests_until = 0.0  # on the event loop's clock

    async def open(self) -> None:
        """Bring into the database what only the journal has, and read the durable head.

        Raises `LaneRefused` when either cannot be read.
        """
        try:
            self.head = await self._filing.open(self._journal.records())
            self._journal.clear()
        except OSError as error:
            raise LaneRefused(f"the journal cannot be read: {error}") from error
        try:
            self._journal.prepare()
        except OSError as error:  # the database will do until there is room again
            log.warning("ledger_journal_refused", extra={"error": str(error)})
        self.is_open = True

    async def write(
        self, batch: Batch, settled_seq: int | None, durable: Told | None = None
    ) -> None:
        """Make the batch durable, whole or not at all (see `gateway.audit.committer.Lane`)."""
        if not batch.raws or await self._is_journaled(batch, durable):
            self._filing.put(batch, self._journal.use, settled_seq)
        else:
            await self._write_through(batch, settled_seq)
        self.head = batch.head

    async def _is_journaled(self, batch: Batch, durable: Told | None) -> bool:
        """Whether the journal took the batch. One that refused, which may be slow, rests."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._journal_rests_until:
            return False
        try:
            await self._syncer.sync(self._journal.append(batch.raws), durable)
        except OSError as error:
            log.warning("ledger_journal_refused", extra={"error": str(error)})
            self._journal.abandon()
            self._journal_rests_until = loop.time() + REST_SECONDS
            return False
        return True

    async def _write_through(self, batch: Batch, settled_seq: int | None) -> None:
        try:
            await self._filing.write_through(batch, self._journal.use, settled_seq, FILING_SECONDS)
        except LaneRefused:
            self.is_open = False
            raise

    def _release(self, before: int) -> None:
        try:
            self._journal.release(before)
        except OSError as error:  # what stays there is known by its number when it is read again
            log.warning("ledger_journal_not_released", extra={"error": str(error)})

    async def flush(self) -> None:
        """Return once readers of the database find everything written. Raises `LaneRefused`."""
        await self._filing.flush()

    async def close(self) -> None:
        """Bring everything into the database and let go; else the next start does it."""
        was_open, self.is_open = self.is_open, False
        try:
            if was_open:  # else the journal may hold what nobody here knows of
                await self._filing.flush()
                self._journal.clear()
        except (LaneRefused, OSError) as error:
            log.warning("ledger_left_in_the_journal", extra={"error": str(error)})
        await self._filing.close()
        self._journal.close()
