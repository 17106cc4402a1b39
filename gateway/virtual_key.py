"""What a virtual key looks like, how it is made, and what is kept of it."""

import base64
import hmac
import os
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from gateway.roles import Role
from gateway.store.changes import Actor
from gateway.store.database import StoreError
from gateway.store.stored_key import StoredKey
from policy.types import Scope
from providers.base import Secret

PREFIX = "gth_"
PEPPER_FILE = "pepper"
PEPPER_BYTES = 32

_RANDOM_BYTES = 24
_RANDOM_CHARACTERS = 33  # enough for 24 bytes in base 62
_CHECKSUM_CHARACTERS = 6  # enough for 32 bits in base 62
_CHECKED = len(PREFIX) + _RANDOM_CHARACTERS
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM_CHARACTERS + _CHECKSUM_CHARACTERS}}}")


class KeyStore(Protocol):
    """Where issued keys are kept (`gateway.store.keys.Keys`)."""

    async def create(self, key: StoredKey, digest: bytes, by: Actor) -> None:
        """Keep a new key."""
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
    number = int.from_bytes(random_bytes(_RANDOM_BYTES), "big")
    checked = PREFIX + _base62(number, _RANDOM_CHARACTERS)
    return checked + _checksum(checked)


def is_well_formed(credential: str) -> bool:
    """Whether this can be a key of ours at all. Tells a typo from a key that was revoked."""
    if _SHAPE.fullmatch(credential) is None:
        return False
    return _checksum(credential[:_CHECKED]) == credential[_CHECKED:]


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
        secret = mint(self._random_bytes)
        stored = StoredKey(
            id=key_id or self._new_id(),
            last_four=secret[-4:],
            team=team,
            subject=subject,
            roles=frozenset(role.value for role in roles),
            created_unix_us=now,
            expires_unix_us=expires_unix_us,
            scope=scope,
            is_service=is_service,
        )
        await self._keys.create(stored, self._hasher.digest(secret), self._by)
        return IssuedKey(Secret(secret), stored)

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


def load_pepper(folder: Path, random_bytes: Callable[[int], bytes]) -> bytes:
    """The installation's pepper, made at the first start; safe when two processes start at once.

    Raises `StoreError` when it cannot be read, is not ours, or is open to everybody.
    """
    file = folder / PEPPER_FILE
    try:
        if not file.exists():
            _make_pepper(file, random_bytes(PEPPER_BYTES))
        if file.stat().st_mode & 0o007:
            raise StoreError(f"{file} is open to every user of this machine: chmod 600 {file}")
        pepper = file.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot read {file}: {error.strerror}") from error
    if len(pepper) != PEPPER_BYTES:
        raise StoreError(
            f"{file} must hold {PEPPER_BYTES} bytes: restore it from a copy "
            "(with another pepper every key must be made anew)"
        )
    return pepper


def _make_pepper(file: Path, pepper: bytes) -> None:
    """Written whole under another name, then linked: nobody ever reads half a pepper."""
    draft = file.with_name(f"{PEPPER_FILE}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, pepper)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        file.hardlink_to(draft)
    except FileExistsError:
        pass  # another process was first: its pepper holds
    finally:
        draft.unlink()
    folder = os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _checksum(checked: str) -> str:
    return _base62(zlib.crc32(checked.encode()), _CHECKSUM_CHARACTERS)


def _base62(number: int, characters: int) -> str:
    digits = [""] * characters
    for position in range(characters - 1, -1, -1):
        number, digit = divmod(number, 62)
        digits[position] = _BASE62[digit]
    return "".join(digits)
