"""Virtual keys as they are kept: made, listed, revoked, and read into a running gateway."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.database import Database
from gateway.store.tables import KEY_REVISION, KEYS

_MAX_NAME = 200


class KeyNotFound(LookupError):
    """No key has this id."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key without the key: whose it is, and until when. Times are UTC microseconds."""

    id: str
    last_four: str
    team: str
    subject: str
    roles: frozenset[str]
    created_unix_us: int
    expires_unix_us: int | None = None
    revoked_unix_us: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("team", self.team), ("user", self.subject)):
            if not value or len(value) > _MAX_NAME or not value.isprintable():
                raise ValueError(
                    f"a key's {name} is 1 to {_MAX_NAME} printable characters, not {value[:40]!r}"
                )
        if not self.roles:
            raise ValueError("a key has at least one role")


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """Keys made or revoked since some revision, by digest; `revision` is the newest there is."""

    revision: int
    keys: Mapping[bytes, StoredKey]


class Keys:
    """All virtual keys. Every change moves the revision, by which a running gateway notices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, key: StoredKey, digest: bytes) -> None:
        """Keep a new key under the digest by which it will be recognised."""
        async with self._database.writing() as connection:
            values = {
                "id": key.id,
                "digest": digest,
                "last_four": key.last_four,
                "team": key.team,
                "subject": key.subject,
                "roles": ",".join(sorted(key.roles)),
                "created_unix_us": key.created_unix_us,
                "expires_unix_us": key.expires_unix_us,
                "revoked_unix_us": key.revoked_unix_us,
                "changed_revision": await _next_revision(connection),
            }
            await connection.execute(insert(KEYS).values(values))

    async def revoke(self, key_id: str, now_unix_us: int) -> StoredKey:
        """End a key for good, and return it. A key revoked before keeps its first time.

        Raises `KeyNotFound`.
        """
        same = KEYS.c.id == key_id
        async with self._database.writing() as connection:
            found = (await connection.execute(select(KEYS).where(same))).mappings().first()
            if found is None:
                raise KeyNotFound(f"no key has the id {key_id!r}; `gatehouse key list` shows them")
            if found["revoked_unix_us"] is not None:
                return _stored(found)
            changes = {
                "revoked_unix_us": now_unix_us,
                "changed_revision": await _next_revision(connection),
            }
            await connection.execute(update(KEYS).where(same).values(changes))
            return _stored({**found, **changes})

    async def list(self) -> list[StoredKey]:
        """Every key there has been, oldest first."""
        query = select(KEYS).order_by(KEYS.c.created_unix_us, KEYS.c.id)
        async with self._database.reading() as connection:
            return [_stored(row) for row in (await connection.execute(query)).mappings()]

    async def revision(self) -> int:
        """A number that grows with every change: one cheap query."""
        async with self._database.reading() as connection:
            return int((await connection.execute(select(KEY_REVISION.c.revision))).scalar_one())

    async def changes_since(self, revision: int) -> KeyChanges:
        """Keys made or revoked after `revision` (0: all keys, revoked and expired ones too)."""
        query = select(KEYS).where(KEYS.c.changed_revision > revision)
        async with self._database.reading() as connection:
            newest = (await connection.execute(select(KEY_REVISION.c.revision))).scalar_one()
            found = (await connection.execute(query)).mappings().all()
        return KeyChanges(int(newest), {row["digest"]: _stored(row) for row in found})


async def _next_revision(connection: AsyncConnection) -> int:
    # The update comes first: it holds the row, so that changes take their numbers in turn.
    await connection.execute(update(KEY_REVISION).values(revision=KEY_REVISION.c.revision + 1))
    return int((await connection.execute(select(KEY_REVISION.c.revision))).scalar_one())


def _stored(row: Mapping[Any, Any]) -> StoredKey:
    return StoredKey(
        id=row["id"],
        last_four=row["last_four"],
        team=row["team"],
        subject=row["subject"],
        roles=frozenset(row["roles"].split(",")),
        created_unix_us=row["created_unix_us"],
        expires_unix_us=row["expires_unix_us"],
        revoked_unix_us=row["revoked_unix_us"],
    )
