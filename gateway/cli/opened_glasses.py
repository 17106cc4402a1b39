"""The exceptions that a data folder knows of, for commands that explain or check a policy."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.data import opened_database

if TYPE_CHECKING:
    from gateway.store.stored_break_glass import StoredBreakGlass
    from policy.engine import Policy


def known_glasses(folder: Path) -> "Sequence[StoredBreakGlass]":
    """All there have been; none where no gateway has run on the folder."""
    from gateway.store.database import FILE_NAME

    return asyncio.run(_stored(folder)) if (folder / FILE_NAME).is_file() else ()


def policy_at(policy: "Policy", folder: Path, unix_seconds: int) -> "Policy":
    """The policy with the exceptions that were, or are, open at a moment."""
    from policy.lifting import lifted

    opened = [
        glass.for_policy() for glass in known_glasses(folder) if glass.opened_unix_us is not None
    ]
    return lifted(policy, [each for each in opened if each.holds_at(unix_seconds)])


async def _stored(folder: Path) -> "Sequence[StoredBreakGlass]":
    from gateway.store.break_glasses import BreakGlasses

    async with opened_database(folder) as database:
        return await BreakGlasses(database).list()
