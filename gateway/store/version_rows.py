"""Rows that versions and proposals share: what is in force, a version's files, and transactions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import RowMapping, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.configuration.orders import OrdersUnavailable, VersionNotFound
from gateway.configuration.stored import StoredConfiguration
from gateway.store.database import Database, StoreError
from gateway.store.tables import CONFIGURATION, VERSIONS


@asynccontextmanager
async def reading(database: Database) -> AsyncIterator[AsyncConnection]:
    """A transaction that reads. Raises `OrdersUnavailable` when the database is away."""
    try:
        async with database.reading() as connection:
            yield connection
    except (SQLAlchemyError, StoreError) as error:
        raise OrdersUnavailable(_cause(error)) from error


@asynccontextmanager
async def writing(database: Database) -> AsyncIterator[AsyncConnection]:
    """The transaction of the one writer. Raises `OrdersUnavailable` when the database is away."""
    try:
        async with database.writing() as connection:
            yield connection
    except (SQLAlchemyError, StoreError) as error:
        raise OrdersUnavailable(_cause(error)) from error


async def state_of(connection: AsyncConnection) -> RowMapping:
    """The one row that says what came into force last."""
    return (await connection.execute(select(CONFIGURATION))).mappings().one()


async def in_force(connection: AsyncConnection) -> StoredConfiguration | None:
    """What came into force last; None before the first start."""
    digest = (await state_of(connection))["digest"]
    try:
        return None if digest is None else await stored_version(connection, digest)
    except VersionNotFound:  # damaged; it is still known which one it was
        return StoredConfiguration(digest, None, ())


async def stored_version(connection: AsyncConnection, digest: str) -> StoredConfiguration:
    """The files of a version. Raises `VersionNotFound`."""
    query = select(VERSIONS.c.source, VERSIONS.c.files).where(VERSIONS.c.digest == digest)
    row = (await connection.execute(query)).first()
    if row is None:
        raise VersionNotFound(f"version {digest} is not kept any more")
    try:
        return StoredConfiguration.unpacked(digest, row[0], row[1])
    except (ValueError, TypeError, OSError, EOFError) as error:
        raise VersionNotFound(f"version {digest} cannot be read: {error}") from error


def _cause(error: SQLAlchemyError | StoreError) -> str:
    if isinstance(error, StoreError):
        return str(error)
    return str(getattr(error, "orig", None) or type(error).__name__)
