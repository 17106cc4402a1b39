"""Find the key in a request's headers, and say in memory whose it is."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from urllib.parse import parse_qsl

from gateway.errors import MalformedRequest, NotAuthenticated
from gateway.known_subjects import KnownSubjects
from gateway.oidc.token import BEGINNING
from gateway.polling import Polling
from gateway.store.keys import KeyChanges
from gateway.store.stored_key import StoredKey
from gateway.store.stored_subject import StoredSubject
from gateway.virtual_key import Hasher, is_mistyped, is_well_formed
from policy.types import Identity
from providers.base import Headers

QUERY_KEY = b":key"
"""Stands among the headers for `?key=`: no client can send a header of this name."""

_HEADERS = frozenset({b"authorization", b"x-api-key", b"x-goog-api-key", QUERY_KEY})
_MAX_VALUE_BYTES = 512
_MAX_TOKEN_BYTES = 32_768  # a token that is too long is still told as one
_RECENT_KEYS = 4096
_TOKEN = BEGINNING.encode()
_PRINTABLE = re.compile(rb"[\x21-\x7e]+")
_BEARER = re.compile(rb"bearer(?:[ \t]+|$)", re.IGNORECASE)


def extract_credential(headers: Headers) -> str:
    """The one credential in raw headers with lower-case names, as the client sent it.

    Raises `NotAuthenticated` when there is none or it cannot be a key, `MalformedRequest` when
    two headers hold different keys or one header comes twice.
    """
    given = [header for header in headers if header[0] in _HEADERS]
    if len(given) > 1:
        _refuse_repeated([name for name, _ in given])
    credentials = {_credential(name, value.strip(b" \t")) for name, value in given}
    credentials.discard("")
    if not credentials:
        raise NotAuthenticated(cause="missing")
    if len(credentials) > 1:
        # Claude Code hides a message that names one of these headers behind its own.
        raise MalformedRequest(
            "two headers of this request hold two different keys: send one key", is_recorded=False
        )
    return credentials.pop()


def _refuse_repeated(names: list[bytes]) -> None:
    for name in names:
        if names.count(name) > 1:
            place = "'?key='" if name == QUERY_KEY else f"the header {name.decode()}"
            raise MalformedRequest(f"{place} came twice: send one key once", is_recorded=False)


def _credential(name: bytes, value: bytes) -> str:
    if len(value) > _MAX_VALUE_BYTES and not _may_be_long(value):
        raise NotAuthenticated(cause="malformed")
    if name == b"authorization" and value:
        scheme = _BEARER.match(value)
        if scheme is None:
            raise NotAuthenticated(cause="malformed")
        value = value[scheme.end() :]
    if value and _PRINTABLE.fullmatch(value) is None:
        raise NotAuthenticated(cause="malformed")
    if name == QUERY_KEY and value.startswith(_TOKEN):
        raise NotAuthenticated(cause="malformed")  # addresses are logged on their way here
    return value.decode("ascii")


def _may_be_long(value: bytes) -> bool:
    """Whether it is a provider's token, which is longer than any key."""
    return len(value) <= _MAX_TOKEN_BYTES and _TOKEN in value[:16]


def with_query_key(headers: Headers, query: bytes) -> Headers:
    """The headers, and the key that came in the query instead (Google's convention)."""
    if b"key=" not in query:
        return headers
    found = [value for name, value in parse_qsl(query.decode("latin-1")) if name == "key"]
    return (*headers, *[(QUERY_KEY, value.encode()) for value in found])


class KeySource(Protocol):
    """Where the key ring learns of keys (`gateway.store.keys.Keys`)."""

    async def revision(self) -> int:
        """Grows with every change of who may ask."""
        ...

    async def changes_since(self, revision: int) -> KeyChanges:
        """What changed after `revision`: keys, and what was decided about their holders."""
        ...

    async def lapse(self, now_unix_us: int) -> int:
        """Put on record which replaced keys have come to their end."""
        ...


@dataclass(frozen=True, slots=True)
class _KnownKey:
    identity: Identity
    expires_unix_us: int | None
    is_revoked: bool
    refusal: str | None  # why it is refused before its end: the cause


Listener = Callable[[KeyChanges], None]
"""Told of what has changed, once the ring knows it."""


