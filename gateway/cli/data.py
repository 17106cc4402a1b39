"""Open what a gateway keeps in its data folder; whatever keeps us from it is one clear line."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.output import note

if TYPE_CHECKING:
    from gateway.store.database import Database
    from gateway.store.ledger import Ledger


@asynccontextmanager
async def opened_database(folder: Path) -> AsyncGenerator["Database"]:
    """The database of a data folder that a gateway has used before.

    Raises `CommandFailed` (data) where there is none, or it cannot be used: a mistyped folder must
    not become a new one, with keys that no gateway knows.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from gateway.store.database import FILE_NAME, StoreError, open_database

    if not (folder / FILE_NAME).is_file():
        raise CommandFailed(
            f"no gateway has run on the data folder {folder} yet: start one with gatehouse up, "
            "or name its folder with --data",
            Exit.DATA,
        )
    try:
        database = open_database(folder)
    except StoreError as error:
        raise CommandFailed(str(error), Exit.DATA) from error
    try:
        yield database
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or type(error).__name__
        raise CommandFailed(
            f"the ledger in {folder} cannot be used: {cause}; try again", Exit.DATA
        ) from error
    finally:
        await database.close()


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
    from gateway.store.database import FILE_NAME
    from gateway.store.lane import take_over_journal

    async with opened_database(folder) as database:
        try:
            take_over_journal(folder / FILE_NAME)
        except DataFolderInUse:
            pass  # a running gateway brings them over itself, at once
        except (LaneRefused, OSError) as error:
            note(f"The newest records may be missing: the journal cannot be taken over ({error}).")
        yield database
