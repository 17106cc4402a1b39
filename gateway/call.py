"""One request on a client's connection: its body in, its answer out, its departure noticed.

Our server says when a client's connection is lost; where another one serves, every call watches
its own `receive`, which takes a task. Waiting too long is noticed by `gateway.calls`, once a
second for all calls together: a timer for each would cost more than the relay.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from enum import Enum
from typing import Any

from gateway.errors import RequestTimedOut, RequestTooLarge
from gateway.wire.base import Answer, Wire
from policy.types import Identity
from providers.base import Headers

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

STREAM_HEADERS: Headers = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
)
DISCARD_LIMIT_BYTES = 128 * 1024 * 1024
_MOST_DIGITS = 40  # of a size: our server takes no more than 64 bits of it, another might
SLICE_BYTES = 256 * 1024  # of a whole answer: its client's reading is noticed after each
ABORT = "abort_connection"
"""Where in the scope's state the server leaves the way to drop a connection."""
DEPARTURE = "tell_departure"
"""Where it leaves its `TellDeparture`."""

WRITE_NOW = "write_now"
"""Where it leaves a `gateway.inbound.WriteNow` for the pieces of an answer sent in chunks."""
ANSWER_NOW = "answer_now"
"""Where it leaves an `AnswerNow`."""
BODY_NOW = "body_now"
"""Where it leaves a `BodyNow`."""
TASK = "task"
"""Where it leaves the task that answers."""

Told = Callable[[], None]
TellDeparture = Callable[[Told], Told]
"""Have somebody told, once, when the connection is lost; calling what comes back undoes it."""

AnswerNow = Callable[[int, Headers, bytes], bool]
"""Send a whole answer (status, headers, body) in one write; False when that cannot be, and nothing
was done."""

BodyNow = Callable[[], bytes | None]
"""The whole body as far as nobody has taken it; None when it has yet to come, or never will."""


class Interruption(Enum):
    """Why a call was ended from outside; None of these is the server shutting down."""

    CLIENT_LEFT = "client_left"
    SLOW_BODY = "slow_body"
    STALLED_READER = "stalled_reader"
    KEY_REVOKED = "key_revoked"


class ClientLeft(Exception):
    """The connection closed before the body was complete."""


