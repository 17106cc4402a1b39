"""What the ledger says of a change of what was decided about somebody: who decided what."""

import base64
import hashlib
from collections.abc import Callable
from enum import StrEnum

from gateway.audit.record import RecordBody
from gateway.store.changes import Actor, begun
from gateway.store.stored_subject import StoredSubject


class SubjectEvent(StrEnum):
    """What can be decided: the kinds of record that tell of it."""

    BLOCKED = "user_blocked"
    UNBLOCKED = "user_unblocked"
    GRANTED = "role_granted"
    TAKEN_BACK = "role_revoked"


class SubjectRecords:
    """Makes the records. `random_bytes` gives random bytes."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes

    def tell(
        self,
        event: SubjectEvent,
        stored: StoredSubject,
        by: Actor,
        now_unix_us: int,
        role: str | None = None,
    ) -> RecordBody:
        """One change, with what holds of the subject after it."""
        body: RecordBody = {
            **begun(event.value, by, now_unix_us, self._random_bytes),
            "about_id": subject_id(stored.subject, stored.is_service),
            "subject": stored.subject,
            "identity_kind": stored.kind,
            "roles": sorted(stored.roles),
        }
        return body if role is None else body | {"role": role}


def subject_id(subject: str, is_service: bool) -> str:
    """The id under which the changes of one person or service are found together."""
    named = f"{'service' if is_service else 'person'}\0{subject}"
    digest = hashlib.sha256(named.encode("utf-8", "replace")).digest()
    return "usr_" + base64.b32encode(digest[:8]).decode().lower()[:12]
