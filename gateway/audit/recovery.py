"""At start, give an end to every exchange that a process before us admitted and did not close."""

import asyncio
from typing import Protocol

from gateway.audit.lost import LostExchange
from gateway.audit.record import RecordBody, Records

PAGE = 500


class LostAndFound(Protocol):
    """What recovery asks of the ledger's reading side (`gateway.store.ledger.Ledger`)."""

    async def open_exchanges(self, limit: int, *, but_lane: str = "") -> list[LostExchange]:
        """Admitted exchanges without an end, but for those of one lane."""
        ...

    async def mark_settled(self, *, but_lane: str) -> None:
        """Note that the other lanes need not be looked at again."""
        ...


class Appender(Protocol):
    """What recovery asks of the writer (`gateway.audit.writer.LedgerWriter`)."""

    lane: str

    def append(self, body: RecordBody) -> asyncio.Future[None]:
        """Make a record durable."""
        ...

    async def flush(self) -> None:
        """Let those who read the ledger find what was appended."""
        ...


async def recover(ledger: LostAndFound, writer: Appender, records: Records) -> int:
    """Write an `unknown` end for each open exchange of earlier lanes; returns how many.

    The caller holds the `LedgerLock`, so nobody else is serving those exchanges. Safe to kill at
    any point: what has its end is not found again. Raises `LedgerUnavailable`.
    """
    recovered = 0
    while lost := await ledger.open_exchanges(PAGE, but_lane=writer.lane):
        await asyncio.gather(*[writer.append(records.unknown(each)) for each in lost])
        await writer.flush()
        recovered += len(lost)
    await ledger.mark_settled(but_lane=writer.lane)
    return recovered
