"""Open what a gateway keeps in its data folder; whatever keeps us from it is one clear line."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.exits import CommandFailed, Exit

if TYPE_CHECKING:
    from gateway.store.database import Database


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
