"""What every record of a change begins with: who did what, and when."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from gateway.audit.record import VERSION, RecordBody
from policy.types import Identity


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change: a user of the operating system, somebody with a key or a token, a person
    who signs in, or the gateway itself (no name)."""

    kind: str
    name: str | None = None
    credential_id: str | None = None

    @classmethod
    def os_user(cls, name: str) -> "Actor":
        """Somebody at the command line of the gateway's machine."""
        return cls("os_user", name.encode("utf-8", "replace").decode())  # any bytes may be one

    @classmethod
    def caller(cls, identity: Identity) -> "Actor":
        """Whoever asked for it, over the admin API or with a key at the command line."""
        kind = "key" if identity.credential_id.startswith("key_") else "token"
        return cls(kind, identity.subject, identity.credential_id)

    @classmethod
    def person(cls, subject: str) -> "Actor":
        """Somebody who proved at their provider who they are."""
        return cls("person", subject)

    def told(self) -> RecordBody:
        """As records name them."""
        credential = (f"{self.kind}_id", self.credential_id)
        known = (("kind", self.kind), ("name", self.name), credential)
        return {name: text for name, text in known if text is not None}


GATEWAY = Actor("gateway")


def begun(
    kind: str, by: Actor, now_unix_us: int, random_bytes: Callable[[int], bytes]
) -> RecordBody:
    """The beginning of a record of a change.

    What it tells of is added under `key_id` (a key) or `about_id` (anything else; an id of at most
    29 characters, by which `gatehouse audit show` finds it).
    """
    return {
        "v": VERSION,
        "record_id": UUID(bytes=random_bytes(16), version=4).hex,
        "kind": kind,
        "time_unix_us": now_unix_us,
        "actor": by.told(),
    }
