"""Pass a reply on: bytes out, facts observed, the end held back until the books are closed.

After the first byte there is no fallback and no status. What upstream cut is never made to
look whole; what was whole is released only when `completed` is durable.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from urllib.parse import quote

from gateway.bookkeeping import Books
from gateway.drain import Drains
from gateway.errors import LedgerUnavailable
from gateway.exchange import Outcome
from gateway.inbound import Outbound, WriteNow
from gateway.notes import Note
from gateway.reply import Events, Reply, StreamedReply
from gateway.wire.base import Event, Wire
from gateway.wire.note_form import StreamNote
from providers.base import Headers, PushedStream
from providers.errors import ProviderError

log = logging.getLogger("gatehouse.relay")

WARNING_HEADER = b"x-gatehouse-warning"
_MOST_WARNINGS = 4  # the ledger has them all: clients refuse answers with too large a head
_MOST_WARNING_CHARACTERS = 300
ENDING_SECONDS = 2.0
HELD_LIMIT_BYTES = 1024 * 1024
"""Between stop reason and end marker come a usage chunk and little else: no more is waited for."""

_NOT_PASSED_ON = (Event.WITHHELD, Event.FAILURE)

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def reply_headers(reply: Reply, warnings: Sequence[str]) -> Headers:
    """What the caller learns beside the answer: who gave it, what translation dropped, and what
    policy warns of."""
    headers = [(b"x-gatehouse-target", reply.target_name.encode("ascii", "replace"))]
    if reply.dropped:
        headers.append((b"x-gatehouse-dropped", ",".join(reply.dropped).encode("ascii", "replace")))
    if warnings:
        headers += [(WARNING_HEADER, header_text(each)) for each in warnings[:_MOST_WARNINGS]]
    return tuple(headers)


def header_text(text: str) -> bytes:
    """A text as a header's value: what is no printable ASCII, and `%`, percent-encoded as UTF-8."""
    return quote(text[:_MOST_WARNING_CHARACTERS], safe=_PRINTABLE).encode("ascii")


async def relay_whole(
    body: bytes, reply: Reply, books: Books, note: Note | None = None
) -> Outbound:
    """Release a non-streamed answer once it is in the ledger. Raises `LedgerUnavailable`."""
    if note is not None:
        body = note.into_document(body)
    books.exchange.reply_bytes = len(body)
    await books.close(Outcome.COMPLETE, status=200)
    headers = (
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        *reply_headers(reply, books.allow.warnings),
    )
    return Outbound(200, headers, body)


def relay_stream(
    reply: StreamedReply, wire: Wire, books: Books, drains: Drains, note: Note | None = None
) -> Outbound:
    """Start passing a stream on."""
    relay = StreamRelay(reply, wire, books, drains, None if note is None else note.into_stream())
    return Outbound(200, reply_headers(reply, books.allow.warnings), relay)


