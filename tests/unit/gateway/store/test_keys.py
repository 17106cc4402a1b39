"""Keys are made, listed and revoked; each change moves the revision by which others notice."""

import asyncio

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.store.changes import Actor
from gateway.store.database import Database
from gateway.store.keys import KeyCannotBeReplaced, KeyNotFound, Keys
from gateway.store.stored_key import StoredKey, scope_of
from policy.types import Scope

ANNA = Actor.os_user("anna")


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
def keys(database: Database) -> Keys:
    return Keys(database)


async def test_a_key_is_listed_as_it_was_made(keys):
    key = a_key(expires_unix_us=9_000, roles=frozenset({"admin", "developer"}))
    await keys.create(key, b"d" * 32, ANNA)
    assert await keys.list() == [key]


async def test_keys_are_listed_oldest_first(keys):
    await keys.create(a_key(2), b"2" * 32, ANNA)
    await keys.create(a_key(1), b"1" * 32, ANNA)
    assert [key.id for key in await keys.list()] == [a_key(1).id, a_key(2).id]


async def test_a_revoked_key_says_since_when(keys):
    await keys.create(a_key(), b"d" * 32, ANNA)
    revoked = await keys.revoke(a_key().id, 5_000, ANNA)
    assert revoked == a_key(revoked_unix_us=5_000)
    assert await keys.list() == [revoked]


async def test_revoking_again_changes_nothing(keys):
    await keys.create(a_key(), b"d" * 32, ANNA)
    first = await keys.revoke(a_key().id, 5_000, ANNA)
    revision = await keys.revision()
    assert await keys.revoke(a_key().id, 6_000, ANNA) == first
    assert await keys.revision() == revision


@pytest.mark.parametrize("key_id", ["key_nobody", "", "' OR 1=1--", "%", "key_\x00"])
async def test_revoking_a_key_that_is_none_is_refused(keys, key_id):
    await keys.create(a_key(), b"d" * 32, ANNA)
    with pytest.raises(KeyNotFound):
        await keys.revoke(key_id, 5_000, ANNA)
    assert (await keys.list())[0].revoked_unix_us is None


async def test_every_change_moves_the_revision(keys):
    seen = [await keys.revision()]
    await keys.create(a_key(), b"d" * 32, ANNA)
    seen.append(await keys.revision())
    await keys.revoke(a_key().id, 5_000, ANNA)
    seen.append(await keys.revision())
    assert seen == [0, 1, 2]


async def test_only_what_changed_is_read_again(keys):
    await keys.create(a_key(1), b"1" * 32, ANNA)
    await keys.create(a_key(2), b"2" * 32, ANNA)
    before = await keys.changes_since(0)
    assert set(before.keys) == {b"1" * 32, b"2" * 32}
    await keys.revoke(a_key(1).id, 5_000, ANNA)
    after = await keys.changes_since(before.revision)
    assert dict(after.keys) == {b"1" * 32: a_key(1, revoked_unix_us=5_000)}
    assert (await keys.changes_since(after.revision)).keys == {}


async def test_what_a_key_is_limited_to_and_for_is_kept(keys):
    scope = scope_of(frozenset({"b", "a"}), frozenset({"10.0.0.0/8", "2001:db8::/32"}))
    key = a_key(scope=scope, is_service=True)
    await keys.create(key, b"d" * 32, ANNA)
    assert await keys.find(key.id) == key
    assert key.identity.kind == "service"
    assert key.identity.scope == Scope(("a", "b"), ("10.0.0.0/8", "2001:db8::/32"))


async def replaced(keys: Keys, until_us: int = 9_000, **changes: object) -> StoredKey:
    """The first key, once the second has replaced it."""
    await keys.create(a_key(1, **changes), b"1" * 32, ANNA)
    return await keys.replace(a_key(1).id, a_key(2), b"2" * 32, until_us, ANNA)


async def test_a_replaced_key_holds_until_the_overlap_ends(keys):
    old = await replaced(keys)
    assert (old.expires_unix_us, old.successor_id) == (9_000, a_key(2).id)
    assert await keys.list() == [old, a_key(2)]


async def test_a_replaced_key_that_would_end_sooner_does(keys):
    assert (await replaced(keys, expires_unix_us=5_000)).expires_unix_us == 5_000


