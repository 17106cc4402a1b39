"""The database opens at the newest schema, whoever comes first, and says why when it does not."""

import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

import gateway.store
from gateway.store.database import REVISIONS, SchemaTooNew, StoreError, open_database
from gateway.store.tables import Base
from tests.fakes.ledger import a_ledger_in

BACK_TO_THE_FIRST = """
    DROP TABLE break_glass;
    ALTER TABLE audit_lane DROP COLUMN purpose;
    ALTER TABLE virtual_key DROP COLUMN lapsed_unix_us;
    ALTER TABLE virtual_key DROP COLUMN successor_id;
    ALTER TABLE virtual_key DROP COLUMN is_service;
    ALTER TABLE virtual_key DROP COLUMN networks;
    ALTER TABLE virtual_key DROP COLUMN models;
    DROP INDEX ix_audit_body_response_id;
    ALTER TABLE audit_body DROP COLUMN response_id;
    UPDATE alembic_version SET version_num = '0001';
"""


@contextmanager
def raw(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / "gatehouse.db")) as connection, connection:
        yield connection


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_first_start_makes_a_folder_and_a_file_for_their_owner_only(tmp_path):
    database = open_database(tmp_path / "new" / "data")
    await database.close()
    assert mode_of(tmp_path / "new" / "data") == 0o700
    assert mode_of(database.file) == 0o600


async def test_migrations_lead_to_exactly_the_declared_tables(tmp_path):
    await open_database(tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'gatehouse.db'}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    engine.dispose()
    assert differences == []


def test_every_migration_is_listed_in_the_code():
    scripts = ScriptDirectory(str(Path(gateway.store.__path__[0]) / "migrations"))
    assert tuple(each.revision for each in scripts.walk_revisions())[::-1] == REVISIONS


async def test_a_ledger_of_the_first_schema_goes_on_with_its_rows(tmp_path):
    async with a_ledger_in(tmp_path) as folder:
        audit_id = await folder.write_story()
    with raw(tmp_path) as connection:
        connection.executescript(BACK_TO_THE_FIRST)
    async with a_ledger_in(tmp_path) as folder:
        await folder.write_story(response_id="resp_1")
        assert await folder.ledger.origin_of("resp_1") is not None
        kinds = [row.kind for row in await folder.ledger.exchange(audit_id)]
    assert kinds == ["admitted", "attempted", "completed"]


async def test_many_that_start_at_once_migrate_once(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(open_database, [tmp_path] * 8))
    for database in opened:
        await database.close()
    with raw(tmp_path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            (REVISIONS[-1],)
        ]


async def test_a_schema_newer_than_the_code_is_refused(tmp_path):
    await open_database(tmp_path).close()
    with raw(tmp_path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match=r"newer Gatehouse \(schema 9999"):
        open_database(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "gatehouse.db").write_bytes(b"a letter to grandmother " * 100)
    with pytest.raises(StoreError, match="is not a Gatehouse database"):
        open_database(tmp_path)


def test_somebody_elses_tables_are_left_alone(tmp_path):
    with raw(tmp_path) as connection:
        connection.execute("CREATE TABLE audit_body (mine TEXT)")
    with pytest.raises(StoreError, match="cannot migrate"):
        open_database(tmp_path)
    with raw(tmp_path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        assert [name for (name,) in tables if name != "alembic_version"] == ["audit_body"]


def test_a_data_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another with --data"):
        open_database(tmp_path / "file" / "data")


async def test_a_new_file_has_pages_that_hold_several_records(tmp_path):
    await open_database(tmp_path).close()
    with raw(tmp_path) as connection:
        assert connection.execute("PRAGMA page_size").fetchone() == (8192,)


async def test_every_commit_is_synced_to_the_disk(tmp_path):
    database = open_database(tmp_path)
    async with database.writing() as connection:
        synchronous = await connection.scalar(text("PRAGMA synchronous"))
        journal = await connection.scalar(text("PRAGMA journal_mode"))
        foreign_keys = await connection.scalar(text("PRAGMA foreign_keys"))
    await database.close()
    assert (synchronous, journal, foreign_keys) == (2, "wal", 1)


async def test_a_writing_transaction_that_fails_leaves_nothing(tmp_path):
    database = open_database(tmp_path)

    async def change_and_fail() -> None:
        async with database.writing() as connection:
            await connection.execute(text("UPDATE key_revision SET revision = 7"))
            raise KeyError

    with pytest.raises(KeyError):
        await change_and_fail()
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT revision FROM key_revision")) == 0
    await database.close()


@pytest.mark.parametrize("table", ["audit_leaf", "audit_body"])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET time_unix_us = 0", "DELETE FROM {}", "UPDATE {} SET seq = seq + 1"]
)
async def test_the_ledgers_rows_cannot_be_changed_by_accident(tmp_path, table, change):
    async with a_ledger_in(tmp_path) as folder:
        await folder.write_story()
    with raw(tmp_path) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(change.format(table))
