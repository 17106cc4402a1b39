"""Read answers whose client has left to their end, where the vendor bills for them anyway."""

import asyncio
import logging
from collections.abc import Coroutine

from gateway.bookkeeping import Books
from gateway.reply import StreamedReply, WholeReply
from providers.errors import ProviderError, ReplyCut

log = logging.getLogger("gatehouse.drain")

DRAIN_SECONDS = 60.0
DRAIN_LIMIT_BYTES = 32 * 1024 * 1024


class Drains:
    """The answers being drained. Each closes its books when it ends, whatever ends it.

    `seconds` and `limit_bytes` bound one drain: what comes later is billed by what was seen.
    """

    def __init__(
        self, *, seconds: float = DRAIN_SECONDS, limit_bytes: int = DRAIN_LIMIT_BYTES
    ) -> None:
        self._seconds = seconds
        self._limit_bytes = limit_bytes
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def adopt_stream(self, reply: StreamedReply, books: Books) -> None:
        """Read the rest of a stream and close its books."""
        self._adopt(self._read_rest(reply), books)

    def adopt_attempt(
        self, attempt: "asyncio.Task[WholeReply | StreamedReply]", books: Books
    ) -> None:
        """Wait for the answer of an attempt under way, read it and close the books."""
        self._adopt(self._finish(attempt), books)

    async def end(self) -> None:
        """Give up what still runs; all books are closed when this returns."""
        for task in tuple(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(tuple(self._running))

    def _adopt(self, work: Coroutine[None, None, None], books: Books) -> None:
        books.hand_over()
        task = asyncio.get_running_loop().create_task(self._drain(work, books))
        self._running.add(task)

        def ended(_: asyncio.Task[None]) -> None:  # also when the task never began
            self._running.discard(task)
            work.close()
            books.close_handed_over()

        task.add_done_callback(ended)

    async def _drain(self, work: Coroutine[None, None, None], books: Books) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await work
        except (TimeoutError, ProviderError) as error:
            log.info("drain_ended_early", extra={"audit_id": books.exchange.id, "why": str(error)})

    async def _finish(self, attempt: "asyncio.Task[WholeReply | StreamedReply]") -> None:
        try:
            reply = await attempt
        finally:
            attempt.cancel()
        if isinstance(reply, StreamedReply):
            await self._read_rest(reply)

    async def _read_rest(self, reply: StreamedReply) -> None:
        left = self._limit_bytes
        try:
            while (events := await reply.next_events()) is not None:
                left -= sum(len(event) for _, event in events)
                if left < 0:
                    raise ReplyCut("the rest is too long to be drained", target=reply.target_name)
        finally:
            await reply.body.aclose()
