"""The store of one machine: a SQLite file in the data folder, for reading and for small writes."""

import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.store.newest import is_empty, make_newest
from gateway.store.schema import REVISIONS, StoreError, refuse_unknown, upgrade

FILE_NAME = "gatehouse.db"
MIGRATION_LOCK = "migration.lock"
BUSY_TIMEOUT_MS = 3000
PRAGMAS = (
    # Of a new file: a record takes a kilobyte, and filing it a tenth less than on pages of 4 KB.
    "PRAGMA page_size=8192",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # in WAL mode anything less forgets commits at a power cut
    "PRAGMA fullfsync=ON",  # on macOS a plain fsync does not reach the disk; elsewhere no effect
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",  # else pages of the ledger go to /var/tmp, if that can be written
    "PRAGMA journal_size_limit=67108864",  # give back what a long reader made the log grow to
)


def prepare_folder(folder: Path) -> None:
    """Make the data folder (0700) if need be, and see whether it can be written.

    A folder that exists keeps its mode: it may be a mounted volume. Raises `StoreError`.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(folder / MIGRATION_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(
            f"cannot write in the data folder {folder}: {error.strerror}; "
            "choose another with --data or mend its permissions"
        ) from error


def _prepare_file(folder: Path) -> Path:
    """The database file (0600), made if need be; SQLite itself would leave it open to others."""
    prepare_folder(folder)
    file = folder / FILE_NAME
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"cannot open {file}: {error.strerror}") from error
    return file


def open_sqlite(folder: Path) -> "SqliteDatabase":
    """Open the folder's database, made and migrated as needed.

    Safe when several processes do so at once. Raises `StoreError` when the folder cannot be
    written or the file is no database, `SchemaTooNew` when a newer version has migrated it.
    """
    file = _prepare_file(folder)
    if _revision(file) != REVISIONS[-1]:
        with _migration_lock(folder):
            if _revision(file) != REVISIONS[-1]:
                _make_or_migrate(file)
    return SqliteDatabase(file)


class SqliteDatabase:
    """The file behind two engines: a few readers, and writers that queue before it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.shown = str(file)
        self._reader = _async_engine(file, begin="BEGIN", connections=4)
        self._writer = _async_engine(file, begin="BEGIN IMMEDIATE", connections=1)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view: all queries inside see the same moment."""
        async with self._reader.begin() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that holds the write lock from its start; committed at the end."""
        async with self._writer.begin() as connection:
            yield connection

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        await self._reader.dispose()
        await self._writer.dispose()


def _async_engine(file: Path, *, begin: str, connections: int) -> AsyncEngine:
    url = URL.create("sqlite+aiosqlite", database=str(file))
    engine = create_async_engine(url, pool_size=connections, max_overflow=0)
    _configure(engine.sync_engine, begin=begin)
    return engine


def _configure(engine: Engine, *, begin: str) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # The driver's own transactions start at the first write, and lose updates silently.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


def _revision(file: Path) -> str | None:
    """The schema the file is at; None for a new file. Cheap: Alembic is not imported."""
    try:
        with closing(sqlite3.connect(file, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise StoreError(f"cannot open {file}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{file} is not a Gatehouse database: {error}") from error
    if row is not None:
        refuse_unknown(row[0], file)
    return None if row is None else str(row[0])


@contextmanager
def _migration_lock(folder: Path) -> Iterator[None]:
    """Held while the schema changes, so that processes starting together migrate once."""
    descriptor = os.open(folder / MIGRATION_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make_or_migrate(file: Path) -> None:
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            if is_empty(connection):
                for pragma in PRAGMAS:
                    connection.execute(pragma)
                make_newest(connection)
                return
    except sqlite3.Error as error:
        raise StoreError(f"cannot open {file}: {error}") from error
    _migrate(file)


def _migrate(file: Path) -> None:
    engine = create_engine(URL.create("sqlite", database=str(file)))
    _configure(engine, begin="BEGIN IMMEDIATE")
    try:
        with engine.connect() as connection:
            upgrade(connection)
    except DatabaseError as error:
        raise StoreError(f"cannot migrate {file}: {error.orig}") from error
    finally:
        engine.dispose()
