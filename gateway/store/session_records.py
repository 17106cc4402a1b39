"""What the ledger says of sessions: who signed in from where, who was refused, how it ended."""

from collections.abc import Callable
from enum import StrEnum

from gateway.audit.record import RecordBody
from gateway.store.changes import Actor, begun
from gateway.store.stored_session import StoredSession
from gateway.store.subject_records import subject_id


class SessionEvent(StrEnum):
    """What can happen: the kinds of record that tell of it."""

    STARTED = "session_started"
    REFUSED = "session_refused"
    ENDED = "session_ended"


class SessionRecords:
    """Makes the records. `random_bytes` gives random bytes."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes

    def started(self, session: StoredSession, now_unix_us: int) -> RecordBody:
        """Somebody signed in."""
        body = self._about(
            SessionEvent.STARTED, session, Actor.person(session.subject), now_unix_us
        )
        body |= {"groups": list(session.groups), "expires_unix_us": session.expires_unix_us}
        return body if session.team is None else body | {"team": session.team}

    def ended(self, session: StoredSession, by: Actor, now_unix_us: int) -> RecordBody:
        """A session ended before its time; the session as it is after that."""
        body = self._about(SessionEvent.ENDED, session, by, now_unix_us)
        return body | {"reason": session.ended_reason or ""}

    def refused(
        self, subject: str, issuer: str, machine: str, reason: str, now_unix_us: int
    ) -> RecordBody:
        """The provider let somebody in whom the configuration does not."""
        by = Actor.person(subject)
        return {
            **begun(SessionEvent.REFUSED.value, by, now_unix_us, self._random_bytes),
            "about_id": subject_id(subject, False),
            "subject": subject,
            "issuer": issuer,
            "machine": machine,
            "reason": reason,
        }

    def _about(
        self, event: SessionEvent, session: StoredSession, by: Actor, now_unix_us: int
    ) -> RecordBody:
        return {
            **begun(event.value, by, now_unix_us, self._random_bytes),
            "about_id": session.id,
            "subject": session.subject,
            "issuer": session.issuer,
            "machine": session.machine,
        }
