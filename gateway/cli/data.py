"""Open what a gateway keeps; whatever keeps us from it is one clear line."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.output import note
from gateway.cli.storage import said_of

if TYPE_CHECKING:
    from gateway.database_address import DatabaseAddress
    from gateway.store.database import Database
    from gateway.store.ledger import Ledger


@asynccontextmanager
async def opened_database(folder: Path) -> AsyncGenerator["Database"]:
    """The database of a data folder, or the one named for it, that a gateway has used before.

    Raises `CommandFailed` (data) where there is none, or it cannot be used: a mistyped folder must
    not become a new one, with keys that no gateway knows.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from gateway.store.database import StoreError

    database = await _opened(folder, said_of(folder).address)
    try:
        yield database
    except StoreError as error:
        raise CommandFailed(str(error), Exit.DATA) from error
    except (SQLAlchemyError, TimeoutError) as error:
        cause = getattr(error, "orig", None) or type(error).__name__
        raise CommandFailed(
            f"the ledger in {database.shown} cannot be used: {cause}; try again", Exit.DATA
        ) from error
    finally:
        await database.close()


async def _opened(folder: Path, address: "DatabaseAddress | None") -> "Database":
    """Raises `CommandFailed`."""
    from gateway.store.database import StoreError, open_store

    if address is None and not has_database(folder):
        raise CommandFailed(
            f"no gateway has run on the data folder {folder} yet: start one with gatehouse up, "
            "or name its folder with --data",
            Exit.DATA,
        )
    try:
        if address is not None and not await _is_in_use(address):
            raise CommandFailed(
                f"no gateway has kept anything in {address.shown} yet: start one with gatehouse "
                "up, or name its database",
                Exit.DATA,
            )
        return await open_store(folder, address)
    except StoreError as error:
        raise CommandFailed(str(error), Exit.DATA) from error


def has_database(folder: Path) -> bool:
    """Whether an embedded database is there. Raises `CommandFailed` where nobody lets us see."""
    from gateway.store.database import FILE_NAME

    try:
        return (folder / FILE_NAME).is_file()
    except OSError as error:
        raise CommandFailed(
            f"cannot look into the data folder {folder}: {error.strerror or error}; run this "
            "as who runs the gateway, or name another with --data",
            Exit.DATA,
        ) from error


async def _is_in_use(address: "DatabaseAddress") -> bool:
    from gateway.store.postgres import is_in_use

    return await is_in_use(address)


@asynccontextmanager
async def opened_ledger(folder: Path) -> AsyncGenerator["Ledger"]:
    """The ledger of a data folder, with the newest records of a gateway that died.

    Raises `CommandFailed` as `opened_database` does.
    """
    from gateway.store.ledger import Ledger

    async with opened_whole(folder) as database:
        yield Ledger(database)


@asynccontextmanager
async def opened_whole(folder: Path) -> AsyncGenerator["Database"]:
    """The database of a data folder, with the newest records of a gateway that died.

    Raises `CommandFailed` as `opened_database` does.
    """
    from gateway.audit.filing import LaneRefused
    from gateway.audit.lock import DataFolderInUse

    async with opened_database(folder) as database:
        try:
            await _take_over_journal(folder)
        except DataFolderInUse:
            pass  # a running gateway brings them over itself, at once
        except (LaneRefused, OSError) as error:
            note(f"The newest records may be missing: the journal cannot be taken over ({error}).")
        yield database


async def _take_over_journal(folder: Path) -> None:
    """Raises `DataFolderInUse`, `LaneRefused` or `OSError`."""
    from gateway.store.database import FILE_NAME
    from gateway.store.lane import take_over_journal

    address = said_of(folder).address
    if address is None:
        take_over_journal(folder / FILE_NAME)
        return
    from gateway.store import postgres_lane

    await postgres_lane.take_over_journal(folder, address)
