"""One number that grows with each change of who may ask: a running gateway watches it alone."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import KEY_REVISION


async def next_revision(connection: AsyncConnection) -> int:
    """The number of the change that is being written."""
    # The update comes first: it holds the row, so that changes take their numbers in turn.
    await connection.execute(update(KEY_REVISION).values(revision=KEY_REVISION.c.revision + 1))
    return await newest_revision(connection)


async def newest_revision(connection: AsyncConnection) -> int:
    """The number of the last change: one cheap query."""
    return int((await connection.execute(select(KEY_REVISION.c.revision))).scalar_one())