async def test_both_keys_of_a_rotation_are_read_again(keys):
    await replaced(keys)
    changes = await keys.changes_since(1)
    assert set(changes.keys) == {b"1" * 32, b"2" * 32}


async def test_a_key_is_replaced_once(keys):
    await replaced(keys)
    with pytest.raises(KeyCannotBeReplaced, match=f"replaced before, by {a_key(2).id}"):
        await keys.replace(a_key(1).id, a_key(3), b"3" * 32, 9_000, ANNA)
    assert len(await keys.list()) == 2


async def test_a_revoked_key_is_not_replaced(keys):
    await keys.create(a_key(1), b"1" * 32, ANNA)
    await keys.revoke(a_key(1).id, 1_000, ANNA)
    with pytest.raises(KeyCannotBeReplaced, match="is revoked"):
        await keys.replace(a_key(1).id, a_key(2), b"2" * 32, 9_000, ANNA)


async def test_an_expired_key_is_not_replaced(keys):
    with pytest.raises(KeyCannotBeReplaced, match="has expired"):
        await replaced(keys, expires_unix_us=a_key(2).created_unix_us)


async def test_a_key_that_is_none_is_not_replaced(keys):
    with pytest.raises(KeyNotFound):
        await keys.replace("key_nobody", a_key(2), b"2" * 32, 9_000, ANNA)


async def test_all_keys_of_a_leaver_end_at_once(keys):
    await keys.create(a_key(1), b"1" * 32, ANNA)
    await keys.create(a_key(2, team="payments"), b"2" * 32, ANNA)
    await keys.create(a_key(3, subject="bob"), b"3" * 32, ANNA)
    await keys.create(a_key(4, is_service=True), b"4" * 32, ANNA)
    await keys.revoke(a_key(1).id, 5_000, ANNA)
    ended = await keys.revoke_all_of("ann", 6_000, ANNA)
    assert [(key.id, key.revoked_unix_us) for key in ended] == [
        (a_key(1).id, 5_000),
        (a_key(2).id, 6_000),
    ]
    assert [key.revoked_unix_us for key in await keys.list()] == [5_000, 6_000, None, None]


async def test_a_services_keys_end_apart_from_a_persons_of_the_same_name(keys):
    await keys.create(a_key(1), b"1" * 32, ANNA)
    await keys.create(a_key(2, is_service=True), b"2" * 32, ANNA)
    (ended,) = await keys.revoke_all_of("ann", 6_000, ANNA, is_service=True)
    assert ended.id == a_key(2).id


async def test_somebody_without_keys_is_not_found(keys):
    with pytest.raises(KeyNotFound, match="user 'bob'"):
        await keys.revoke_all_of("bob", 6_000, ANNA)


async def test_a_replaced_key_lapses_once_its_time_is_over(keys):
    await replaced(keys)
    assert await keys.lapse(8_999) == 0
    assert await keys.lapse(9_000) == 1
    assert await keys.lapse(9_001) == 0
    assert (await keys.find(a_key(1).id)).lapsed_unix_us == 9_000


async def test_a_replaced_key_that_was_revoked_does_not_lapse(keys):
    await replaced(keys)
    await keys.revoke(a_key(1).id, 8_000, ANNA)
    assert await keys.lapse(9_000) == 0


async def test_a_digest_belongs_to_one_key(keys):
    await keys.create(a_key(1), b"d" * 32, ANNA)
    with pytest.raises(IntegrityError, match=r"virtual_key.digest"):
        await keys.create(a_key(2), b"d" * 32, ANNA)
    assert await keys.revision() == 1
    assert await keys.list() == [a_key(1)]


async def test_of_many_that_make_the_first_keys_one_does(database, opening):
    each = [await opening() for _ in range(4)]
    pairs = [[(a_key(n), bytes([n]) * 32), (a_key(n + 9), bytes([n + 9]) * 32)] for n in range(4)]
    made = await asyncio.gather(
        *(Keys(one).create_first(pair, ANNA) for one, pair in zip(each, pairs, strict=True))
    )
    assert sorted(made) == [False, False, False, True]
    assert len(await Keys(database).list()) == 2
    for one in each:
        await one.close()
