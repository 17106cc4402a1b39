"""Take ledger rows to a collector page by page; move the cursor only when all were taken."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.telemetry.encode import Encoder
from gateway.telemetry.model import (
    ENDS,
    STORY_KINDS,
    LedgerUnreadable,
    Projection,
    Pseudonym,
    Record,
)
from gateway.telemetry.otlp import BatchRejected, Exporter, ExportFailed
from gateway.telemetry.spans import project

log = logging.getLogger(__name__)

_MAX_OPEN = 2000  # exchanges remembered until their end; of others the records are read again

Wait = Callable[[float], bool]
"""(seconds) -> True as soon as this process has been asked to stop, False when time has passed."""


class Source(Protocol):
    """Ledger rows that have not been taken yet; see `gateway.telemetry.source`."""

    def read_page(self, limit: int) -> tuple[Record, ...]: ...

    def read_exchange(self, exchange_id: str) -> tuple[Record, ...]: ...

    def advance(self, taken: Record) -> None: ...

    def give_back(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to look for rows, how long to leave a failing collector alone, rows in a page.

    A page of 256 rows makes requests of about 200 kB; collectors take 4 MB over gRPC.
    """

    idle_seconds: float = 0.5
    first_backoff_seconds: float = 0.5
    longest_backoff_seconds: float = 15.0
    page_rows: int = 256


class OpenExchanges:
    """Records read so far of exchanges whose end has not been read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._records: dict[str, dict[tuple[str, int], Record]] = {}

    def keep(self, exchange_id: str, record: Record) -> None:
        """Remember a record; the oldest exchange is forgotten when there are too many."""
        self._records.setdefault(exchange_id, {})[record.lane, record.seq] = record
        if len(self._records) > _MAX_OPEN:
            del self._records[next(iter(self._records))]

    def all_of(self, exchange_id: str, end: Record) -> tuple[Record, ...]:
        """Every record of the exchange that `end` ends."""
        if end.kind == "denied":
            return (end,)
        known = tuple(self._records.pop(exchange_id, {}).values())
        if known and known[0].kind == "admitted":
            return (*known, end)
        # Read in part before a restart, a failure or too many others: the ledger has it all.
        return self._source.read_exchange(exchange_id) or (end,)


class ShipLoop:
    """Ships until told to stop. Every wait goes through `wait`, so that stopping is never slow."""

    def __init__(
        self,
        source: Source,
        exporter: Exporter,
        encoder: Encoder,
        pseudonym: Pseudonym,
        wait: Wait,
        pace: Pace,
    ) -> None:
        self._source = source
        self._exporter = exporter
        self._encoder = encoder
        self._pseudonym = pseudonym
        self._wait = wait
        self._pace = pace
        self._open = OpenExchanges(source)
        self._rows = pace.page_rows
        self._backoff_seconds = pace.first_backoff_seconds

    def run(self) -> None:
        """Ship what there is, wait, and again. Asked to stop, ship the rest if it can be."""
        stopping = False
        while True:
            try:
                shipped = self.ship_page()
            except (ExportFailed, LedgerUnreadable) as error:
                if stopping:
                    break
                stopping = self._wait(self._after(error))
            else:
                if stopping and not shipped:
                    break
                # Also between two pages: a stop that came meanwhile is then bounded by `wait`.
                stopping = self._wait(0 if shipped else self._pace.idle_seconds) or stopping
        self._exporter.close()
        self._source.close()

    def ship_page(self) -> bool:
        """Ship one page; False when there is none.

        Raises `ExportFailed` or `LedgerUnreadable`; the page is then sent again.
        """
        page = self._source.read_page(self._rows)
        if not page:
            return False
        try:
            self._exporter.export(self._encoder.encode(self._project(page)))
        except ExportFailed as error:
            self._report(page, error)
            self._source.give_back()
            raise
        self._source.advance(page[-1])
        self._rows = min(self._rows * 2, self._pace.page_rows)
        self._backoff_seconds = self._pace.first_backoff_seconds
        return True

    def _project(self, page: tuple[Record, ...]) -> list[Projection]:
        projections: list[Projection] = []
        for record in page:
            exchange_id = record.text("exchange_id")
            if exchange_id is None or record.kind not in STORY_KINDS:
                projections.append(project((record,), self._pseudonym))
            elif record.kind in ENDS:
                records = self._open.all_of(exchange_id, record)
                projections.append(project(records, self._pseudonym))
            else:
                self._open.keep(exchange_id, record)
        return projections

    def _after(self, error: Exception) -> float:
        """How long to leave it alone, twice as long each time; a refused page shrinks first."""
        if isinstance(error, LedgerUnreadable):
            log.warning("ledger_unreadable", extra={"error": str(error)})
            self._source.close()
        if isinstance(error, BatchRejected) and self._rows > 1:
            self._rows //= 2
            return self._pace.first_backoff_seconds
        seconds = self._backoff_seconds
        self._backoff_seconds = min(seconds * 2, self._pace.longest_backoff_seconds)
        return seconds

    def _report(self, page: tuple[Record, ...], error: ExportFailed) -> None:
        rejected = isinstance(error, BatchRejected)
        place = {"lane": page[0].lane, "from_seq": page[0].seq, "to_seq": page[-1].seq}
        event = "export_rejected" if rejected else "collector_away"
        log.log(
            logging.ERROR if rejected else logging.WARNING,
            event,
            extra={**place, "error": str(error)},
        )
