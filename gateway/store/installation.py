"""What all replicas of an installation have in common, and how one is told that does not."""

import hmac

from sqlalchemy import insert, select

from gateway.store.database import Database
from gateway.store.schema import StoreError
from gateway.store.tables import INSTALLATION

_CHECK = select(INSTALLATION.c.pepper_check)


async def hold_to_pepper(database: Database, check: bytes) -> None:
    """Remember which pepper the keys are made with, and refuse another. `check` tells them apart.

    Raises `StoreError`.
    """
    async with database.reading() as connection:
        known = await connection.scalar(_CHECK)
    if known is None:
        async with database.writing() as connection:
            known = await connection.scalar(_CHECK)  # another replica may have been faster
            if known is None:
                await connection.execute(insert(INSTALLATION).values(id=1, pepper_check=check))
                return
    if not hmac.compare_digest(known, check):
        raise StoreError(
            f"the keys in {database.shown} were made with another pepper than this gateway has, so "
            "it would know none of them. Give it the same as the others (keys.pepper, "
            "GATEHOUSE_PEPPER, GATEHOUSE_PEPPER_FILE, or the file pepper in the data folder); "
            "docs/configuration.md says what to do when it is lost"
        )
