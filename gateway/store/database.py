"""The database behind one port, whichever it is: a file on this machine, or PostgreSQL."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database_address import DatabaseAddress
from gateway.store.schema import REVISIONS, SchemaTooNew, StoreError
from gateway.store.sqlite import FILE_NAME, open_sqlite

__all__ = [
    "FILE_NAME",
    "REVISIONS",
    "Database",
    "SchemaTooNew",
    "StoreError",
    "open_database",
    "open_store",
]

open_database = open_sqlite
"""The store of one machine."""


async def open_store(folder: Path, address: DatabaseAddress | None) -> "Database":
    """Open the database at the address, or, without one, that of the data folder.

    Made and migrated as needed, safe when several do so at once. Raises `StoreError`, or
    `SchemaTooNew` when a newer version has migrated it.
    """
    if address is None:
        return await asyncio.to_thread(open_sqlite, folder)
    from gateway.store.postgres import open_postgres  # its driver is loaded where it is used

    return await open_postgres(address)


class Database(Protocol):
    """Where the small tables and the ledger are. `shown` is what messages call it."""

    shown: str

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A consistent view: all queries inside see the same moment."""
        ...

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction whose holder alone, of all processes, writes; committed at the end.

        Only the lanes of the ledger are written beside it, each by its own writer.
        """
        ...

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        ...
