"""What the ledger says of exceptions: who asked for which, why, and what became of it."""

from collections.abc import Callable
from enum import StrEnum

from gateway.audit.record import RecordBody
from gateway.store.changes import Actor, begun
from gateway.store.stored_break_glass import StoredBreakGlass
from policy.break_glass import Lifts


class BreakGlassEvent(StrEnum):
    """What can happen to an exception: the kinds of record that tell of them."""

    PROPOSED = "break_glass_proposed"  # it waits for a second person
    APPROVED = "break_glass_approved"
    OPENED = "break_glass_opened"
    CLOSED = "break_glass_closed"  # or withdrawn, where it was not open yet
    ENDED = "break_glass_ended"  # its time was over
    REFUSED = "break_glass_refused"  # somebody tried what they may not


class BreakGlassRecords:
    """Makes the records. `random_bytes` gives random bytes."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes

    def tell(
        self, event: BreakGlassEvent, glass: StoredBreakGlass, by: Actor, now_unix_us: int
    ) -> RecordBody:
        """One event of one exception, as it is after it."""
        body: RecordBody = {
            **begun(event.value, by, now_unix_us, self._random_bytes),
            **_wanted(glass),
        }
        if event is not BreakGlassEvent.PROPOSED:
            body["proposed_by"] = glass.proposed_by.told()
        if glass.approved_by is not None:
            body["approved_by"] = glass.approved_by.told()
        known = (
            ("opened_unix_us", glass.opened_unix_us),
            ("until_unix_us", glass.until_unix_us),
        )
        return body | {name: value for name, value in known if value is not None}

    def refused(
        self, glass: StoredBreakGlass, attempt: str, why: str, by: Actor, now_unix_us: int
    ) -> RecordBody:
        """Somebody tried to open, approve or close an exception, and may not."""
        return {
            **begun(BreakGlassEvent.REFUSED.value, by, now_unix_us, self._random_bytes),
            **_wanted(glass),
            "attempt": attempt,
            "refusal": why,
        }


def _wanted(glass: StoredBreakGlass) -> RecordBody:
    return {
        "about_id": glass.id,
        "reason": glass.reason,
        "lifts": _lifts(glass.lifts),
        "scope": glass.match.model_dump(mode="json", exclude_none=True),
        "for_seconds": glass.for_seconds,
    }


def _lifts(lifts: Lifts) -> RecordBody:
    told: RecordBody = {
        "rules": list(lifts.rules),
        "vendors": list(lifts.vendors),
        "assistants": list(lifts.assistants),
    }
    return told | ({"extra_nano_usd": lifts.extra_nano_usd} if lifts.extra_nano_usd else {})
