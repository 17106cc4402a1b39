"""The ledger of a data folder, also while a gateway writes to it."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.cli.data import opened_ledger
from gateway.cli.exits import CommandFailed, Exit

if TYPE_CHECKING:
    from gateway.cli.ports import Told
    from gateway.store.ledger import Ledger, LedgerRow, Search

POLL_SECONDS: Final = 0.25
_PAGE_RECORDS: Final = 500


class FolderLedger:
    """As `gateway.cli.ports.Records` says."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def newest(self, count: int, search: "Search") -> "Sequence[LedgerRow]":
        """The newest that match, oldest of them first."""
        return asyncio.run(self._newest(count, search))

    def story(self, audit_id: str) -> "Sequence[LedgerRow]":
        """Every record of one exchange, or of what became of a key or an exception."""
        return asyncio.run(self._story(audit_id))

    def tail(self, count: int, told: "Told", *, is_followed: bool) -> None:
        """Tell the newest, and then, where it is followed, for ever what comes."""
        asyncio.run(self._tail(count, told, is_followed))

    async def _newest(self, count: int, search: "Search") -> "Sequence[LedgerRow]":
        async with opened_ledger(self._folder) as ledger:
            return await ledger.newest(count, search)

    async def _story(self, audit_id: str) -> "Sequence[LedgerRow]":
        from gateway.store.ledger import AmbiguousAuditId, ExchangeNotFound

        async with opened_ledger(self._folder) as ledger:
            try:
                return await ledger.exchange(audit_id)
            except (AmbiguousAuditId, ExchangeNotFound) as error:
                raise CommandFailed(str(error), Exit.NOT_FOUND) from error

    async def _tail(self, count: int, told: "Told", is_followed: bool) -> None:
        async with opened_ledger(self._folder) as ledger:
            position = dict(await ledger.end())
            rows = await ledger.newest(count) if count else []
            told(rows)
            # What was written between the two questions has been told.
            position |= {row.lane: row.seq for row in rows if row.seq > position.get(row.lane, 0)}
            if is_followed:
                await _follow(ledger, position, told)


async def _follow(ledger: "Ledger", position: Mapping[str, int], told: "Told") -> None:
    while True:
        rows, position = await ledger.after(position, _PAGE_RECORDS)
        told(rows)
        if len(rows) < _PAGE_RECORDS:
            await asyncio.sleep(POLL_SECONDS)
