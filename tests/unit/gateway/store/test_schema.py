"""Every revision can be gone to and back from, on either database, and keeps what is there."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import gateway.store
import gateway.store.session_tables
from gateway.store.changes import Actor
from gateway.store.database import Database
from gateway.store.keys import Keys
from gateway.store.ledger import Ledger
from gateway.store.schema import (
    REVISIONS,
    SchemaTooNew,
    migrations,
    refuse_unknown,
    upgrade,
)
from gateway.store.tables import Base
from tests.unit.gateway.store.test_keys import a_key


def scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(gateway.store.__path__[0]) / "migrations"))


def downgrade(connection: Connection, revision: str) -> None:
    command.downgrade(migrations(connection), revision)


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


async def at(database: Database) -> str:
    async with database.reading() as connection:
        return str(await connection.scalar(text("SELECT version_num FROM alembic_version")))


def test_every_revision_is_listed_in_the_code():
    assert tuple(each.revision for each in scripts().walk_revisions())[::-1] == REVISIONS


async def test_migrations_lead_to_exactly_the_declared_tables(database):
    async with database.writing() as connection:
        assert await connection.run_sync(differences) == []


async def test_every_revision_goes_down_and_up_again_one_by_one(database):
    for revision in (*REVISIONS[-2::-1], "base"):
        async with database.writing() as connection:
            await connection.run_sync(downgrade, revision)
    for revision in REVISIONS:
        async with database.writing() as connection:
            await connection.run_sync(
                lambda each, revision=revision: command.upgrade(migrations(each), revision)
            )
        assert await at(database) == revision
    async with database.writing() as connection:
        assert await connection.run_sync(differences) == []


async def test_what_the_first_schema_knew_is_there_after_going_back_to_it_and_up(database):
    await Keys(database).create(a_key(), b"d" * 32, Actor.os_user("anna"))
    async with database.writing() as connection:
        await connection.run_sync(downgrade, REVISIONS[0])
        await connection.run_sync(upgrade)
    assert await Keys(database).list() == [a_key()]
    (row,) = await Ledger(database).newest(10)
    assert row.kind == "key_created"


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_known_schema_is_no_reason_to_refuse(revision):
    refuse_unknown(revision, "here")


def test_a_newer_schema_is_refused_with_what_to_do():
    with pytest.raises(SchemaTooNew, match=r"here was written by a newer Gatehouse \(schema 9999"):
        refuse_unknown("9999", "here")
