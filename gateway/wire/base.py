"""The port of a client protocol: read facts, edit spans, observe replies, phrase our own answers.

A wire holds no state between requests and decides nothing. Adding one is a file in this
folder, a line in `WIRES`, and a folder of cases in `tests/wire/`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

import msgspec

from gateway.errors import GatewayError
from gateway.exchange import Assistant, Edit, Usage
from policy.types import RequestFacts
from providers.base import Headers, WireName

EstimateTokens = Callable[[str, int], int]
"""(model the client names, bytes of text) -> estimated input tokens."""


class Span(NamedTuple):
    """Where a JSON value stands in a body: `body[start:end]`. A tuple: a body has many of them."""

    start: int
    end: int


class Reading(msgspec.Struct, frozen=True):
    """A body that was read: its facts, its bytes, and where its top-level members stand.

    `read_conversation` gives the members that hold what was said (no tools, no limits), always the
    same ones in the same order; None for one that is not there.
    """

    facts: RequestFacts
    body: bytes
    members: Mapping[str, Span]
    read_conversation: Callable[[], Sequence[bytes | None]]


class Edited(msgspec.Struct, frozen=True):
    """A body ready for one target, and the edits that made it from the client's."""

    body: bytes
    edits: tuple[Edit, ...]
    asked_for_usage: bool  # the usage chunk is ours: withhold it from the client


class Event(Enum):
    """What a reply event is to the relay."""

    PREAMBLE = "preamble"  # opens the reply but says nothing yet: hold until something does
    SUBSTANCE = "substance"  # the reply itself
    ENDING = "ending"  # carries the stop reason, or follows it: hold until the books are closed
    END = "end"  # the protocol's end marker
    WITHHELD = "withheld"  # asked for by us, or nothing this client can read: not passed on
    FAILURE = "failure"  # the upstream's own error event
    REFUSAL = "refusal"  # the same before any substance: the request itself was refused


class ReplyFacts(msgspec.Struct):
    """What an observer has seen of a reply so far."""

    usage: Usage | None = None  # of a stream that was cut, the output figure may be an early one
    finish_reason: str | None = None
    response_id: str | None = None
    response_model: str | None = None
    is_whole: bool = False  # the stop reason (of every answer asked for) was seen
    failure: str | None = None  # the upstream's own error text, shortened
    output_bytes: int = 0  # text, reasoning and tool arguments seen, for counting a cut answer
    service_tier: str | None = None  # how the vendor says it served, in its own word
    vendor_tools: dict[str, int] = msgspec.field(default_factory=dict)
    """How often the vendor ran each of its own tools that it counts: `web_search`, ..."""


class Framing(Protocol):
    """How one stream stands on the connection where that is not as server-sent events."""

    @property
    def content_type(self) -> bytes:
        """The stream's media type."""
        ...

    def frame(self, events: bytes) -> bytes:
        """Whole events as they go out; may be nothing."""
        ...

    def finish(self) -> bytes:
        """What stands after the last of them."""
        ...


class Observer(Protocol):
    """Reads a reply as it passes. Never changes a byte."""

    facts: ReplyFacts

    def observe_event(self, event: bytes) -> Event:
        """Read one whole SSE event (blank line included). Unknown events are SUBSTANCE."""
        ...

    def repeats(self, event: bytes) -> bool:
        """Observe what is, to its last byte, one event of words like those before: SUBSTANCE.

        Anything else is left alone and False.
        """
        ...

    def observe_document(self, body: bytes) -> None:
        """Read a whole, non-streamed reply. Raises `NotAReply` when it is none of this protocol."""
        ...


class NotAReply(Exception):
    """The upstream's 200 is not a reply of this protocol (HTML, empty, another shape)."""


@dataclass(frozen=True, slots=True)
class Denial:
    """A refusal in words, ready to be phrased. `retry_after_seconds` marks a short rate limit."""

    rule: str
    code: str
    message: str
    audit_id: str
    retry_after_seconds: int | None = None


class Answer(msgspec.Struct, frozen=True):
    """A whole answer of the gateway's own."""

    status: int
    headers: Headers
    body: bytes


class Wire(Protocol):
    """One client protocol."""

    @property
    def name(self) -> WireName:
        """The protocol."""
        ...

    @property
    def path(self) -> str:
        """The path of its endpoint here."""
        ...

    @property
    def counting(self) -> bool:
        """True where the endpoint counts tokens instead of answering."""
        ...

    @property
    def summary(self) -> str:
        """One line for the OpenAPI page."""
        ...

    def read(self, body: bytes) -> Reading:
        """Read the facts. Raises `MalformedRequest` naming what is wrong."""
        ...

    def edit(self, reading: Reading, *, upstream_model: str, ask_for_usage: bool) -> Edited:
        """Put the target's model name (and the usage option) into the client's own bytes."""
        ...

    def observer(self, facts: RequestFacts, *, asked_for_usage: bool) -> Observer:
        """A fresh observer for one reply."""
        ...

    def phrase_denial(self, denial: Denial, assistant: Assistant) -> Answer:
        """The form this client shows once and does not retry."""
        ...

    def phrase_error(self, error: GatewayError, audit_id: str) -> Answer:
        """A failure before the first byte."""
        ...

    def phrase_cut(
        self, code: str, message: str, audit_id: str, seen: ReplyFacts | None = None
    ) -> bytes:
        """Events that end a broken stream honestly: the protocol's error, never a stop reason.

        `seen` is what was observed of the reply, for a protocol whose error goes on from it.
        """
        ...

    def phrase_count(self, input_tokens: int) -> bytes:
        """The body of a token count. Only for wires that count."""
        ...

    @property
    def keep_alive(self) -> bytes | None:
        """An event that means nothing, for long silences; None where the protocol has none."""
        ...

    @property
    def end_marker(self) -> bytes:
        """What ends a whole stream, for an upstream that forgot it."""
        ...

    @property
    def framing(self) -> Callable[[], Framing] | None:
        """A fresh framing for each stream; None where events go out as server-sent events."""
        ...


class WireFamily(Protocol):
    """The wires of a protocol that names the model, and what is asked of it, in the path.

    It makes the wire for one request's path; only such a request may hold its key in the query.
    """

    @property
    def summaries(self) -> Mapping[str, str]:
        """Its paths as the OpenAPI page has them (`/models/{model}:act`), each with one line."""
        ...

    def wire_at(self, path: str, query: bytes) -> Wire | None:
        """The wire for a request to this decoded path; None where the family has none.

        What is wrong with a name or a query is told by the wire's `read`.
        """
        ...
