"""Where the sums of what was used come from: the ledger of a data folder."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.cli.data import opened_whole
from gateway.cli.output import note
from gateway.usage import Asked, UsageRow

_WORTH_A_WORD: Final = 100_000  # records, which take some seconds


def sums_of_folder(
    folder: Path, asked: Sequence[Asked], *, anew: bool = False
) -> list[Sequence[UsageRow]]:
    """All groups of each question, by a ledger that is summed to its end first.

    Raises `CommandFailed` as `opened_database` does.
    """
    return asyncio.run(_sums_of_folder(folder, asked, anew))


async def _sums_of_folder(
    folder: Path, asked: Sequence[Asked], anew: bool
) -> list[Sequence[UsageRow]]:
    from gateway.store.rollup import Rollup
    from gateway.store.usage import UsageBook

    async with opened_whole(folder) as database:
        rollup = Rollup(database)
        behind = await rollup.behind()
        if anew:
            await rollup.rebuild()
        else:
            if behind > _WORTH_A_WORD:
                note(f"Summing {behind:,} records of the ledger; next time only what is new.")
            await rollup.catch_up()
        book = UsageBook(database)
        return [await book.by_name(each) for each in asked]
