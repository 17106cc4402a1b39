"""Who asks for a change that not everybody may make: somebody at this machine, or with a key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.roles import PERMISSIONS, Permission, permits
from gateway.store.changes import Actor
from gateway.store.stored_key import StoredKey
from gateway.virtual_key import Hasher, is_well_formed
from policy.types import Identity

_MISTYPED = "the key is mistyped: its checksum is wrong, so copy it again"


class KeyLookup(Protocol):
    """Where keys are found (`gateway.store.keys.Keys`)."""

    async def of_digest(self, digest: bytes) -> StoredKey | None:
        """The key that is kept under this digest."""
        ...

    async def is_holder_blocked(self, key: StoredKey) -> bool:
        """Whether nothing of its holder's is taken."""
        ...


class Asker(Protocol):
    """Whoever wants to do something, and what keeps them from it."""

    @property
    def actor(self) -> Actor:
        """As the ledger names them."""
        ...

    def refusal(self, now_unix_us: int, *permissions: Permission) -> str | None:
        """Why they may do none of these; None when they may do one of them."""
        ...

    def refusal_as_one_of_two(self, first: Actor | None = None) -> str | None:
        """Why they cannot be one of two people, the other of whom is `first`; None when they can.

        Who it is has to be proven, and a service proves nobody.
        """
        ...


@dataclass(frozen=True, slots=True)
class Proven:
    """Somebody whose key or token the admin API has just taken."""

    identity: Identity

    @property
    def actor(self) -> Actor:
        """As the ledger names them."""
        return Actor.caller(self.identity)

    def refusal(self, now_unix_us: int, *permissions: Permission) -> str | None:
        """As `Asker` says."""
        return _lacking(self.identity.credential_id, self.identity.roles, permissions)

    def refusal_as_one_of_two(self, first: Actor | None = None) -> str | None:
        """As `Asker` says."""
        return _no_second(self.identity, first)


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody at the command line: as the ledger names them, and the key they showed.

    `problem` says why that key proves nothing. Without a key it is whoever may use the gateway's
    machine.
    """

    actor: Actor
    key: StoredKey | None = None
    problem: str | None = None

    def refusal(self, now_unix_us: int, *permissions: Permission) -> str | None:
        """Why they may do none of these; None when they may do one of them."""
        if self.problem is not None:
            return self.problem
        if self.key is None:
            return None
        if self.key.revoked_unix_us is not None:
            return f"the key {self.key.id} is revoked"
        if self.key.is_expired(now_unix_us):
            return f"the key {self.key.id} has expired"
        return _lacking(self.key.id, self.key.roles, permissions)

    def refusal_as_one_of_two(self, first: Actor | None = None) -> str | None:
        """Why they cannot be one of two people, the other of whom is `first`; None when they can.

        Who it is has to be proven by a key, and that of a service proves nobody.
        """
        if self.key is None:
            return "this takes two people, who show their keys: give yours with --key"
        return _no_second(self.key.identity, first)


def _lacking(
    credential_id: str, roles: frozenset[str], permissions: Sequence[Permission]
) -> str | None:
    if any(permits(roles, each) for each in permissions):
        return None
    having = sorted(role for role, has in PERMISSIONS.items() if has & {*permissions})
    what = "key" if credential_id.startswith("key_") else "token"
    return (
        f"the {what} {credential_id} has the roles {', '.join(sorted(roles))}, "
        f"and this takes one of: {', '.join(having)}"
    )


def _no_second(identity: Identity, first: Actor | None) -> str | None:
    if identity.kind == "service":
        return f"this takes two people, and {identity.subject} is a service"
    if first is not None and (
        first.name == identity.subject or first.credential_id in (identity.credential_id, None)
    ):
        return f"this takes another person than {first.name or 'who asked for it'}, with a key"
    return None


async def acting(keys: KeyLookup, hasher: Hasher, os_user: str, secret: str) -> Acting:
    """Whoever types a command, by the key they show."""
    somebody = Actor.os_user(os_user)
    if not is_well_formed(secret):
        return Acting(somebody, problem=_MISTYPED)
    key = await keys.of_digest(hasher.digest(secret))
    if key is None:
        return Acting(somebody, problem="this gateway does not know the key")
    if await keys.is_holder_blocked(key):
        return Acting(Actor.caller(key.identity), key, f"{key.subject} is blocked")
    return Acting(Actor.caller(key.identity), key)
