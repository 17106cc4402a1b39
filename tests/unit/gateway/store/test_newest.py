"""A new file is made by one script, and is what the migrations would have made of it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from gateway.store.newest import SCRIPT, is_empty, make_newest, migrated, script_of
from gateway.store.schema import REVISIONS, upgrade


@pytest.fixture
def new() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def test_the_script_is_what_the_migrations_lead_to() -> None:
    """After a new migration: `python -m gateway.store.newest`."""
    assert SCRIPT.read_text() == migrated()


def test_the_script_makes_what_it_was_taken_from(new: sqlite3.Connection) -> None:
    assert is_empty(new)
    make_newest(new)
    assert not is_empty(new)
    assert script_of(new) == SCRIPT.read_text()


def test_it_is_at_the_newest_revision_so_that_no_migration_runs(tmp_path: Path) -> None:
    file = tmp_path / "gatehouse.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        make_newest(connection)
    with create_engine(f"sqlite:///{file}").begin() as connection:
        upgrade(connection)
    with closing(sqlite3.connect(file)) as connection:
        versions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        assert versions == [(REVISIONS[-1],)]
        assert script_of(connection) == SCRIPT.read_text()


def test_half_a_script_makes_nothing(new: sqlite3.Connection, monkeypatch, tmp_path) -> None:
    broken = tmp_path / "broken.sql"
    broken.write_text(SCRIPT.read_text().replace("CREATE INDEX", "CREATE NONSENSE", 1))
    monkeypatch.setattr("gateway.store.newest.SCRIPT", broken)
    with pytest.raises(sqlite3.OperationalError, match="NONSENSE"):
        make_newest(new)
    new.execute("ROLLBACK")
    assert is_empty(new)
