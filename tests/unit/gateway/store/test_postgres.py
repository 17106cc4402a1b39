"""PostgreSQL opens at the newest schema, whoever comes first, and says why when it does not."""

import asyncio

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gateway.database_address import DatabaseAddress
from gateway.store import postgres as postgres_store
from gateway.store import schema
from gateway.store.postgres import PostgresDatabase, is_in_use, open_postgres, without_nul
from gateway.store.postgres_errors import StoreUnreachable
from gateway.store.schema import REVISIONS, SchemaTooNew, StoreError
from tests.fakes.postgres import (
    PASSWORD,
    PostgresServer,
    cut_connections,
    execute,
    own_server,
)
from tests.fakes.waiting import until_it_is


def address(url: str) -> DatabaseAddress:
    return DatabaseAddress.read(url)


async def refusal(url: str) -> StoreError:
    with pytest.raises(StoreError) as refused:
        await open_postgres(address(url))
    assert PASSWORD not in str(refused.value)
    assert url.rpartition("/")[2] in str(refused.value)
    return refused.value


async def test_replicas_that_start_at_once_migrate_once(empty_postgres_url):
    opened = await asyncio.gather(*(open_postgres(address(empty_postgres_url)) for _ in range(6)))
    for database in opened:
        await database.close()
    rows = await execute(empty_postgres_url, "SELECT version_num FROM alembic_version")
    assert [row["version_num"] for row in rows] == [REVISIONS[-1]]


async def test_a_migration_may_take_longer_than_a_question(empty_postgres_url, monkeypatch):
    """As where an index is made over years of a ledger, or another replica is at it."""

    def slow_upgrade(connection: Connection) -> None:
        connection.execute(text("SELECT pg_sleep(4)"))
        schema.upgrade(connection)

    monkeypatch.setattr(postgres_store, "COMMAND_SECONDS", 3.0)
    monkeypatch.setattr(postgres_store, "upgrade", slow_upgrade)
    await (await open_postgres(address(empty_postgres_url))).close()
    rows = await execute(empty_postgres_url, "SELECT version_num FROM alembic_version")
    assert [row["version_num"] for row in rows] == [REVISIONS[-1]]


async def test_a_database_that_nobody_used_is_told_from_one_that_is_in_use(empty_postgres_url):
    assert not await is_in_use(address(empty_postgres_url))
    await (await open_postgres(address(empty_postgres_url))).close()
    assert await is_in_use(address(empty_postgres_url))


async def test_a_schema_newer_than_the_code_is_refused(postgres_url):
    await execute(postgres_url, "UPDATE alembic_version SET version_num = '9999'")
    assert isinstance(await refusal(postgres_url), SchemaTooNew)


async def test_somebody_elses_tables_are_left_alone(empty_postgres_url):
    await execute(empty_postgres_url, "CREATE TABLE audit_body (mine text)")
    assert "cannot migrate" in str(await refusal(empty_postgres_url))
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'audit_body'"
    assert [row[0] for row in await execute(empty_postgres_url, columns)] == ["mine"]


async def test_ids_are_compared_byte_by_byte_whatever_language_the_database_speaks(postgres_url):
    query = (
        "SELECT table_name || '.' || column_name FROM information_schema.columns "
        "WHERE collation_name = 'C' AND table_name LIKE 'audit%' ORDER BY 1"
    )
    found = [row[0] for row in await execute(postgres_url, query)]
    assert found == [
        "audit_body.exchange_id",
        "audit_body.lane",
        "audit_cursor.lane",
        "audit_lane.lane",
        "audit_leaf.lane",
    ]


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("default_transaction_read_only = on", "is read-only"),
        ("synchronous_commit = off", "no record in it is durable"),
    ],
)
async def test_a_database_that_keeps_no_ledger_is_refused(postgres_url, setting, told):
    name = postgres_url.rpartition("/")[2]
    await execute(postgres_url, f"ALTER DATABASE {name} SET {setting}")
    assert told in str(await refusal(postgres_url))


async def test_a_database_in_another_encoding_is_refused(postgres: PostgresServer):
    await postgres.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    assert "ENCODING 'UTF8'" in str(await refusal(postgres.url("latin")))
    await postgres.drop_database(postgres.url("latin"))


async def test_a_user_who_may_not_make_tables_is_told_so(postgres, empty_postgres_url):
    await execute(empty_postgres_url, "CREATE ROLE guest LOGIN PASSWORD 'guest'")
    url = empty_postgres_url.replace(f"gatehouse:{PASSWORD}", "guest:guest")
    assert "cannot migrate" in str(await refusal(url))
    assert "permission denied" in str(await refusal(url))
    await postgres.execute("DROP ROLE guest")


async def test_a_wrong_password_is_told_apart_from_a_missing_database(postgres):
    assert "refuses this user or password" in str(await refusal(postgres.url(password="a guess")))
    assert "no database of this name" in str(await refusal(postgres.url("nowhere")))


async def test_a_server_that_is_away_is_told_and_is_no_reason_to_stop_asking():
    with own_server() as own:
        url = own.server.url("postgres")
        database = await open_postgres(address(url))
        await own.stop()
        assert isinstance(await refusal(url), StoreUnreachable)
        with pytest.raises((OSError, SQLAlchemyError)):
            async with database.reading() as connection:
                await connection.execute(text("SELECT 1"))
        await own.start()
        async with database.reading() as connection:
            assert await connection.scalar(text("SELECT current_database()")) == "postgres"
        await database.close()


async def test_connections_that_the_server_is_just_ending_are_made_anew(postgres_url):
    database = await open_postgres(address(postgres_url))
    for _ in range(3):
        async with database.reading() as connection:
            await connection.execute(text("SELECT 1"))
        async with database.writing() as connection:
            await connection.execute(text("SELECT 1"))
        await cut_connections(postgres_url)
        for begin in (database.reading, database.writing):
            try:
                async with begin() as connection:
                    await connection.execute(text("SELECT 1"))
            except (OSError, SQLAlchemyError):
                pass  # what whoever asks in a loop catches
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1
    await database.close()


async def stand_still(database: PostgresDatabase, url: str) -> None:
    """Until the server has had enough of it."""
    async with database.writing() as connection:
        own = await connection.scalar(text("SELECT pg_backend_pid()"))
        limit = await connection.scalar(text("SHOW idle_in_transaction_session_timeout"))
        assert limit == "10s"
        await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
        await until_it_is(lambda: has_gone(url, own))
        await connection.execute(text("SELECT 1"))


async def has_gone(url: str, backend: int) -> bool:
    return not await execute(url, "SELECT 1 FROM pg_stat_activity WHERE pid = $1", backend)


async def test_a_writer_who_stands_still_does_not_hold_up_the_others_for_ever(postgres_url):
    database = await open_postgres(address(postgres_url))
    with pytest.raises(SQLAlchemyError):
        await stand_still(database, postgres_url)
    async with database.writing() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1
    await database.close()


async def test_a_reader_cannot_write(postgres_url):
    database = await open_postgres(address(postgres_url))
    async with database.reading() as connection:
        with pytest.raises(DBAPIError, match="read-only"):
            await connection.execute(text("UPDATE key_revision SET revision = 7"))
    await database.close()


@pytest.mark.parametrize(
    ("value", "kept"), [("a\0b", "a\ufffdb"), ("plain", "plain"), (b"\0", b"\0"), (None, None)]
)
def test_text_is_kept_without_a_nul(value, kept):
    assert without_nul(value) == kept
