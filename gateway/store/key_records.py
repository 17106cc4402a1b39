"""What the ledger says of a change of a key: who did what to which, and when; never the key."""

from collections.abc import Callable
from enum import StrEnum

from gateway.audit.record import RecordBody
from gateway.store.changes import Actor, begun
from gateway.store.stored_key import StoredKey


class KeyEvent(StrEnum):
    """What can happen to a key: the kinds of record that tell of keys."""

    CREATED = "key_created"
    ROTATED = "key_rotated"  # a successor replaces it; it holds on for the overlap
    REVOKED = "key_revoked"
    LAPSED = "key_lapsed"  # the overlap is over


class KeyRecords:
    """Makes the records. `random_bytes` gives random bytes."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes

    def tell(
        self,
        event: KeyEvent,
        key: StoredKey,
        by: Actor,
        now_unix_us: int,
        predecessor_id: str | None = None,
    ) -> RecordBody:
        """One change of one key, as the key is after it."""
        body: RecordBody = {
            **begun(event.value, by, now_unix_us, self._random_bytes),
            "key_id": key.id,
            "subject": key.subject,
            "team": key.team,
            "roles": sorted(key.roles),
            "identity_kind": key.identity.kind,
        }
        if key.scope is not None:
            body["scope"] = {
                "models": list(key.scope.models),
                "networks": list(key.scope.networks),
            }
        known = (
            ("expires_unix_us", key.expires_unix_us),
            ("predecessor_id", predecessor_id),
            ("successor_id", key.successor_id),
        )
        return body | {name: value for name, value in known if value is not None}
