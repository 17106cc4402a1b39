"""The exceptions that a data folder knows of, for commands that explain or check a policy."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.data import opened_database
from gateway.cli.exits import CommandFailed
from gateway.cli.output import note
from gateway.cli.storage import said_of

if TYPE_CHECKING:
    from gateway.store.stored_break_glass import StoredBreakGlass
    from policy.engine import Policy


def known_glasses(folder: Path) -> "Sequence[StoredBreakGlass]":
    """All there have been; none where no gateway has run. Raises `CommandFailed`."""
    from gateway.store.database import FILE_NAME

    if said_of(folder).address is None and not (folder / FILE_NAME).is_file():
        return ()
    return asyncio.run(_stored(folder))


def glasses_told(folder: Path) -> "Sequence[StoredBreakGlass]":
    """The same, for a command that goes on without them where they cannot be read, and says so."""
    try:
        return known_glasses(folder)
    except CommandFailed as failure:
        note(f"Whether a break-glass is open is not known: {failure.message}")
        return ()


def policy_at(policy: "Policy", folder: Path, unix_seconds: int) -> "Policy":
    """The policy with the exceptions that were, or are, open at a moment."""
    from policy.lifting import lifted

    opened = [each.for_policy() for each in glasses_told(folder) if each.opened_unix_us is not None]
    return lifted(policy, [each for each in opened if each.holds_at(unix_seconds)])


async def _stored(folder: Path) -> "Sequence[StoredBreakGlass]":
    from gateway.store.break_glasses import BreakGlasses

    async with opened_database(folder) as database:
        return await BreakGlasses(database).list()
