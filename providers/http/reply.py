"""A reply as it arrives: what the connection has pushed, until somebody reads it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from providers.base import Headers, PushedStream
from providers.errors import ProviderError, ReplyCut

PAUSE_ABOVE_BYTES = 256 * 1024
"""Unread bytes from which on the connection is not read, until somebody takes them."""
PIECES_BEFORE_JOIN = 1024  # a peer that sends tiny pieces costs bytes, not objects


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait. All but the first are checked once a tick of the client, so they may run
    up to two ticks over."""

    connect_seconds: float = 5.0  # until connected, TLS included
    first_byte_seconds: float = 120.0  # from the last byte of the request to the reply's head
    idle_seconds: float = 120.0  # without a byte, while a body is written or read


class Line(Protocol):
    """What a reply needs of the connection it arrives on."""

    def resume(self) -> None:
        """Read on: there is room again."""
        ...

    def abort(self) -> None:
        """Hang up at once."""
        ...


class ReplyBody(PushedStream):
    """One reply, a `ByteStream` besides: the connection pushes into it, one task reads from it.

    `failure` is raised once everything that came before it has been read.
    """

    __slots__ = (
        "_line",
        "_loop",
        "_pieces",
        "_take",
        "ended",
        "failure",
        "has_head",
        "headers",
        "status",
        "target",
        "unread_bytes",
        "waiter",
    )

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop, target: str) -> None:
        self._line = line
        self._loop = loop
        self._pieces: list[bytes] = []
        self._take: Callable[[bytes], bool] | None = None
        self.target = target
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.has_head = False
        self.ended = False
        self.failure: ProviderError | None = None
        self.unread_bytes = 0
        self.waiter: asyncio.Future[None] | None = None

    def push(self, piece: bytes) -> None:
        """Keep bytes from the connection until somebody reads them."""
        pieces = self._pieces
        pieces.append(piece)
        self.unread_bytes += len(piece)
        if len(pieces) > PIECES_BEFORE_JOIN:
            pieces[:] = [b"".join(pieces)]

    def arrive(self, data: bytes) -> None:
        """Take bytes from the connection, and hand them on at once where that is waited for."""
        take = self._take
        if take is None:
            self.push(data)
            self._wake_waiter()
            return
        goes_on = is_taken = False
        failure: ProviderError | None = None
        try:
            goes_on = take(data)
            is_taken = True
        except ProviderError as error:
            failure = error
        finally:
            if not is_taken:  # the bytes are lost: this comes before any end of the reply
                self.failure = failure or ReplyCut("the gateway failed", target=self.target)
            if not goes_on or self.ended or self.failure is not None:
                self._take = None  # what comes before the task looks is for `read`
                self._wake_waiter()

    def wake(self) -> None:
        """Something has changed: hand on what came, or let the waiting task look."""
        if self._take is not None and self._pieces:
            self.arrive(self._all_pieces())
        else:
            self._wake_waiter()

    def _wake_waiter(self) -> None:
        waiter = self.waiter
        if waiter is not None:
            self.waiter = None
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self) -> None:
        """Sleep until the connection has something to tell."""
        waiter = self.waiter = self._loop.create_future()
        try:
            await waiter
        finally:
            self.waiter = None

    async def read(self) -> bytes:
        """All bytes that have arrived; `b""` at the proper end.

        Raises `ReplyCut` when the reply broke off, `ProviderTimeout` when it fell silent.
        """
        while not self._pieces:
            if self.failure is not None:
                raise self.failure
            if self.ended:
                return b""
            await self.wait()
        return self._all_pieces()

    async def push_to(self, take: Callable[[bytes], bool]) -> None:
        """Hand over what arrives in the moment it arrives (`providers.base.PushedStream`)."""
        if self._pieces and not take(self._all_pieces()):
            return
        if self.ended or self.failure is not None:
            return
        self._take = take
        try:
            await self.wait()
        finally:
            self._take = None

    def _all_pieces(self) -> bytes:
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        may_be_paused = self.unread_bytes > PAUSE_ABOVE_BYTES
        self._pieces = []
        self.unread_bytes = 0
        if may_be_paused and not self.ended:
            self._line.resume()
        return data

    async def aclose(self) -> None:
        """Hang up unless the reply has come to its end. Safe to call twice."""
        if not self.ended:
            self._line.abort()


class HttpReply(msgspec.Struct, frozen=True):
    """A reply whose head is here and whose body may still be on its way."""

    status: int
    headers: Headers
    body: ReplyBody
