"""The data folder's database opens at the newest schema, or says why it does not."""

import re
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from gateway.store.newest import SCRIPT
from gateway.store.schema import REVISIONS, SchemaTooNew, StoreError, migrations
from gateway.store.sqlite import open_sqlite
from tests.fakes.ledger import a_ledger_in


@contextmanager
def raw(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / "gatehouse.db")) as connection, connection:
        yield connection


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_first_start_makes_a_folder_and_a_file_for_their_owner_only(tmp_path):
    database = open_sqlite(tmp_path / "new" / "data")
    await database.close()
    assert mode_of(tmp_path / "new" / "data") == 0o700
    assert mode_of(database.file) == 0o600


def an_old_file_in(folder: Path) -> None:
    engine = create_engine(f"sqlite:///{folder / 'gatehouse.db'}")
    with engine.begin() as connection:
        command.upgrade(migrations(connection), REVISIONS[0])
    engine.dispose()


@pytest.mark.parametrize("is_new", [True, False])
async def test_many_that_start_at_once_find_one_newest_schema(tmp_path, is_new):
    if not is_new:
        an_old_file_in(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(open_sqlite, [tmp_path] * 8))
    for database in opened:
        await database.close()
    with raw(tmp_path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            (REVISIONS[-1],)
        ]
        assert sorted(names_in(connection)) == sorted(names_made_by(SCRIPT))


def names_in(connection: sqlite3.Connection) -> list[str]:
    made = connection.execute("SELECT name FROM sqlite_master WHERE sql NOT NULL")
    return [str(name) for (name,) in made]


def names_made_by(script: Path) -> list[str]:
    return re.findall(
        r"^CREATE (?:UNIQUE )?(?:TABLE|INDEX|TRIGGER) \"?(\w+)", script.read_text(), re.M
    )


async def test_a_schema_newer_than_the_code_is_refused(tmp_path):
    await open_sqlite(tmp_path).close()
    with raw(tmp_path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match=r"newer Gatehouse \(schema 9999"):
        open_sqlite(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "gatehouse.db").write_bytes(b"a letter to grandmother " * 100)
    with pytest.raises(StoreError, match="is not a Gatehouse database"):
        open_sqlite(tmp_path)


def test_somebody_elses_tables_are_left_alone(tmp_path):
    with raw(tmp_path) as connection:
        connection.execute("CREATE TABLE audit_body (mine TEXT)")
    with pytest.raises(StoreError, match="cannot migrate"):
        open_sqlite(tmp_path)
    with raw(tmp_path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        assert [name for (name,) in tables if name != "alembic_version"] == ["audit_body"]


def test_a_data_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another with --data"):
        open_sqlite(tmp_path / "file" / "data")


async def test_a_new_file_has_pages_that_hold_several_records(tmp_path):
    await open_sqlite(tmp_path).close()
    with raw(tmp_path) as connection:
        assert connection.execute("PRAGMA page_size").fetchone() == (8192,)


async def test_every_commit_is_synced_to_the_disk(tmp_path):
    database = open_sqlite(tmp_path)
    async with database.writing() as connection:
        synchronous = await connection.scalar(text("PRAGMA synchronous"))
        journal = await connection.scalar(text("PRAGMA journal_mode"))
        foreign_keys = await connection.scalar(text("PRAGMA foreign_keys"))
    await database.close()
    assert (synchronous, journal, foreign_keys) == (2, "wal", 1)


async def test_nothing_of_the_ledger_is_put_into_the_machines_temporary_folder(tmp_path):
    database = open_sqlite(tmp_path)
    async with database.writing() as connection:
        in_memory = await connection.scalar(text("PRAGMA temp_store"))
    await database.close()
    assert in_memory == 2


@pytest.mark.parametrize("table", ["audit_leaf", "audit_body"])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET time_unix_us = 0", "DELETE FROM {}", "UPDATE {} SET seq = seq + 1"]
)
async def test_the_ledgers_rows_cannot_be_changed_by_accident(tmp_path, table, change):
    async with a_ledger_in(tmp_path) as folder:
        await folder.write_story()
    with raw(tmp_path) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(change.format(table))