class Call:
    """The connection's side of one exchange. Lives as long as the request does."""

    __slots__ = (
        "_abort",
        "_answer_now",
        "_body_now",
        "_forget_departure",
        "_framing",
        "_keep_alive_task",
        "_receive",
        "_send",
        "_task",
        "_tell_departure",
        "_watcher",
        "_write_now",
        "address",
        "audit_id",
        "has_just_sent",
        "headers",
        "identity",
        "interruption",
        "is_reading",
        "is_streaming",
        "last_sent",
        "opened",
        "path",
        "received_bytes",
        "sending_since",
        "started",
        "wire",
    )

    def __init__(
        self, wire: Wire, scope: Scope, receive: Receive, send: Send, audit_id: str
    ) -> None:
        self.wire = wire
        self.audit_id = audit_id
        self.path: str = scope["path"]
        self.headers: Headers = tuple(scope["headers"])
        peer = scope.get("client")  # None on a socket of this machine's file system
        self.address: str | None = peer[0] if peer else None
        self.identity: Identity | None = None  # once it is known who asks
        self.opened = self.last_sent = time.monotonic()
        self.received_bytes = 0
        self.sending_since: float | None = None
        self.has_just_sent = False  # since the last tick, with no `last_sent` of its own
        self.started = False
        self.is_reading = False
        self.is_streaming = False
        self.interruption: Interruption | None = None
        self._receive = receive
        self._send = send
        state = scope.get("state", {})
        self._abort: Callable[[], None] | None = state.get(ABORT)
        self._answer_now: AnswerNow | None = state.get(ANSWER_NOW)
        self._body_now: BodyNow | None = state.get(BODY_NOW)
        self._tell_departure: TellDeparture | None = state.get(DEPARTURE)
        self._framing = None if wire.framing is None else wire.framing()
        # What is framed anew cannot be passed on as it came.
        self._write_now: Callable[[bytes], bool] | None = (
            state.get(WRITE_NOW) if self._framing is None else None
        )
        self._forget_departure: Told | None = None
        self._task: asyncio.Task[object] | None = state.get(TASK) or asyncio.current_task()
        self._watcher: asyncio.Task[None] | None = None
        self._keep_alive_task: asyncio.Task[None] | None = None

    async def read_body(self, limit_bytes: int) -> bytes:
        """The whole body.

        Raises `RequestTooLarge` over the limit, `RequestTimedOut` when it comes too slowly,
        `ClientLeft` when it breaks off. What is over the limit is read and thrown away (within
        reason), so that the client gets to see the answer instead of a broken connection; what
        says beforehand that it is beyond reason is not read.
        """
        self.is_reading = True
        try:
            pieces = await self._read_pieces(limit_bytes)
        except asyncio.CancelledError:
            if self.interruption is not Interruption.SLOW_BODY:
                raise
            self.resume()
            raise RequestTimedOut("the request's body came too slowly; send it again") from None
        finally:
            self.is_reading = False
        if self.received_bytes > limit_bytes:
            raise _too_large(limit_bytes)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _read_pieces(self, limit_bytes: int) -> list[bytes]:
        whole = None if self._body_now is None else self._body_now()
        if whole is not None:
            self.received_bytes = len(whole)
            return [whole] if len(whole) <= limit_bytes else []
        pieces: list[bytes] = []
        most = max(limit_bytes, DISCARD_LIMIT_BYTES)
        if self._declared_bytes() > most:  # it would not be read to its end: say so now
            raise _too_large(limit_bytes)
        while self.received_bytes <= most:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            piece: bytes = message.get("body", b"")
            self.received_bytes += len(piece)
            if self.received_bytes <= limit_bytes:
                pieces.append(piece)
            else:
                pieces.clear()
            if not message.get("more_body", False):
                break
        return pieces

    def _declared_bytes(self) -> int:
        """What the head says of the body's size; 0 where it says nothing that can be used."""
        written = next((value for name, value in self.headers if name == b"content-length"), b"")
        return int(written) if written.isdigit() and len(written) < _MOST_DIGITS else 0

    def identifying_headers(self) -> Headers:
        """The names by which the developer, the SDKs and the auditor find this exchange again."""
        audit_id = self.audit_id.encode()
        return (
            (b"x-gatehouse-audit-id", audit_id),
            (b"x-request-id", audit_id),
            (b"request-id", audit_id),
        )

    def watch(self) -> None:
        """From now on, end this call when its client hangs up."""
        if self._tell_departure is not None:
            self._forget_departure = self._tell_departure(self._leave)
            return
        self._watcher = asyncio.get_running_loop().create_task(self._await_departure())

    async def _await_departure(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._leave()
                return

    def _leave(self) -> None:
        self.interrupt(Interruption.CLIENT_LEFT)

    def interrupt(self, reason: Interruption) -> None:
        """End this call from outside; its task is cancelled and finds the reason here."""
        if self.interruption is None and self._task is not None:
            self.interruption = reason
            self._task.cancel()

    def resume(self) -> None:
        """Go on after an interruption: what ends the call now has still to be said."""
        if self._task is not None:
            while self._task.cancelling():
                self._task.uncancel()

    async def hang_up(self) -> None:
        """Drop the connection, with all that the client has not taken, and see it go down."""
        if self._abort is not None and self._tell_departure is not None:
            gone = asyncio.Event()
            self._tell_departure(gone.set)
            self._abort()
            await gone.wait()

    def end(self) -> "asyncio.Task[object] | None":
        """Cancel this call because the server stops; returns its task, to be waited for."""
        if self._task is not None:
            self._task.cancel()
        return self._task

    def has_left(self) -> bool:
        """Whether the client is gone, or might as well be (it stopped reading)."""
        return self.interruption not in (None, Interruption.KEY_REVOKED)

    def why_cut(self) -> str:
        """The stable word for why this was ended when nobody left."""
        if self.interruption is Interruption.KEY_REVOKED:
            return "key_revoked"
        return "shutting_down"

    def end_revoked(self) -> None:
        """Its key is revoked: end it, unless all that is left is to send a closed answer."""
        if self.is_streaming or not self.started:
            self.interrupt(Interruption.KEY_REVOKED)

    def close(self) -> None:
        """Stop watching. The call is over."""
        self._task = None
        if self._forget_departure is not None:
            self._forget_departure()
            self._forget_departure = None
        for task in (self._watcher, self._keep_alive_task):
            if task is not None:
                task.cancel()
        # They refer to us: letting go of them leaves no cycle for the collector to find.
        self._watcher = self._keep_alive_task = None

    async def answer(self, answer: Answer, extra: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Send a whole answer."""
        self.is_streaming = False
        body = answer.body
        headers = (*answer.headers, (b"content-length", b"%d" % len(body)), *extra)
        if self._answer_now is not None and len(body) <= SLICE_BYTES:
            self.started = self._answer_now(answer.status, headers, body)
            if self.started:
                return
        await self._start(answer.status, headers)
        sent = 0
        while len(body) - sent > SLICE_BYTES:
            await self._write(body[sent : sent + SLICE_BYTES], more=True)
            sent += SLICE_BYTES
        await self._write(body[sent:], more=False)

    async def start_stream(self, headers: Headers) -> None:
        """Send the status and headers of a stream, unless a keep-alive already had to."""
        if not await self.has_started():
            await self._start(200, headers)

    def stream_headers(self) -> Headers:
        """What every stream of this call's protocol begins with."""
        if self._framing is None:
            return STREAM_HEADERS
        return ((b"content-type", self._framing.content_type), *STREAM_HEADERS[1:])

    async def has_started(self) -> bool:
        """Whether a status has gone out; from here on no keep-alive is under way."""
        if self._keep_alive_task is not None:
            await self._settle_keep_alive()
        return self.started

    async def write(self, piece: bytes) -> None:
        """Pass on a piece of a stream."""
        if self._keep_alive_task is not None:
            await self._settle_keep_alive()
        if self._framing is not None:
            piece = self._framing.frame(piece)
        await self._write(piece, more=True)

    def write_now(self, piece: bytes) -> bool:
        """Pass on a piece of a stream at once; False when only `write` can."""
        if self._write_now is None or self._keep_alive_task is not None:
            return False
        self.has_just_sent = self._write_now(piece)
        return self.has_just_sent

    async def finish(self, piece: bytes = b"") -> None:
        """End a stream, with its last piece if there is one."""
        self.is_streaming = False
        await self._settle_keep_alive()
        if self._framing is not None:
            piece = self._framing.frame(piece) + self._framing.finish()
        await self._write(piece, more=False)

    def keep_alive(self, headers: Headers) -> None:
        """Show a silent stream's client that somebody is there (only where the protocol can)."""
        event, task = self.wire.keep_alive, self._keep_alive_task
        if event is None or self.sending_since is not None:
            return
        if task is None or task.done():
            self._keep_alive_task = asyncio.get_running_loop().create_task(
                self._send_keep_alive(event, headers)
            )

    async def _send_keep_alive(self, event: bytes, headers: Headers) -> None:
        if not self.started:
            await self._start(200, headers)
        await self._write(event, more=True)

    async def _settle_keep_alive(self) -> None:
        task, self._keep_alive_task = self._keep_alive_task, None
        if task is not None:
            await task

    async def _start(self, status: int, headers: Headers) -> None:
        self.sending_since = time.monotonic()
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        self.started = True
        self.sending_since = None

    async def _write(self, piece: bytes, *, more: bool) -> None:
        self.sending_since = time.monotonic()
        await self._send({"type": "http.response.body", "body": piece, "more_body": more})
        self.last_sent = time.monotonic()
        self.sending_since = None


def _too_large(limit_bytes: int) -> RequestTooLarge:
    return RequestTooLarge(
        f"the request body is larger than the {limit_bytes} bytes that may be sent; "
        "shorten the conversation (most assistants can compact it) and try again"
    )
