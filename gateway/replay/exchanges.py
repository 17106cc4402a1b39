"""Put requests and their ends together, as they come from the ledger, and hold few at a time."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from gateway.replay.recorded import (
    RecordedExchange,
    RecordedRequest,
    answered_by,
    decode_request,
)
from gateway.store.traffic import TrafficRow

Pages = AsyncIterator[Sequence[TrafficRow]]


class Exchanges:
    """Makes exchanges of records. Those that have begun and not ended are held until they do.

    `unreadable` counts records that are not what they should be, and ends without a beginning
    (which was before the time that is looked at) are passed over.
    """

    def __init__(self) -> None:
        self.unreadable = 0
        self._open: dict[str, RecordedRequest] = {}

    async def of(self, pages: Pages) -> AsyncIterator[list[RecordedExchange]]:
        """A list for each page, by the time of their ends; last those without an end."""
        async for rows in pages:
            yield [found for row in rows if (found := self._read(row)) is not None]
        yield [RecordedExchange(each) for each in self._open.values()]
        self._open.clear()

    def _read(self, row: TrafficRow) -> RecordedExchange | None:
        try:
            match row.kind:
                case "denied":
                    return RecordedExchange(decode_request(row.body))
                case "admitted":
                    self._open[row.exchange_id] = decode_request(row.body)
                    return None
                case _:
                    return self._ended(row)
        except msgspec.MsgspecError:
            self.unreadable += 1
            return None

    def _ended(self, row: TrafficRow) -> RecordedExchange | None:
        request = self._open.pop(row.exchange_id, None)
        if request is None:
            return None
        target = answered_by(row.body) if row.kind == "completed" else None
        return RecordedExchange(request, target, row.cost_nano_usd or 0)
