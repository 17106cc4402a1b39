"""Whether this process would serve a request now, and why not."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.audit.writer import WriterMeter
from gateway.caps.port import CountersHealth
from gateway.configuration.watch import Standing


class LedgerHealth:
    """Listens in on the ledger's writer: a refusal ends its health, a commit brings it back.

    Passes everything on to `meter`.
    """

    def __init__(self, meter: WriterMeter) -> None:
        self.is_accepting = True
        self._meter = meter

    def records_written(self, records: int, seconds: float) -> None:
        """The database took them."""
        self.is_accepting = True
        self._meter.records_written(records, seconds)

    def records_failed(self, records: int, cause: str) -> None:
        """It did not, unless the records themselves were wrong."""
        if cause in ("database", "too_slow", "queue_full", "closed"):
            self.is_accepting = False
        self._meter.records_failed(records, cause)


@dataclass(slots=True)
class Status:
    """Asked by /readyz. Says nothing that a stranger should not know."""

    ledger: LedgerHealth
    configuration: Callable[[], Standing]
    counters: Callable[[], CountersHealth]
    open_exceptions: Callable[[], int]
    is_draining: bool = False

    def report(self) -> dict[str, object]:
        """`ready`, and one word for each thing it rests on."""
        accepting = self.ledger.is_accepting
        return {
            "ready": accepting and not self.is_draining,
            "ledger": "accepting" if accepting else "refusing",
            "configuration": self.configuration().value,
            "counters": self.counters().where,
            "break_glass": "open" if self.open_exceptions() else "none",
            "draining": self.is_draining,
        }
