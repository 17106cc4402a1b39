"""Read the records of one ended exchange as a story: opened, attempted, ended, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.telemetry.fitting import fit_count
from gateway.telemetry.model import ENDS, Record

CLIENT_LEFT = "client_left"
PROCESS_ENDED = "process_ended"


@dataclass(frozen=True, slots=True)
class Story:
    """One exchange. `opening` is None when retention has taken the record's body away.

    `outcome` is `complete`, `denied`, `failed`, `cut`, `client_left` or `unknown`; `error` the
    stable code of what kept the exchange from ending well (a denial is an answer);
    `attempt_ends` what the end record says of each attempt. `start_us` and `end_us` are UTC
    microseconds since the epoch: an exchange that nobody saw end ends with the last thing known.
    """

    opening: Record | None
    attempts: tuple[Record, ...]
    end: Record
    outcome: str
    error: str | None
    attempt_ends: tuple[Mapping[str, object], ...]
    start_us: int
    end_us: int

    def end_of(self, attempt: Record) -> Mapping[str, object]:
        """How this attempt ended, as the end record tells it; empty when it does not."""
        number = attempt.number("attempt")
        for each in self.attempt_ends:
            if each.get("attempt") == number:
                return each
        return {}

    def error_of(self, attempt: Record) -> str | None:
        """The stable code of what went wrong with this attempt."""
        ended = self.end_of(attempt)
        error, status = ended.get("error"), fit_count(ended.get("status"))
        if isinstance(error, str) and error:
            return error
        if status is not None and status >= 400:
            return str(status)
        return self.error if attempt is self.last_attempt else None

    @property
    def last_attempt(self) -> Record | None:
        """The one that answered, if any did: there is no attempt after an answer."""
        return self.attempts[-1] if self.attempts else None


def read_story(records: Sequence[Record]) -> Story | None:
    """The story of these records of one exchange, in any order; None while it has no end."""
    end = next((record for record in records if record.kind in ENDS), None)
    if end is None:
        return None
    opening = next((record for record in records if record.kind in {"admitted", "denied"}), None)
    attempts = sorted(
        (record for record in records if record.kind == "attempted"),
        key=lambda record: record.number("attempt") or 0,
    )
    outcome = end.text("outcome") or "failed" if end.kind == "completed" else end.kind
    known = [record.time_us for record in records if record.kind != "unknown"] or [end.time_us]
    end_us = max(known)
    start_us = min(*known, end_us - (end.number("duration_us") or 0))
    return Story(
        opening=opening,
        attempts=tuple(attempts),
        end=end,
        outcome=outcome,
        error=_error(end, outcome),
        attempt_ends=end.parts("attempts"),
        start_us=max(start_us, 0),
        end_us=end_us,
    )


def _error(end: Record, outcome: str) -> str | None:
    match outcome:
        case "complete" | "denied":
            return None
        case "unknown":
            return PROCESS_ENDED
        case "client_left":
            return CLIENT_LEFT
        case _:
            return end.text("error") or outcome
