"""Virtual keys in the database: made, replaced, revoked, listed, read into a running gateway."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, insert, literal, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.change_lane import ChangeLane
from gateway.store.changes import GATEWAY, Actor
from gateway.store.database import Database
from gateway.store.key_records import KeyEvent, KeyRecords
from gateway.store.revision import newest_revision, next_revision
from gateway.store.sessions import ended_since
from gateway.store.stored_key import KeyState, StoredKey
from gateway.store.stored_subject import StoredSubject, SubjectBlocked
from gateway.store.subjects import read_subject, refuse_apart, subjects_since
from gateway.store.tables import KEYS
from policy.types import Scope


class KeyNotFound(LookupError):
    """No key has this id, or nobody of this name has a key."""


class KeyExists(Exception):
    """A key of this id was made before; the message says which."""


class KeyCannotBeReplaced(Exception):
    """The key holds no more, or has its successor already; the message says which."""


@dataclass(frozen=True, slots=True)
class WantedKeys:
    """Which keys a list is to hold, at a moment; what is None does not matter."""

    now_unix_us: int
    team: str | None = None
    subject: str | None = None
    is_service: bool | None = None
    state: KeyState | None = None


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key, and the id of the one it replaced."""

    key: StoredKey
    predecessor_id: str | None


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """What changed since some revision: keys, by digest, subjects, and sessions that ended.

    `revision` is the newest.
    """

    revision: int
    keys: Mapping[bytes, StoredKey]
    subjects: Sequence[StoredSubject] = ()
    ended_sessions: frozenset[str] = frozenset()


