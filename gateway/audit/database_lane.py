"""One writer's lane over two devices: the database first, the journal where it refuses."""

import logging

from gateway.audit.batch import Batch
from gateway.audit.filing import LaneRefused, Store
from gateway.audit.journal import Journal
from gateway.audit.journaled_lane import JournaledLane
from gateway.audit.sync import Syncer, Told

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 1.0  # how long a request waits for a commit before the journal takes its record

CAUGHT_UP_RECORDS = 1000  # what came while it caught up, and goes over with the next batch


class DatabaseLane(JournaledLane):
    """The `gateway.audit.committer.Lane` of a replica whose own disk need not last.

    A batch is durable when the database has committed it. Where the database refuses, or is slower
    than `PATIENCE_SECONDS`, the journal takes the batch and those that follow, until the database
    has what was kept from it. Only when neither takes a batch is it refused.
    """

    def __init__(self, lane: str, journal: Journal, syncer: Syncer, store: Store) -> None:
        super().__init__(lane, journal, syncer, store)
        self._database_is_well = True

    async def write(
        self, batch: Batch, settled_seq: int | None, durable: Told | None = None
    ) -> None:
        """Make the batch durable, whole or not at all (see `gateway.audit.committer.Lane`)."""
        if batch.raws and self._database_is_well and await self._is_committed(batch, settled_seq):
            self.head = batch.head
        else:
            await super().write(batch, settled_seq, durable)

    async def _is_committed(self, batch: Batch, settled_seq: int | None) -> bool:
        """Whether the database took the batch, and what the journal had before it."""
        use = self._journal.use
        try:
            await self._filing.write_through(batch, use, settled_seq, PATIENCE_SECONDS)
        except LaneRefused as error:
            log.error("ledger_database_refused", extra={"error": str(error)})
            self._database_is_well = False
        return self._database_is_well

    def _release(self, before: int) -> None:
        if not self._database_is_well and self._filing.backlog <= CAUGHT_UP_RECORDS:
            log.info("ledger_database_is_back")
            self._database_is_well = True
        super()._release(before)
