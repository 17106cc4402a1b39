"""Every change of a key is a record, written with it or not at all, in one chain for all."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.audit.chain import ChainHead, find_breaks
from gateway.store.changes import Actor
from gateway.store.database import Database
from gateway.store.keys import Keys
from gateway.store.ledger import Ledger, Search
from gateway.store.stored_key import StoredKey, scope_of
from tests.fakes.ledger import a_ledger_in

ANNA = Actor.os_user("anna")
DEVELOPER = frozenset({"developer"})


def a_key(name: str, **changes: object) -> StoredKey:
    values = {"id": f"key_{name}", "last_four": "wxyz", "team": "web", "subject": "ann"}
    more = {"roles": DEVELOPER, "created_unix_us": 1_000}
    return StoredKey(**{**values, **more, **changes})  # type: ignore[arg-type]  # what a test changes


async def told(database: Database) -> list[dict[str, object]]:
    """What the ledger says of keys, oldest first, without what every record has."""
    rows = await Ledger(database).newest(100)
    common = {"v", "record_id", "lane", "seq", "prev_hash", "subject", "team", "roles"}
    return [{k: v for k, v in row.body.items() if k not in common} for row in rows]


async def test_a_made_key_is_told_with_who_made_it_and_what_it_is_for(database):
    scope = scope_of(frozenset({"coder"}), frozenset({"10.0.0.0/8"}))
    key = a_key("a", scope=scope, is_service=True, expires_unix_us=9_000)
    await Keys(database).create(key, b"d" * 32, ANNA)
    assert await told(database) == [
        {
            "kind": "key_created",
            "time_unix_us": 1_000,
            "actor": {"kind": "os_user", "name": "anna"},
            "key_id": "key_a",
            "identity_kind": "service",
            "scope": {"models": ["coder"], "networks": ["10.0.0.0/8"]},
            "expires_unix_us": 9_000,
        }
    ]


async def test_a_rotation_is_told_of_both_keys_and_its_end_of_the_old_one(database):
    keys = Keys(database)
    await keys.create(a_key("a"), b"1" * 32, ANNA)
    await keys.replace("key_a", a_key("b", created_unix_us=2_000), b"2" * 32, 9_000, ANNA)
    await keys.lapse(9_500)
    _, made, rotated, lapsed = await told(database)
    assert (made["kind"], made["key_id"], made["predecessor_id"]) == (
        "key_created",
        "key_b",
        "key_a",
    )
    assert (rotated["kind"], rotated["key_id"], rotated["successor_id"]) == (
        "key_rotated",
        "key_a",
        "key_b",
    )
    assert (rotated["expires_unix_us"], rotated["time_unix_us"]) == (9_000, 2_000)
    assert (lapsed["kind"], lapsed["key_id"], lapsed["time_unix_us"]) == (
        "key_lapsed",
        "key_a",
        9_500,
    )
    assert lapsed["actor"] == {"kind": "gateway"}


async def test_each_key_of_a_leaver_is_told_and_revoking_again_tells_nothing(database):
    keys = Keys(database)
    await keys.create(a_key("a"), b"1" * 32, ANNA)
    await keys.create(a_key("b"), b"2" * 32, ANNA)
    await keys.revoke_all_of("ann", 5_000, ANNA)
    await keys.revoke("key_a", 6_000, ANNA)
    revoked = await Ledger(database).newest(10, Search(kind="key_revoked", subject="ann"))
    assert [row.body["key_id"] for row in revoked] == ["key_a", "key_b"]


async def test_no_record_holds_the_key_or_its_digest(database):
    await Keys(database).create(a_key("a"), b"digest".ljust(32, b"!"), ANNA)
    (row,) = await Ledger(database).newest(10)
    assert "wxyz" not in row.raw_body
    assert "digest" not in row.raw_body


async def test_a_change_that_fails_is_not_told(database):
    keys = Keys(database)
    await keys.create(a_key("a"), b"d" * 32, ANNA)
    with pytest.raises(IntegrityError):
        await keys.create(a_key("b"), b"d" * 32, ANNA)
    assert [each["key_id"] for each in await told(database)] == ["key_a"]


async def test_a_change_that_cannot_be_told_is_not_made(database):
    async with database.writing() as connection:
        await connection.execute(text("ALTER TABLE audit_leaf RENAME TO audit_leaf_away"))
    with pytest.raises(DBAPIError, match="audit_leaf"):
        await Keys(database).create(a_key("a"), b"d" * 32, ANNA)
    assert await Keys(database).list() == []


async def test_all_changes_are_one_chain_whoever_makes_them(database, opening):
    commands = [await opening() for _ in range(4)]
    await asyncio.gather(
        *(
            Keys(each).create(a_key(f"{number}"), bytes([number]) * 32, ANNA)
            for number, each in enumerate([*commands, database])
        )
    )
    for each in commands:
        await each.close()
    ledger = Ledger(database)
    (lane,) = await ledger.lanes()
    chain = await ledger.chain(lane, after_seq=0, limit=100)
    assert [record.seq for record in chain] == [1, 2, 3, 4, 5]
    assert find_breaks(ChainHead.of_new(lane), chain) == []


async def test_a_gateway_at_work_goes_on_in_its_own_lane(tmp_path, address, opening):
    async with a_ledger_in(tmp_path, address=address) as folder:
        await folder.write_story()
        beside = await opening()
        await Keys(beside).create(a_key("a"), b"d" * 32, ANNA)
        await beside.close()
        await folder.write_story()
        rows = await folder.ledger.newest(100)
        assert len({row.lane for row in rows if row.kind != "key_created"}) == 1
        assert await folder.lanes.open_exchanges(folder.writer.lane) == []
        assert [row.kind for row in await folder.ledger.exchange("key_a")] == ["key_created"]
