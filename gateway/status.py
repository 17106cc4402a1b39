"""Whether this process would serve a request now, and why not."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Status:
    """Asked by /readyz. Says nothing that a stranger should not know."""

    ledger_accepts: Callable[[], bool]
    configuration_error: Callable[[], str | None]
    is_draining: bool = False

    def report(self) -> dict[str, object]:
        """`ready`, and one word for each thing it rests on."""
        ledger = self.ledger_accepts()
        return {
            "ready": ledger and not self.is_draining,
            "ledger": "accepting" if ledger else "refusing",
            "configuration": "in_force" if self.configuration_error() is None else "file_refused",
            "draining": self.is_draining,
        }
