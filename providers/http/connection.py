"""One connection: a request at a time, its reply pushed to whoever reads, every end told apart."""

import asyncio
from typing import Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from providers.errors import ProviderError, ProviderTimeout, ProviderUnavailable, ReplyCut
from providers.http.reply import PAUSE_ABOVE_BYTES, ReplyBody, Timeouts

MAX_HEAD_BYTES = 64 * 1024
ONE_WRITE_BYTES = 64 * 1024
SLICE_BYTES = 256 * 1024

FRAMING_HEADERS = frozenset((b"content-length", b"transfer-encoding"))
CLOSED_BEFORE_ANSWERING = "the model's server closed the connection before answering"


class Keeper(Protocol):
    """Who is told when a connection is free again, or gone."""

    def give(self, connection: "Connection") -> None:
        """The reply is complete and the connection may carry another request."""
        ...

    def forget(self, connection: "Connection") -> None:
        """The connection is gone. May be told more than once."""
        ...


class Connection(asyncio.Protocol):
    """A connection to `origin_name`, fed by the event loop.

    `idle_since` is the loop's time when it last became free. `hung_up` says that a kept
    connection ended before any byte of the reply to its newest request.
    """

    def __init__(self, keeper: Keeper, origin_name: str, loop: asyncio.AbstractEventLoop) -> None:
        self.origin_name = origin_name
        self.idle_since = 0.0
        self.is_open = False
        self.hung_up = False
        self._keeper = keeper
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._arrived: list[bytes] = []  # of a body, framing taken off, in the read under way
        self.on_body = self._arrived.append  # told by the parser: no call of ours for each chunk
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._reply: ReplyBody | None = None
        self._timeouts = Timeouts()
        self._was_used = False
        self._heard = False  # bytes moved since the last sweep
        self._silent_since = 0.0
        self._asked_at = 0.0  # when the request was out; 0 while it is being written
        self._received_bytes = 0  # before the reply's head was complete
        self._header_bytes = 0
        self._is_interim = False
        self._ends_by_close = False
        self._stays_open = False
        self._spoke_again = False
        self._reading_paused = False
        self._writing_paused = False

    async def ask(self, head: bytes, body: bytes, timeouts: Timeouts, target: str) -> ReplyBody:
        """Write a request and wait for its reply's head, nothing more.

        Raises `ProviderUnavailable` or `ProviderTimeout`; whatever ends the wait, cancellation
        too, closes the connection.
        """
        transport = self._transport
        if transport is None or not self.is_open:
            raise ProviderUnavailable(CLOSED_BEFORE_ANSWERING, target=target)
        reply = self._reply = ReplyBody(self, self._loop, target)
        self._timeouts = timeouts
        self._heard = True
        self._asked_at = 0.0
        self._received_bytes = self._header_bytes = 0
        self._is_interim = self._spoke_again = self._ends_by_close = False
        try:
            if len(body) <= ONE_WRITE_BYTES:
                transport.write(head + body)
            else:
                await self._write_slices(transport, reply, head, body)
            self._asked_at = self._loop.time()
            while not reply.has_head and reply.failure is None:
                await reply.wait()
        finally:
            if not reply.has_head:
                self.abort()
        if not reply.has_head and reply.failure is not None:
            raise reply.failure
        self._was_used = True
        return reply

    async def _write_slices(
        self, transport: asyncio.Transport, reply: ReplyBody, head: bytes, body: bytes
    ) -> None:
        transport.write(head)
        view = memoryview(body)
        for start in range(0, len(body), SLICE_BYTES):
            # An answer that comes before the request is out (a 413) is an answer: stop writing.
            while self._writing_paused and not reply.has_head and reply.failure is None:
                await reply.wait()
            if reply.has_head or reply.failure is not None:
                return
            transport.write(view[start : start + SLICE_BYTES])

    def _pause(self) -> None:
        if self._transport is not None and self.is_open and not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on: there is room again."""
        if self._reading_paused and self._transport is not None and self.is_open:
            self._reading_paused = False
            self._heard = True  # the silence was ours
            self._transport.resume_reading()

    def abort(self) -> None:
        """Hang up at once, without sending what is still unsent."""
        self._fail(ReplyCut("the reply was closed before its end"))

    def sweep(self, now: float) -> None:
        """Give up on a peer that has been silent too long. `now` is the loop's time."""
        if self._heard:
            self._heard = False
            self._silent_since = now
        reply = self._reply
        if reply is None or reply.waiter is None:
            return  # nobody waits for this peer
        if reply.has_head or not self._asked_at:
            waited, limit = now - self._silent_since, self._timeouts.idle_seconds
        else:
            waited, limit = now - self._asked_at, self._timeouts.first_byte_seconds
        if waited >= limit:
            self._fail(ProviderTimeout(f"the model's server was silent for {limit:g} seconds"))

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Bytes of the reply: parse them all, then wake the reader once."""
        reply, parser = self._reply, self._parser
        if reply is None or parser is None:
            self.abort()  # bytes that nobody asked for
            return
        self._heard = True
        if not reply.has_head:
            self._received_bytes += len(data)
        try:
            parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._keep_arrived()
            self._end_unparsed(reply, error)
            return
        if self._header_bytes > MAX_HEAD_BYTES or (
            not reply.has_head and self._received_bytes > MAX_HEAD_BYTES
        ):
            reply.has_head = False
            self._reply = reply  # it may have come to its end in the same read
            self._fail(ProviderUnavailable("the reply's head is over 64 KB"))
            return
        if self._reply is None:
            self._arrived.clear()  # it came after the end
            self._finish(reply)
            reply.wake()
        elif self._arrived:
            reply.arrive(self._all_arrived())
            if reply.unread_bytes > PAUSE_ABOVE_BYTES:
                self._pause()
        elif reply.has_head:
            reply.wake()

    def _all_arrived(self) -> bytes:
        arrived = self._arrived
        data = arrived[0] if len(arrived) == 1 else b"".join(arrived)
        arrived.clear()
        return data

    def _keep_arrived(self) -> None:
        """What has come by now belongs to the reply under way, if there is one."""
        if self._arrived and self._reply is not None:
            self._reply.push(self._all_arrived())

    def eof_received(self) -> None:
        """The peer sends no more: whatever was open has ended."""
        self._lose(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._lose(exc)
        self._transport = None
        self._parser = None  # it holds our methods: free both without the collector

    def pause_writing(self) -> None:
        """The peer takes no more for now."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """The peer takes bytes again."""
        self._writing_paused = False
        self._heard = True
        if self._reply is not None:
            self._reply.wake()

    # What the parser tells.

    def on_message_begin(self) -> None:
        """A reply begins; after the end of one, nobody asked for it."""
        self._spoke_again = self._reply is None

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        self._header_bytes += len(name) + len(value) + 4
        if self._reply is not None and self._header_bytes <= MAX_HEAD_BYTES:
            self._reply.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole, unless it was a 1xx before the real one."""
        reply, parser = self._reply, self._parser
        if reply is None or parser is None:
            return
        status = parser.get_status_code()
        if status < 200:
            self._is_interim = True
            return
        reply.status = status
        reply.has_head = True
        self._ends_by_close = status not in (204, 304)
        for name, _ in reply.headers:
            if name in FRAMING_HEADERS:
                self._ends_by_close = False

    def on_message_complete(self) -> None:
        """The reply is whole, unless it was a 1xx."""
        if self._is_interim:
            self._is_interim = False
            if self._reply is not None:
                self._reply.headers.clear()
            return
        if self._parser is not None and self._reply is not None:
            self._stays_open = self._parser.should_keep_alive()
            self._keep_arrived()
            self._reply = None

    # How a reply ends.

    def _finish(self, reply: ReplyBody) -> None:
        reply.ended = True
        transport = self._transport
        all_written = self._asked_at and transport and not transport.get_write_buffer_size()
        if not (self._stays_open and all_written and self.is_open) or self._spoke_again:
            self.abort()
            return
        self.resume()
        self.idle_since = self._loop.time()
        self._keeper.give(self)

    def _end_unparsed(self, reply: ReplyBody, error: Exception) -> None:
        """The peer broke HTTP: in its reply, or (harmless, but no way to go on) after its end."""
        if self._reply is None and reply.has_head:
            self._spoke_again = True
            self._finish(reply)
            reply.wake()
            return
        message = "the model's server does not speak HTTP/1.1"
        failure = ReplyCut(message) if reply.has_head else ProviderUnavailable(message)
        failure.__cause__ = error
        self._reply = reply
        self._fail(failure)

    def _lose(self, cause: Exception | None) -> None:
        reply = self._reply
        if reply is not None and reply.has_head and self._ends_by_close and cause is None:
            self._reply = None
            reply.ended = True
            reply.wake()
        elif reply is not None and reply.has_head:
            self._fail(ReplyCut("the reply ended before its end"), cause)
            return
        elif reply is not None:
            self.hung_up = self._was_used and not self._received_bytes
            self._fail(ProviderUnavailable(CLOSED_BEFORE_ANSWERING), cause)
            return
        self.abort()

    def _fail(self, failure: ProviderError, cause: Exception | None = None) -> None:
        reply, self._reply = self._reply, None
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()
        self._keeper.forget(self)
        if reply is not None:
            failure.target = reply.target
            failure.__cause__ = failure.__cause__ or cause
            reply.failure = failure
            reply.wake()
