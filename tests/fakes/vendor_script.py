"""What a stand-in vendor will do with the next request: what it says, and how it misbehaves."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Chop = Callable[[bytes], Iterable[bytes]]
"""Cuts the bytes of a streamed body into the pieces that are written (one HTTP chunk each)."""


def cut_by(sizes: Sequence[int]) -> Chop:
    """Pieces of these sizes, in turn and over again."""

    def chop(data: bytes) -> list[bytes]:
        pieces, at, turn = [], 0, 0
        while at < len(data):
            size = sizes[turn % len(sizes)]
            pieces.append(data[at : at + size])
            at, turn = at + size, turn + 1
        return pieces

    return chop


HEAD = -1
"""The place before the reply's head, where a gate may stand."""


class Framing(StrEnum):
    """How the length of a reply's body is told."""

    CHUNKED = "chunked"
    LENGTH = "length"
    CLOSE = "close"  # the end of the connection is the end of the body


class Ending(StrEnum):
    """What happens at the place where a reply is cut."""

    CLOSE = "close"  # the connection ends, the framing is unfinished
    RESET = "reset"  # the same, by a TCP reset
    INSIDE_CHUNK = (
        "inside_chunk"  # a chunk is announced and half of it sent, then the connection ends
    )
    CLEAN = "clean"  # the framing is finished properly, the protocol's end is missing
    STALL = "stall"  # nothing more is sent, the connection stays


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool. `arguments` as text are sent as they are, also when they are no JSON."""

    name: str
    arguments: Mapping[str, Any] | str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Disjoint classes of tokens; `reasoning` is a part of `output`, the others add up."""

    input: int = 11
    output: int = 7
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """An error answer in the protocol's own shape."""

    status: int
    kind: str | None = None
    message: str = "the stand-in was told to fail"
    code: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Canned:
    """An answer given word for word, whatever was asked."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a streamed reply breaks off: after so many events, or so many bytes of its body."""

    ending: Ending
    events: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """Everything a stand-in does with one request. The default is a plain, proper answer."""

    text: str = "Hello from the stand-in."
    pieces: tuple[str, ...] | None = None  # the deltas of the text; by default its words
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: TokenUsage | None = field(default_factory=TokenUsage)
    finish: str | None = None  # the protocol's own word; by default what fits
    count: int = 42  # the answer of a token count

    failure: Failure | None = None
    canned: Canned | None = None
    resets: bool = False  # TCP reset once the request is read, before any byte of a reply
    closes: bool = False  # the same, by an orderly close
    silent: bool = False  # never answers
    cut: Cut | None = None
    bad_event_at: int | None = None
    error_event_at: int | None = None
    error_event_ends: bool = True  # nothing follows the error event
    insert: tuple[int, bytes] | None = None  # raw bytes put before the event of that number
    omits_end: bool = False  # no [DONE], no message_stop
    gates: tuple[tuple[int, asyncio.Event], ...] = ()
    seconds_between_events: float = 0.0
    chop: Chop | None = None
    newline: bytes = b"\n"
    framing: Framing | None = None  # by default streams are chunked and documents have a length
    compresses: bool = False  # gzip, though identity was asked
    closes_after: bool = False  # `connection: close` on the reply
    headers: tuple[tuple[str, str], ...] = ()  # added to the reply's head