class Keys:
    """All virtual keys. Every change is a record of the ledger, in the same transaction, and
    moves the revision, by which a running gateway notices."""

    def __init__(
        self, database: Database, random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._database = database
        self._lane = ChangeLane(random_bytes)
        self._records = KeyRecords(random_bytes)

    async def create(self, key: StoredKey, digest: bytes, by: Actor) -> None:
        """Keep a new key under the digest by which it will be recognised.

        Raises `KeyExists`, `SubjectBlocked`, or `RolesStayApart` where its roles may not come to
        those that its user has already.
        """
        created = self._records.tell(KeyEvent.CREATED, key, by, key.created_unix_us)
        async with self._database.writing() as connection:
            if await connection.scalar(select(KEYS.c.id).where(KEYS.c.id == key.id)) is not None:
                raise KeyExists(f"{key.id} was made before")
            await _refuse_blocked(connection, key)
            await refuse_apart(
                connection, key.subject, key.is_service, key.roles, key.created_unix_us
            )
            await _insert(connection, key, digest)
            await self._lane.append(connection, [created], key.created_unix_us)

    async def create_first(self, keys: Sequence[tuple[StoredKey, bytes]], by: Actor) -> bool:
        """Keep these keys with their digests, all of them, unless there has ever been a key."""
        async with self._database.writing() as connection:
            if await connection.scalar(select(KEYS.c.id).limit(1)) is not None:
                return False
            for key, digest in keys:
                created = self._records.tell(KeyEvent.CREATED, key, by, key.created_unix_us)
                await _insert(connection, key, digest)
                await self._lane.append(connection, [created], key.created_unix_us)
        return True

    async def replace(
        self, key_id: str, successor: StoredKey, digest: bytes, until_unix_us: int, by: Actor
    ) -> StoredKey:
        """Keep a key's successor, and let the key itself end then, or sooner if it would anyway.

        Returns the key that was replaced. Raises `KeyNotFound`, `KeyCannotBeReplaced` or
        `SubjectBlocked`.
        """
        now = successor.created_unix_us
        async with self._database.writing() as connection:
            (old,) = await _find(connection, KEYS.c.id == key_id, _no_such_key(key_id))
            _refuse_replaced(old, now)
            await _refuse_blocked(connection, old)
            expires = min(until_unix_us, old.expires_unix_us or until_unix_us)
            old = replace(old, expires_unix_us=expires, successor_id=successor.id)
            await _insert(connection, successor, digest)
            await _update(connection, old)
            records = [
                self._records.tell(KeyEvent.CREATED, successor, by, now, predecessor_id=old.id),
                self._records.tell(KeyEvent.ROTATED, old, by, now),
            ]
            await self._lane.append(connection, records, now)
        return old

    async def revoke(self, key_id: str, now_unix_us: int, by: Actor) -> StoredKey:
        """End a key for good, and return it. A key revoked before keeps its first time.

        Raises `KeyNotFound`.
        """
        which = KEYS.c.id == key_id
        (revoked,) = await self._revoke(which, _no_such_key(key_id), now_unix_us, by)
        return revoked

    async def revoke_all_of(
        self,
        subject: str,
        now_unix_us: int,
        by: Actor,
        *,
        is_service: bool = False,
        team: str | None = None,
    ) -> Sequence[StoredKey]:
        """End every key of a person, or of a service, in one step; returns them all.

        With a team, only its keys. Raises `KeyNotFound` when there never was one.
        """
        which = and_(KEYS.c.subject == subject, KEYS.c.is_service == is_service)
        kind = "service" if is_service else "user"
        missing = f"no key was ever made for {kind} {subject!r}; `gatehouse key list` shows all"
        if team is not None:
            which = and_(which, KEYS.c.team == team)
            missing = f"no key was ever made for {kind} {subject!r} in team {team!r}"
        return await self._revoke(which, missing, now_unix_us, by)

    async def lapse(self, now_unix_us: int) -> int:
        """Put on record which replaced keys have come to their end; returns how many.

        Each is recorded once, whoever notices first.
        """
        over = and_(
            KEYS.c.successor_id.is_not(None),
            KEYS.c.lapsed_unix_us.is_(None),
            KEYS.c.revoked_unix_us.is_(None),
            KEYS.c.expires_unix_us <= now_unix_us,
        )
        async with self._database.writing() as connection:
            found = (await connection.execute(select(KEYS).where(over))).mappings()
            lapsed = [replace(_stored(row), lapsed_unix_us=now_unix_us) for row in found]
            await self._change(connection, KeyEvent.LAPSED, lapsed, GATEWAY, now_unix_us)
        return len(lapsed)

    async def find(self, key_id: str) -> StoredKey:
        """The key of this id. Raises `KeyNotFound`."""
        async with self._database.reading() as connection:
            (found,) = await _find(connection, KEYS.c.id == key_id, _no_such_key(key_id))
        return found

    async def of_digest(self, digest: bytes) -> StoredKey | None:
        """The key that is kept under this digest, also one that holds no more."""
        query = select(KEYS).where(KEYS.c.digest == digest)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else _stored(row)

    async def is_holder_blocked(self, key: StoredKey) -> bool:
        """Whether nothing of its holder's is taken."""
        async with self._database.reading() as connection:
            return (await read_subject(connection, key.subject, key.is_service)).is_blocked

    async def list(self) -> Sequence[StoredKey]:
        """Every key there has been, oldest first."""
        query = select(KEYS).order_by(KEYS.c.created_unix_us, KEYS.c.id)
        async with self._database.reading() as connection:
            return [_stored(row) for row in (await connection.execute(query)).mappings()]

    async def page(
        self, wanted: WantedKeys, limit: int, after: tuple[str | int, ...] | None = None
    ) -> Sequence[ListedKey]:
        """Keys that are wanted, oldest first, behind `after`: when one was made, and its id."""
        made = (KEYS.c.created_unix_us, KEYS.c.id)
        query = select(KEYS).where(*_conditions(wanted)).order_by(*made).limit(limit)
        if after is not None:
            query = query.where(tuple_(*made) > tuple_(*map(literal, after)))
        async with self._database.reading() as connection:
            keys = [_stored(row) for row in (await connection.execute(query)).mappings()]
            succeeded = KEYS.c.successor_id.in_([key.id for key in keys])
            replaced = select(KEYS.c.successor_id, KEYS.c.id).where(succeeded)
            before = dict((await connection.execute(replaced)).all())
        return [ListedKey(key, before.get(key.id)) for key in keys]

    async def of_subject(self, subject: str, *, is_service: bool) -> Sequence[StoredKey]:
        """Every key of a person, or of a service, oldest first."""
        which = and_(KEYS.c.subject == subject, KEYS.c.is_service == is_service)
        query = select(KEYS).where(which).order_by(KEYS.c.created_unix_us, KEYS.c.id)
        async with self._database.reading() as connection:
            return [_stored(row) for row in (await connection.execute(query)).mappings()]

    async def predecessor_of(self, key_id: str) -> str | None:
        """The id of the key that this one replaced."""
        query = select(KEYS.c.id).where(KEYS.c.successor_id == key_id)
        async with self._database.reading() as connection:
            found: str | None = await connection.scalar(query)
        return found

    async def revision(self) -> int:
        """A number that grows with every change: one cheap query."""
        async with self._database.reading() as connection:
            return await newest_revision(connection)

    async def changes_since(self, revision: int) -> KeyChanges:
        """What changed after `revision` (0: all keys, revoked and expired ones too)."""
        query = select(KEYS).where(KEYS.c.changed_revision > revision)
        async with self._database.reading() as connection:
            newest = await newest_revision(connection)
            found = (await connection.execute(query)).mappings().all()
            subjects = await subjects_since(connection, revision)
            ended = await ended_since(connection, revision)
        return KeyChanges(newest, {row["digest"]: _stored(row) for row in found}, subjects, ended)

    async def _revoke(
        self, which: ColumnElement[bool], missing: str, now_unix_us: int, by: Actor
    ) -> Sequence[StoredKey]:
        async with self._database.writing() as connection:
            found = await _find(connection, which, missing)
            held = [each for each in found if each.revoked_unix_us is None]
            revoked = [replace(each, revoked_unix_us=now_unix_us) for each in held]
            await self._change(connection, KeyEvent.REVOKED, revoked, by, now_unix_us)
        changed = {each.id: each for each in revoked}
        return [changed.get(each.id, each) for each in found]

    async def _change(
        self,
        connection: AsyncConnection,
        event: KeyEvent,
        keys: Sequence[StoredKey],
        by: Actor,
        now_unix_us: int,
    ) -> None:
        """Write keys as they are now, and what happened to each; nothing for none."""
        for key in keys:
            await _update(connection, key)
        if keys:
            records = [self._records.tell(event, key, by, now_unix_us) for key in keys]
            await self._lane.append(connection, records, now_unix_us)


def _conditions(wanted: WantedKeys) -> list[ColumnElement[bool]]:
    exact = {
        KEYS.c.team: wanted.team,
        KEYS.c.subject: wanted.subject,
        KEYS.c.is_service: wanted.is_service,
    }
    conditions = [column == value for column, value in exact.items() if value is not None]
    is_over = and_(
        KEYS.c.expires_unix_us.is_not(None), KEYS.c.expires_unix_us <= wanted.now_unix_us
    )
    is_revoked = KEYS.c.revoked_unix_us.is_not(None)
    match wanted.state:
        case KeyState.ACTIVE:
            conditions += [~is_revoked, ~is_over]
        case KeyState.EXPIRED:
            conditions += [~is_revoked, is_over]
        case KeyState.REVOKED:
            conditions.append(is_revoked)
    return conditions


def _no_such_key(key_id: str) -> str:
    return f"no key has the id {key_id!r}; `gatehouse key list` shows them"


def _refuse_replaced(key: StoredKey, now_unix_us: int) -> None:
    """Raises `KeyCannotBeReplaced`."""
    make_one = "make a new one with `gatehouse key create`"
    if key.revoked_unix_us is not None:
        raise KeyCannotBeReplaced(f"{key.id} is revoked: {make_one}")
    if key.successor_id is not None:
        raise KeyCannotBeReplaced(f"{key.id} was replaced before, by {key.successor_id}")
    if key.is_expired(now_unix_us):
        raise KeyCannotBeReplaced(f"{key.id} has expired: {make_one}")


async def _refuse_blocked(connection: AsyncConnection, key: StoredKey) -> None:
    """Raises `SubjectBlocked`."""
    stored = await read_subject(connection, key.subject, key.is_service)
    if stored.is_blocked:
        raise SubjectBlocked(stored)


async def _find(
    connection: AsyncConnection, which: ColumnElement[bool], missing: str
) -> list[StoredKey]:
    """The keys, oldest first. Raises `KeyNotFound` in these words when there is none."""
    query = select(KEYS).where(which).order_by(KEYS.c.created_unix_us, KEYS.c.id)
    found = (await connection.execute(query)).mappings().all()
    if not found:
        raise KeyNotFound(missing)
    return [_stored(row) for row in found]


async def _insert(connection: AsyncConnection, key: StoredKey, digest: bytes) -> None:
    values = {
        "id": key.id,
        "digest": digest,
        "last_four": key.last_four,
        "team": key.team,
        "subject": key.subject,
        "roles": ",".join(sorted(key.roles)),
        "created_unix_us": key.created_unix_us,
        "models": None if key.scope is None else ",".join(key.scope.models),
        "networks": None if key.scope is None else ",".join(key.scope.networks),
        "is_service": key.is_service,
        **await _changing(connection, key),
    }
    await connection.execute(insert(KEYS).values(values))


async def _update(connection: AsyncConnection, key: StoredKey) -> None:
    changed = await _changing(connection, key)
    await connection.execute(update(KEYS).where(KEYS.c.id == key.id).values(changed))


async def _changing(connection: AsyncConnection, key: StoredKey) -> Mapping[str, object]:
    """What may change of a key after it was made, and the revision of this change."""
    return {
        "expires_unix_us": key.expires_unix_us,
        "revoked_unix_us": key.revoked_unix_us,
        "successor_id": key.successor_id,
        "lapsed_unix_us": key.lapsed_unix_us,
        "changed_revision": await next_revision(connection),
    }


def _stored(row: Mapping[Any, Any]) -> StoredKey:
    models, networks = row["models"], row["networks"]
    return StoredKey(
        id=row["id"],
        last_four=row["last_four"],
        team=row["team"],
        subject=row["subject"],
        roles=frozenset(row["roles"].split(",")),
        created_unix_us=row["created_unix_us"],
        expires_unix_us=row["expires_unix_us"],
        revoked_unix_us=row["revoked_unix_us"],
        scope=Scope(_parts(models), _parts(networks)) if models or networks else None,
        is_service=row["is_service"],
        successor_id=row["successor_id"],
        lapsed_unix_us=row["lapsed_unix_us"],
    )


def _parts(written: str | None) -> tuple[str, ...]:
    return tuple(written.split(",")) if written else ()