class KeyRing:
    """All keys of the installation in memory, at most `poll_seconds` behind the database.

    With them comes what was decided about their holders (`subjects`). Revoked and expired keys
    are kept too, so that the ledger can say which key was refused. While the database does not
    answer, the last known keys hold: none can be revoked there then either.
    """

    def __init__(
        self,
        keys: KeySource,
        hasher: Hasher,
        *,
        unix_us: Callable[[], int],
        poll_seconds: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._source = keys
        self._unix_us = unix_us
        self._hasher = hasher
        # A digest gives up the interpreter's lock, which beside the ledger's thread costs more
        # than the digest. Only recent keys stay here, and only in this process's memory.
        self._digest = lru_cache(maxsize=_RECENT_KEYS)(self._digest_of)
        self._known: dict[bytes, _KnownKey] = {}
        self.subjects = KnownSubjects()
        self.listeners: list[Listener] = []
        self._ended: set[str] = set()  # revoked, or of somebody who is blocked; by id
        self._lapsing: dict[str, int] = {}  # replaced keys by id, and when each ends
        self._revision = 0
        self._polling = Polling("key-ring", self.refresh, seconds=poll_seconds, sleep=sleep)

    async def start(self) -> None:
        """Read all keys, then keep up with changes. Raises what the source raises at first."""
        await self.refresh()
        self._polling.start()

    async def stop(self) -> None:
        """Stop keeping up. Safe to call twice."""
        await self._polling.stop()

    async def refresh(self) -> None:
        """Learn what has changed since the last time, now."""
        while await self._source.revision() != (known := self._revision):
            changes = await self._source.changes_since(known)
            if self._revision == known:  # else another look was faster: this one may be older
                self._take(changes)
                break
        now = self._unix_us()
        if any(end <= now for end in self._lapsing.values()):
            await self._source.lapse(now)
            self._lapsing = {key_id: end for key_id, end in self._lapsing.items() if end > now}

    def _take(self, changes: KeyChanges) -> None:
        self.subjects.learn(changes.subjects)
        for digest, key in changes.keys.items():
            self._learn(digest, key)
        self._hold_against(changes.subjects)
        for told in self.listeners:
            told(changes)
        self._revision = changes.revision

    def _learn(self, digest: bytes, key: StoredKey) -> None:
        is_revoked = key.revoked_unix_us is not None
        self._know(digest, key.identity, key.expires_unix_us, is_revoked)
        self._lapsing.pop(key.id, None)
        if key.is_lapsing and key.expires_unix_us is not None:
            self._lapsing[key.id] = key.expires_unix_us

    def _hold_against(self, subjects: Sequence[StoredSubject]) -> None:
        """Keys of people who were blocked, or are no more."""
        changed = {(each.subject, each.is_service) for each in subjects}
        for digest, known in self._known.items() if changed else ():
            if (known.identity.subject, known.identity.is_service) in changed:
                self._know(digest, known.identity, known.expires_unix_us, known.is_revoked)

    def _know(
        self, digest: bytes, identity: Identity, expires_unix_us: int | None, is_revoked: bool
    ) -> None:
        is_blocked = self.subjects.is_blocked(identity.subject, identity.is_service)
        refusal = "revoked" if is_revoked else "blocked" if is_blocked else None
        self._known[digest] = _KnownKey(identity, expires_unix_us, is_revoked, refusal)
        if refusal is None:
            self._ended.discard(identity.credential_id)
        else:
            self._ended.add(identity.credential_id)

    def is_ended(self, credential_id: str) -> bool:
        """Whether it was revoked, or its holder blocked: what runs under it is to be ended."""
        return credential_id in self._ended

    def identify(self, credential: str) -> Identity:
        """Whose key this is, from memory. Which roles may do what is for the caller to say.

        Raises `NotAuthenticated`, with one message for every cause but a typo: that one needs no
        look-up, and everybody can find it without asking us.
        """
        # Timing tells nothing: without the pepper nobody can choose a digest's first bytes.
        known = self._known.get(self._digest(credential))
        if known is None:
            raise NotAuthenticated(cause="unknown")
        if known.refusal is not None:
            raise NotAuthenticated(cause=known.refusal, identity=known.identity)
        if known.expires_unix_us is not None and known.expires_unix_us <= self._unix_us():
            raise NotAuthenticated(cause="expired", identity=known.identity)
        return known.identity

    def _digest_of(self, credential: str) -> bytes:
        # What is refused here is not kept: junk drives no key out.
        if is_mistyped(credential):
            raise NotAuthenticated.mistyped()
        if not is_well_formed(credential):
            raise NotAuthenticated(cause="malformed")
        return self._hasher.digest(credential)
