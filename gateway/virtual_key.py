"""What a virtual key looks like, how it is made, and what is kept of it."""

import base64
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gateway import credential_shape
from gateway.roles import Role
from gateway.store.changes import Actor
from gateway.store.stored_key import StoredKey
from policy.types import Scope
from providers.base import Secret

PREFIX = "gth_"


class KeyStore(Protocol):
    """Where issued keys are kept (`gateway.store.keys.Keys`)."""

    async def create(self, key: StoredKey, digest: bytes, by: Actor) -> None:
        """Keep a new key."""
        ...

    async def create_first(self, keys: Sequence[tuple[StoredKey, bytes]], by: Actor) -> bool:
        """Keep new keys, unless there has ever been one; whether they are kept."""
        ...

    async def find(self, key_id: str) -> StoredKey:
        """The key of this id."""
        ...

    async def replace(
        self, key_id: str, successor: StoredKey, digest: bytes, until_unix_us: int, by: Actor
    ) -> StoredKey:
        """Keep a key's successor; the key itself, which is returned, ends then."""
        ...


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key that was just made: the only moment at which `secret` exists here."""

    secret: Secret
    stored: StoredKey


def mint(random_bytes: Callable[[int], bytes]) -> str:
    """A new key: prefix, 192 random bits, checksum; 43 characters."""
    return credential_shape.mint(PREFIX, random_bytes)


def is_well_formed(credential: str) -> bool:
    """Whether this can be a key of ours at all. Tells a typo from a key that was revoked."""
    return credential_shape.is_well_formed(PREFIX, credential)


def is_mistyped(credential: str) -> bool:
    """Whether this was meant to be a key of ours, and was copied or typed wrongly."""
    return credential.startswith(PREFIX) and not is_well_formed(credential)


class Hasher:
    """Turns keys into the digests under which they are kept and found."""

    __slots__ = ("_pepper",)

    def __init__(self, pepper: bytes) -> None:
        self._pepper = pepper

    def digest(self, key: str) -> bytes:
        """HMAC-SHA-256 under the pepper. A slow hash would add nothing to 192 random bits."""
        return hmac.digest(self._pepper, key.encode(), "sha256")


class KeyIssuer:
    """Makes keys on behalf of `by`.

    `unix_us` gives UTC microseconds, `random_bytes` random bytes.
    """

    def __init__(
        self,
        keys: KeyStore,
        hasher: Hasher,
        *,
        by: Actor,
        unix_us: Callable[[], int],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._keys = keys
        self._hasher = hasher
        self._by = by
        self._unix_us = unix_us
        self._random_bytes = random_bytes

    async def issue(
        self,
        team: str,
        subject: str,
        roles: frozenset[Role] = frozenset({Role.DEVELOPER}),
        expires_unix_us: int | None = None,
        *,
        scope: Scope | None = None,
        is_service: bool = False,
        key_id: str | None = None,
    ) -> IssuedKey:
        """Make a key and keep its digest; under this id, where it is given.

        Raises `ValueError` for names no key may have, `KeyExists` for an id that is taken.
        """
        now = self._unix_us()
        if expires_unix_us is not None and expires_unix_us <= now:
            raise ValueError("a key cannot expire before it is made")
        issued = self._made(team, subject, roles)
        stored = replace(
            issued.stored,
            id=key_id or issued.stored.id,
            expires_unix_us=expires_unix_us,
            scope=scope,
            is_service=is_service,
        )
        await self._keys.create(stored, self._digest_of(issued), self._by)
        return IssuedKey(issued.secret, stored)

    async def issue_first(
        self, *wanted: tuple[str, str, frozenset[Role]]
    ) -> Sequence[IssuedKey] | None:
        """Make keys for these teams, subjects and roles, unless there has ever been a key.

        None where there has. Of several gateways that start at once, one makes them.
        """
        issued = [self._made(*each) for each in wanted]
        kept = [(each.stored, self._digest_of(each)) for each in issued]
        return issued if await self._keys.create_first(kept, self._by) else None

    def _made(self, team: str, subject: str, roles: frozenset[Role]) -> IssuedKey:
        secret = mint(self._random_bytes)
        stored = StoredKey(
            id=self._new_id(),
            last_four=secret[-4:],
            team=team,
            subject=subject,
            roles=frozenset(role.value for role in roles),
            created_unix_us=self._unix_us(),
        )
        return IssuedKey(Secret(secret), stored)

    def _digest_of(self, issued: IssuedKey) -> bytes:
        return self._hasher.digest(issued.secret.reveal())

    async def rotate(self, key_id: str, overlap_us: int) -> tuple[IssuedKey, StoredKey]:
        """Make a key that is like this one and lives as long from now; the old one ends after
        the overlap, or sooner if it would anyway.

        Returns both. Raises `KeyNotFound` or `KeyCannotBeReplaced`.
        """
        old, now = await self._keys.find(key_id), self._unix_us()
        expires = old.expires_unix_us
        secret = mint(self._random_bytes)
        successor = replace(
            old,
            id=self._new_id(),
            last_four=secret[-4:],
            created_unix_us=now,
            expires_unix_us=None if expires is None else now + expires - old.created_unix_us,
        )
        digest = self._hasher.digest(secret)
        old = await self._keys.replace(key_id, successor, digest, now + overlap_us, self._by)
        return IssuedKey(Secret(secret), successor), old

    def _new_id(self) -> str:
        return key_id_of(self._random_bytes(8))


def key_id_of(eight_bytes: bytes) -> str:
    """The id of a key, by which nothing can be done; of at least eight random bytes."""
    return "key_" + base64.b32encode(eight_bytes[:8]).decode().lower()[:12]
