"""Either database is one view to its readers and one writer at a time, whoever opens it."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway.store.database import Database

BUMP = text("UPDATE key_revision SET revision = revision + 1")
REVISION = text("SELECT revision FROM key_revision")


async def revision(database: Database) -> int:
    async with database.reading() as connection:
        return int(await connection.scalar(REVISION))


async def test_what_was_written_is_there_for_whoever_opens_it_again(database, opening):
    async with database.writing() as connection:
        await connection.execute(BUMP)
    again = await opening()
    assert await revision(again) == 1
    await again.close()


async def test_a_writing_transaction_that_fails_leaves_nothing(database):
    async def change_and_fail() -> None:
        async with database.writing() as connection:
            await connection.execute(BUMP)
            raise KeyError

    with pytest.raises(KeyError):
        await change_and_fail()
    assert await revision(database) == 0


async def test_a_reader_sees_one_moment_while_others_write(database):
    async with database.reading() as connection:
        before = await connection.scalar(REVISION)
        async with database.writing() as other:
            await other.execute(BUMP)
        assert await connection.scalar(REVISION) == before
    assert await revision(database) == before + 1


async def test_writers_come_one_after_the_other_and_see_what_those_before_did(database, opening):
    others = [await opening() for _ in range(3)]

    async def bump(each: Database) -> int:
        async with each.writing() as connection:
            seen = int(await connection.scalar(REVISION))
            await asyncio.sleep(0.01)
            await connection.execute(text(f"UPDATE key_revision SET revision = {seen + 1}"))
            return seen

    seen = await asyncio.gather(*(bump(each) for each in [database, *others] * 3))
    assert sorted(seen) == list(range(12))
    for each in others:
        await each.close()


async def test_a_writer_who_does_not_come_to_an_end_is_not_waited_for_long(database, opening):
    other = await opening()
    async with database.writing():
        with pytest.raises(DBAPIError, match=r"lock"):
            async with other.writing():
                pass
    await other.close()


async def test_an_id_with_a_nul_in_it_is_nobodys(database):
    query = text("SELECT count(*) FROM virtual_key WHERE id = :id")
    async with database.reading() as connection:
        assert await connection.scalar(query, {"id": "key_\0"}) == 0


@pytest.mark.parametrize("table", ["audit_leaf", "audit_body"])
@pytest.mark.parametrize("change", ["UPDATE {} SET time_unix_us = 0", "DELETE FROM {}"])
async def test_the_ledgers_rows_cannot_be_changed_by_accident(database, table, change):
    leaf = "INSERT INTO audit_leaf VALUES ('01A', 1, 'r', :hash, :hash, 1)"
    body = (
        "INSERT INTO audit_body (lane, seq, exchange_id, kind, time_unix_us, body)"
        " VALUES ('01A', 1, 'gh-1', 'denied', 1, '{}')"
    )
    async with database.writing() as connection:
        await connection.execute(text(leaf), {"hash": b"h" * 32})
        await connection.execute(text(body))
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.writing() as connection:
            await connection.execute(text(change.format(table)))


async def test_messages_call_it_by_a_name_without_a_password(database):
    assert database.shown
    assert "secret" not in database.shown
