"""Where the sums of what was used come from: a data folder's ledger, or an admin API."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from gateway.cli.data import opened_whole
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.output import note
from gateway.cli.server import AdminServer
from gateway.cli.times import format_unix_us
from gateway.usage import SUMS, Asked, UsageRow, Used

_WORTH_A_WORD: Final = 100_000  # records, which take some seconds


class FolderUsage:
    """By a ledger that is summed to its end first. As `gateway.cli.ports.Usage` says."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sums(self, asked: Sequence[Asked], *, anew: bool = False) -> list[Sequence[UsageRow]]:
        """All groups of each question."""
        return asyncio.run(_sums_of_folder(self._folder, asked, anew))


class ServerUsage:
    """As the admin API tells them. As `gateway.cli.ports.Usage` says."""

    def __init__(self, server: AdminServer) -> None:
        self._server = server

    def sums(self, asked: Sequence[Asked], *, anew: bool = False) -> list[Sequence[UsageRow]]:
        """All groups of each question."""
        if anew:
            raise CommandFailed("--rebuild works on a data folder, not on --server", Exit.USAGE)
        with self._server.understood():
            return [list(_groups(self._server, each)) for each in asked]


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