class StreamRelay:
    """One stream on its way to the client: whole events, joined as they arrived; then, the books
    closed, the end."""

    def __init__(
        self,
        reply: StreamedReply,
        wire: Wire,
        books: Books,
        drains: Drains,
        note: StreamNote | None = None,
    ) -> None:
        self._reply = reply
        self._wire = wire
        self._books = books
        self._drains = drains
        self._note = note  # until nothing that comes has to be changed for it
        self._held: list[bytes] = []  # from the stop reason on: not before the books are closed
        self._held_bytes = 0
        self._give_up_at: float | None = None  # on the loop's clock, once the stop reason is held
        self._has_end_marker = False
        self._failure: bytes | None = None  # the upstream's own error event
        self._pushing: tuple[PushedStream, WriteNow] | None = None
        self._pieces = self._relay()

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces, once."""
        return self._pieces

    def prefer(self, write_now: WriteNow) -> None:
        """Pass pieces on through `write_now` while nothing is held (`gateway.inbound.Pieces`)."""
        if isinstance(self._reply.body, PushedStream):
            self._pushing = self._reply.body, write_now

    async def aclose(self) -> None:
        """Close the books if nobody did, and hang up: also before the first piece was asked for."""
        await self._pieces.aclose()
        if self._books.must_drain():
            self._drains.adopt_stream(self._reply, self._books)
            return
        try:
            self._books.close_interrupted()
        finally:
            await self._reply.body.aclose()

    async def _relay(self) -> AsyncGenerator[bytes]:
        broken = None
        try:
            async for piece in self._substance():
                self._books.exchange.reply_bytes += len(piece)
                yield piece
        except ProviderError as error:
            broken = error
        async for piece in self._ending(broken):
            yield piece

    async def _substance(self) -> AsyncGenerator[bytes]:
        events: Events | None = self._reply.opening
        while events is not None:
            piece = self._passing(events)
            while piece:
                yield piece
                piece = await self._push()
            if self._failure is not None or self._has_end_marker:
                return
            if self._held_bytes > HELD_LIMIT_BYTES:
                return
            events = await self._next_events()

    async def _push(self) -> bytes:
        """Pass on what arrives by `write_now` for as long as that is all there is to do; then
        the piece that it did not take, if there is one."""
        if self._pushing is None or self._held or self._failure is not None:
            return b""
        body, write_now = self._pushing
        reply, exchange = self._reply, self._books.exchange
        splitter, observer, is_growing = reply.splitter, reply.observer, self._books.is_growing
        untaken = b""

        def take(data: bytes) -> bool:
            nonlocal untaken
            if not splitter.rest and observer.repeats(data):  # one more event of words
                if is_growing:
                    self._books.top_up()
                piece = data
            else:
                piece = self._passing(reply.events_in(data))
            if piece:
                if not write_now(piece):
                    untaken = piece
                    return False
                exchange.reply_bytes += len(piece)
            return not self._held and self._failure is None

        await body.push_to(take)
        return untaken

    def _passing(self, events: Events) -> bytes:
        passing = self._sort(events)
        self._books.top_up()
        return passing[0] if len(passing) == 1 else b"".join(passing)

    def _sort(self, events: Events) -> list[bytes]:
        passing: list[bytes] = []
        for kind, event in events if self._note is None else self._noted(events, self._note):
            if kind is Event.SUBSTANCE or kind is Event.PREAMBLE:
                if self._held:
                    self._hold(event)
                else:
                    passing.append(event)
            elif kind is Event.ENDING:
                self._hold(event)
            elif kind is Event.END:
                self._hold(event)
                self._has_end_marker = True
            elif kind is Event.FAILURE:
                self._failure = event
                break
        return passing

    def _noted(self, events: Events, note: StreamNote) -> Events:
        noted = [
            (kind, event if note.is_over or kind in _NOT_PASSED_ON else note.pass_on(event))
            for kind, event in events
        ]
        if note.is_over:
            self._note = None
        return noted

    def _hold(self, event: bytes) -> None:
        self._held.append(event)
        self._held_bytes += len(event)

    async def _next_events(self) -> list[tuple[Event, bytes]] | None:
        if not self._held:
            return await self._reply.next_events()
        # Whole but for its end marker: who forgets that must not keep the client waiting.
        if self._give_up_at is None:
            self._give_up_at = asyncio.get_running_loop().time() + ENDING_SECONDS
        try:
            async with asyncio.timeout_at(self._give_up_at):
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
            yield self._phrase_cut(error.code, error.message)
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
        return self._phrase_cut(code, message)

    def _phrase_cut(self, code: str, message: str) -> bytes:
        seen = self._reply.observer.facts
        return self._wire.phrase_cut(code, message, self._books.exchange.id, seen)

    def _cause(self, broken: ProviderError | None) -> tuple[str, str]:
        if self._failure is not None:
            told = self._reply.observer.facts.failure or "no reason given"
            return "upstream_error", f"the model's server broke off its answer: {told}"
        if broken is not None:
            return "upstream_stream_cut", f"the answer broke off: {broken.message}"
        return "upstream_stream_cut", "the answer broke off before it was complete"
