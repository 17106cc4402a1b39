"""What the ledger says of a change of a key: who did what to which, and when; never the key."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from gateway.audit.record import VERSION, RecordBody
from gateway.store.stored_key import StoredKey


class KeyEvent(StrEnum):
    """What can happen to a key: the kinds of record that tell of keys."""

    CREATED = "key_created"
    ROTATED = "key_rotated"  # a successor replaces it; it holds on for the overlap
    REVOKED = "key_revoked"
    LAPSED = "key_lapsed"  # the overlap is over


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes a key: a user of the operating system, or the gateway itself (no name)."""

    kind: str
    name: str | None = None

    @classmethod
    def os_user(cls, name: str) -> "Actor":
        """Somebody at the command line of the gateway's machine."""
        return cls("os_user", name.encode("utf-8", "replace").decode())  # any bytes may be one


GATEWAY = Actor("gateway")


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
            "v": VERSION,
            "record_id": UUID(bytes=self._random_bytes(16), version=4).hex,
            "kind": event.value,
            "time_unix_us": now_unix_us,
            "actor": {"kind": by.kind} if by.name is None else {"kind": by.kind, "name": by.name},
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
