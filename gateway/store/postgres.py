"""The store of many replicas: a PostgreSQL database, for reading and for small writes."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import asyncpg
from sqlalchemy import Connection, event, text
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from gateway.database_address import DatabaseAddress
from gateway.store.postgres_errors import explained, unfit
from gateway.store.schema import REVISIONS, StoreError, refuse_unknown, upgrade

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 30.0
MIGRATION_SECONDS = 3600.0  # of one statement: a large ledger takes long to be indexed
READERS = 4

# Advisory locks of this database. All of them end with their transaction, never with a session:
# a pooler such as PgBouncer may give each transaction another one.
WRITER_LOCK = 0x6761746500000001
MIGRATION_LOCK = 0x6761746500000002

# A writer waits for the one before it as long as on SQLite. One that stops within its transaction,
# or whose machine is gone, holds up the others no longer than this.
_BEGIN_WRITING = text(
    "SELECT set_config('lock_timeout', '3s', true),"
    " set_config('idle_in_transaction_session_timeout', '10s', true),"
    f" pg_advisory_xact_lock({WRITER_LOCK})"
)
_BEGIN_MIGRATING = text(
    f"SELECT set_config('lock_timeout', '60s', true), pg_advisory_xact_lock({MIGRATION_LOCK})"
)


FAILURES: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # raised where the server ends an idle connection just now
    OSError,
)
"""What the driver raises when the database refuses, or is gone."""


async def connect(
    address: DatabaseAddress, command_seconds: float | None = None
) -> asyncpg.Connection:
    """A connection of its own. Raises `StoreUnreachable` in words for an operator."""
    within = command_seconds or COMMAND_SECONDS
    try:
        return await asyncpg.connect(
            address.url.reveal(), timeout=CONNECT_SECONDS, command_timeout=within
        )
    except (*FAILURES, ValueError) as error:
        raise explained(error, address) from error


async def open_postgres(address: DatabaseAddress) -> "PostgresDatabase":
    """Open the database, migrated as needed. Safe when several replicas do so at once.

    Raises `StoreError` when it cannot be reached or is not fit to keep a ledger, `SchemaTooNew`
    when a newer version has migrated it.
    """
    if await _fit_revision(address) != REVISIONS[-1]:
        await _migrate(address)
    return PostgresDatabase(address)


async def is_in_use(address: DatabaseAddress) -> bool:
    """Whether a gateway has ever kept its state there. Raises `StoreError` as `open_postgres`."""
    return await _fit_revision(address) is not None


class PostgresDatabase:
    """The database behind two engines: a few readers, and writers that queue before it."""

    def __init__(self, address: DatabaseAddress) -> None:
        self.address = address
        self.shown = address.shown
        self._readers = _engine(address, connections=READERS)
        self._reader = self._readers.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._writer = _engine(address, connections=1)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view: all queries inside see the same moment."""
        with self._translated():
            async with self._reader.begin() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction of the one writer there is, of all replicas; committed at the end."""
        with self._translated():
            async with self._writer.begin() as connection:
                await connection.execute(_BEGIN_WRITING)
                yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """What SQLAlchemy passes on untranslated is an `OSError` like every loss of a device."""
        try:
            yield
        except asyncpg.InternalClientError as error:
            raise explained(error, self.address) from error

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        await self._readers.dispose()
        await self._writer.dispose()


def _engine(address: DatabaseAddress, *, connections: int) -> AsyncEngine:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: connect(address),
        pool_pre_ping=True,  # after a restart of the database the first query works again
        pool_size=connections,
        max_overflow=0,
    )
    event.listen(engine.sync_engine, "before_cursor_execute", _without_nul, retval=True)
    return engine


def _without_nul(
    _connection: Connection,
    _cursor: DBAPICursor,
    statement: str,
    parameters: object,
    _context: ExecutionContext | None,
    is_many: bool,
) -> tuple[str, object]:
    """PostgreSQL has no text with a NUL in it, so none is kept, and none is ever found."""
    if is_many and isinstance(parameters, list):
        return statement, [_cleaned(each) for each in parameters]
    return statement, _cleaned(parameters)


def _cleaned(parameters: object) -> object:
    if not isinstance(parameters, tuple):
        return parameters
    return tuple(without_nul(each) for each in parameters)


def without_nul(value: object) -> object:
    """A value as PostgreSQL can keep it."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value


async def _fit_revision(address: DatabaseAddress) -> str | None:
    """The schema the database is at; None where no gateway has been. Raises `StoreError`."""
    connection = await connect(address)
    try:
        if (reason := unfit(await connection.fetchrow(_FITNESS), address)) is not None:
            raise reason
        found = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    except FAILURES as error:
        raise explained(error, address) from error
    finally:
        await connection.close()
    if found is not None:
        refuse_unknown(found, address.shown)
    return None if found is None else str(found)


_FITNESS = """
SELECT current_setting('server_version_num')::int AS version,
       current_setting('server_encoding') AS encoding,
       current_setting('synchronous_commit') AS synchronous_commit,
       pg_is_in_recovery() AS is_standby,
       current_setting('transaction_read_only') = 'on' AS is_read_only
"""


async def _migrate(address: DatabaseAddress) -> None:
    """One replica does; the others wait until it has, and find nothing left to do."""
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: connect(address, MIGRATION_SECONDS),
        poolclass=NullPool,
    )
    try:
        async with engine.begin() as connection:
            await connection.execute(_BEGIN_MIGRATING)
            await connection.run_sync(upgrade)
    except DBAPIError as error:
        reason = getattr(error.orig, "__cause__", None) or error.orig
        raise StoreError(f"cannot migrate {address.shown}: {reason}") from error
    except (TimeoutError, asyncpg.InternalClientError) as error:  # SQLAlchemy passes them on
        raise explained(error, address) from error
    finally:
        await engine.dispose()
