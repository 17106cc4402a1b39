"""Where the sums of what was used come from: a data folder's ledger, or an admin API."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from gateway.cli.data import opened_whole
from gateway.cli.output import note
from gateway.cli.server import AdminServer
from gateway.cli.times import format_unix_us
from gateway.usage import SUMS, Asked, UsageRow, Used

_WORTH_A_WORD: Final = 100_000  # records, which take some seconds


def sums_of_folder(
    folder: Path, asked: Sequence[Asked], *, anew: bool = False
) -> list[Sequence[UsageRow]]:
    """All groups of each question, by a ledger that is summed to its end first.

    Raises `CommandFailed` as `opened_database` does.
    """
    return asyncio.run(_sums_of_folder(folder, asked, anew))


def sums_of_server(server: AdminServer, asked: Sequence[Asked]) -> list[Sequence[UsageRow]]:
    """All groups of each question, as the admin API tells them. Raises `CommandFailed`."""
    return [list(_groups(server, each)) for each in asked]


def _groups(server: AdminServer, asked: Asked) -> Iterator[UsageRow]:
    wanted = {
        "by": ",".join(asked.by),
        "sort": "name",
        "since": format_unix_us(asked.since_unix_seconds * 1_000_000),
        "until": format_unix_us(asked.until_unix_seconds * 1_000_000),
        "team": asked.team,
        "user": asked.user,
        "model": asked.model,
    }
    for page in server.pages("/usage", **wanted):
        for told in page["groups"]:
            used = Used(**{name: told["used"][name] for name in SUMS})
            yield UsageRow({name: told[name] for name in told if name != "used"}, used)


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
