"""Keys are made, listed and revoked; each change moves the revision by which others notice."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.store.database import Database, open_database
from gateway.store.keys import KeyNotFound, Keys, StoredKey


def a_key(number: int = 1, **changes: object) -> StoredKey:
    values = {
        "id": f"key_{number:012}",
        "last_four": "wxyz",
        "team": "web",
        "subject": "ann",
        "roles": frozenset({"developer"}),
        "created_unix_us": 1_000 + number,
    }
    return StoredKey(**{**values, **changes})  # type: ignore[arg-type]  # what a test changes


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_database(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def keys(database: Database) -> Keys:
    return Keys(database)


async def test_a_key_is_listed_as_it_was_made(keys):
    key = a_key(expires_unix_us=9_000, roles=frozenset({"admin", "developer"}))
    await keys.create(key, b"d" * 32)
    assert await keys.list() == [key]


async def test_keys_are_listed_oldest_first(keys):
    await keys.create(a_key(2), b"2" * 32)
    await keys.create(a_key(1), b"1" * 32)
    assert [key.id for key in await keys.list()] == [a_key(1).id, a_key(2).id]


async def test_a_revoked_key_says_since_when(keys):
    await keys.create(a_key(), b"d" * 32)
    revoked = await keys.revoke(a_key().id, 5_000)
    assert revoked == a_key(revoked_unix_us=5_000)
    assert await keys.list() == [revoked]


async def test_revoking_again_changes_nothing(keys):
    await keys.create(a_key(), b"d" * 32)
    first = await keys.revoke(a_key().id, 5_000)
    revision = await keys.revision()
    assert await keys.revoke(a_key().id, 6_000) == first
    assert await keys.revision() == revision


@pytest.mark.parametrize("key_id", ["key_nobody", "", "' OR 1=1--", "%", "key_\x00"])
async def test_revoking_a_key_that_is_none_is_refused(keys, key_id):
    await keys.create(a_key(), b"d" * 32)
    with pytest.raises(KeyNotFound):
        await keys.revoke(key_id, 5_000)
    assert (await keys.list())[0].revoked_unix_us is None


async def test_every_change_moves_the_revision(keys):
    seen = [await keys.revision()]
    await keys.create(a_key(), b"d" * 32)
    seen.append(await keys.revision())
    await keys.revoke(a_key().id, 5_000)
    seen.append(await keys.revision())
    assert seen == [0, 1, 2]


async def test_only_what_changed_is_read_again(keys):
    await keys.create(a_key(1), b"1" * 32)
    await keys.create(a_key(2), b"2" * 32)
    before = await keys.changes_since(0)
    assert set(before.keys) == {b"1" * 32, b"2" * 32}
    await keys.revoke(a_key(1).id, 5_000)
    after = await keys.changes_since(before.revision)
    assert dict(after.keys) == {b"1" * 32: a_key(1, revoked_unix_us=5_000)}
    assert (await keys.changes_since(after.revision)).keys == {}


async def test_a_digest_belongs_to_one_key(keys, database):
    await keys.create(a_key(1), b"d" * 32)
    with pytest.raises(IntegrityError, match=r"virtual_key\.digest"):
        await keys.create(a_key(2), b"d" * 32)
    assert await keys.revision() == 1
    with closing(sqlite3.connect(database.file)) as connection:
        assert connection.execute("SELECT count(*) FROM virtual_key").fetchone() == (1,)


@pytest.mark.parametrize("name", ["", "x" * 201, "two\nlines", "bell\x07"])
@pytest.mark.parametrize("field", ["team", "subject"])
def test_names_that_would_spoil_a_listing_are_refused(field, name):
    with pytest.raises(ValueError, match="printable"):
        a_key(**{field: name})


def test_a_key_without_a_role_is_refused():
    with pytest.raises(ValueError, match="role"):
        a_key(roles=frozenset())
