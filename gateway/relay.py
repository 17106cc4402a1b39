"""Pass a reply on: bytes out, facts observed, the end held back until the books are closed.

After the first byte there is no fallback and no status. What upstream cut is never made to
look whole; what was whole is released only when `completed` is durable.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator

from gateway.bookkeeping import Books
from gateway.errors import LedgerUnavailable
from gateway.exchange import Outcome
from gateway.inbound import Outbound
from gateway.reply import Reply, StreamedReply
from gateway.wire.base import Event, Wire
from providers.base import Headers
from providers.errors import ProviderError

log = logging.getLogger("gatehouse.relay")

END_MARKER_PATIENCE_SECONDS = 2.0


def reply_headers(reply: Reply) -> Headers:
    """What the caller learns beside the answer: who gave it, and what translation dropped."""
    headers = [(b"x-gatehouse-target", reply.target_name.encode("ascii", "replace"))]
    if reply.dropped:
        headers.append((b"x-gatehouse-dropped", ",".join(reply.dropped).encode("ascii", "replace")))
    return tuple(headers)


async def relay_whole(body: bytes, reply: Reply, books: Books) -> Outbound:
    """Release a non-streamed answer once it is in the ledger. Raises `LedgerUnavailable`."""
    books.exchange.reply_bytes = len(body)
    await books.close(Outcome.COMPLETE, status=200)
    headers = (
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        *reply_headers(reply),
    )
    return Outbound(200, headers, body)


def relay_stream(reply: StreamedReply, wire: Wire, books: Books) -> Outbound:
    """Start passing a stream on."""
    return Outbound(200, reply_headers(reply), _StreamRelay(reply, wire, books).pieces())


class _StreamRelay:
    """One stream on its way to the client."""

    def __init__(self, reply: StreamedReply, wire: Wire, books: Books) -> None:
        self._reply = reply
        self._wire = wire
        self._books = books
        self._held: list[bytes] = []  # from the stop reason on: not before the books are closed
        self._has_end_marker = False
        self._failure: bytes | None = None  # the upstream's own error event

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Whole events, joined as they arrived; then, the books closed, the end."""
        try:
            broken = None
            try:
                async for piece in self._substance():
                    self._books.exchange.reply_bytes += len(piece)
                    yield piece
            except ProviderError as error:
                broken = error
            async for piece in self._ending(broken):
                yield piece
        finally:
            self._books.close_interrupted()
            await self._reply.body.aclose()

    async def _substance(self) -> AsyncGenerator[bytes]:
        events: list[tuple[Event, bytes]] | None = self._reply.opening
        while events is not None:
            passing = self._sort(events)
            if passing:
                yield passing[0] if len(passing) == 1 else b"".join(passing)
            if self._failure is not None or self._has_end_marker:
                return
            events = await self._next_events()

    def _sort(self, events: list[tuple[Event, bytes]]) -> list[bytes]:
        passing: list[bytes] = []
        for kind, event in events:
            if kind is Event.SUBSTANCE or kind is Event.PREAMBLE:
                (self._held if self._held else passing).append(event)
            elif kind is Event.ENDING:
                self._held.append(event)
            elif kind is Event.END:
                self._held.append(event)
                self._has_end_marker = True
            elif kind is Event.FAILURE:
                self._failure = event
                break
        return passing

    async def _next_events(self) -> list[tuple[Event, bytes]] | None:
        if not self._held:
            return await self._reply.next_events()
        # Whole but for its end marker: who forgets that must not keep the client waiting.
        try:
            async with asyncio.timeout(END_MARKER_PATIENCE_SECONDS):
                return await self._reply.next_events()
        except TimeoutError:
            return None

    async def _ending(self, broken: ProviderError | None) -> AsyncGenerator[bytes]:
        if self._failure is not None or not self._reply.observer.facts.is_whole:
            yield await self._cut(broken)
            return
        try:
            await self._books.close(Outcome.COMPLETE, status=200)
        except LedgerUnavailable as error:
            yield self._wire.phrase_cut(error.code, error.message, self._books.exchange.id)
            return
        if not self._has_end_marker:
            self._held.append(self._wire.end_marker)
        yield b"".join(self._held)

    async def _cut(self, broken: ProviderError | None) -> bytes:
        code, message = self._cause(broken)
        log.warning("stream_cut", extra={"audit_id": self._books.exchange.id, "error": code})
        try:
            await self._books.close(Outcome.CUT, status=200, error=code)
        except LedgerUnavailable as error:
            code, message = error.code, error.message
        return self._wire.phrase_cut(code, message, self._books.exchange.id)

    def _cause(self, broken: ProviderError | None) -> tuple[str, str]:
        if self._failure is not None:
            told = self._reply.observer.facts.failure or "no reason given"
            return "upstream_error", f"the model's server broke off its answer: {told}"
        if broken is not None:
            return "upstream_stream_cut", f"the answer broke off: {broken.message}"
        return "upstream_stream_cut", "the answer broke off before it was complete"
