"""What comes in from a client's connection, and what goes back to it."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

import msgspec

from gateway.exchange import Edit
from gateway.wire.base import Reading, Wire
from policy.types import Identity
from providers.base import Headers


def shutting_down() -> str:
    """Why an exchange ends that nobody left, as a rule."""
    return "shutting_down"


class Inbound(msgspec.Struct, frozen=True):
    """A request whose caller is known and whose facts have been read.

    `address` is the IP address of whoever connected to our server, which may be a proxy; None
    where there is none. `headers` are the client's own; they never leave as they are. `client_left`
    tells, when the exchange is interrupted, whether the client hung up; else `why_cut` is the word
    for the end. `edits` are what was done to the body already, on its way to any target.
    """

    audit_id: str
    wire: Wire
    path: str
    headers: Headers
    identity: Identity
    reading: Reading
    client_left: Callable[[], bool]
    address: str | None = None
    why_cut: Callable[[], str] = shutting_down
    edits: tuple[Edit, ...] = ()


WriteNow = Callable[[bytes], bool]
"""Pass on a piece of a stream without waiting; False when that cannot be, and nothing was done."""


class Pieces(Protocol):
    """A streamed answer: each piece is whole events of the protocol."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces, once."""
        ...

    def prefer(self, write_now: WriteNow) -> None:
        """While the next piece is waited for, others may go out through `write_now`, in the
        moment they arrive; what it does not take is the iterator's next."""
        ...

    async def aclose(self) -> None:
        """Must be called, whether or not a piece was ever asked for. Safe to call twice."""
        ...


class Outbound(msgspec.Struct, frozen=True):
    """An answer: whole, or arriving piece by piece.

    `audit_id` names the exchange whose answer it is, where that is an earlier one.
    """

    status: int
    headers: Headers
    body: bytes | Pieces
    audit_id: str | None = None
