"""The pieces of the hot road one at a time: a connection, a ledger, books, an upstream's reply."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.accounting import Accountant, Reservation
from gateway.audit.record import RecordBody
from gateway.bookkeeping import Bookkeeper, Books
from gateway.call import Call, Message, Scope
from gateway.caps.port import Claim
from gateway.errors import LedgerUnavailable
from gateway.exchange import Exchange
from gateway.expectations import RecentOutputs
from gateway.inbound import Inbound
from gateway.refusal import Refusals
from gateway.telemetry.metrics import Metrics
from gateway.tokens import TokenEstimator
from gateway.verdicts import InProcessVerdicts
from gateway.wire.base import Wire
from gateway.wire.openai_chat import OpenAiChat
from policy.types import Cap, Unit, Window
from providers.base import Target, UpstreamCall, UpstreamReply
from providers.catalogue import PriceBook, Prices
from providers.errors import ProviderError
from tests.fakes.counters import StillCounters
from tests.fakes.ledger import ALLOW, a_target, an_exchange, some_records

CHAT = OpenAiChat(lambda model, size: size // 4)
BODY = b'{"model":"coder","stream":true,"messages":[{"role":"user","content":"hi"}]}'
PARALLEL = Cap("team:web", Unit.PARALLEL, 10, Window.NOW)

ROLE = b'data: {"id":"c1","choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7}}\n\n'
DONE = b"data: [DONE]\n\n"


def says(text: str) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text.encode()


@dataclass(slots=True)
class Connection:
    """The server's side of ASGI: what comes in, what went out, and whether the client reads."""

    sent: list[Message] = field(default_factory=list)
    aborted: bool = False
    incoming: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    told: set[Callable[[], None]] = field(default_factory=set)
    tells_departures: bool = True  # as our own server does; others only answer `receive`

    def __post_init__(self) -> None:
        self.reads.set()

    def brings(self, *pieces: bytes, more: bool = False) -> None:
        for number, piece in enumerate(pieces, 1):
            more_body = more or number < len(pieces)
            self.incoming.put_nowait(
                {"type": "http.request", "body": piece, "more_body": more_body}
            )

    def hangs_up(self) -> None:
        self.incoming.put_nowait({"type": "http.disconnect"})
        for told in tuple(self.told):
            told()

    def tell_departure(self, told: Callable[[], None]) -> Callable[[], None]:
        self.told.add(told)
        return lambda: self.told.discard(told)

    def drop(self) -> None:
        self.aborted = True
        self.hangs_up()

    async def receive(self) -> Message:
        return await self.incoming.get()

    async def send(self, message: Message) -> None:
        await self.reads.wait()
        self.sent.append(message)

    def scope(self, path: str = CHAT.path, headers: Mapping[str, str] | None = None) -> Scope:
        pairs = {"content-type": "application/json", **(headers or {})}
        return {
            "type": "http",
            "method": "POST",
            "path": path,
            "headers": [(name.encode(), value.encode()) for name, value in pairs.items()],
            "state": self.state(),
        }

    def state(self) -> Scope:
        if not self.tells_departures:
            return {}
        return {
            "abort_connection": self.drop,
            "tell_departure": self.tell_departure,
            "write_now": self.write_now,
        }

    def write_now(self, piece: bytes) -> bool:
        if self.reads.is_set():
            self.sent.append({"type": "http.response.body", "body": piece, "more_body": True})
        return self.reads.is_set()

    def call(self, wire: Wire = CHAT) -> Call:
        return Call(wire, self.scope(), self.receive, self.send, "gh-1")

    @property
    def statuses(self) -> list[int]:
        return [each["status"] for each in self.sent if each["type"] == "http.response.start"]

    @property
    def bodies(self) -> list[bytes]:
        return [each["body"] for each in self.sent if each["type"] == "http.response.body"]

    @property
    def body(self) -> bytes:
        return b"".join(self.bodies)


class MemoryLedger:
    """Takes records at once, unless told to refuse them or to let them wait."""

    def __init__(self) -> None:
        self.bodies: list[RecordBody] = []
        self.refuses = False
        self.waiting: list[asyncio.Future[None]] | None = None

    def append(self, body: RecordBody) -> "asyncio.Future[None]":
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.refuses:
            future.set_exception(LedgerUnavailable("the ledger refuses"))
            future.exception()  # seen
            return future
        self.bodies.append(body)
        if self.waiting is None:
            future.set_result(None)
        else:
            self.waiting.append(future)
        return future

    def waits(self) -> None:
        self.waiting = []

    def writes(self) -> None:
        for future in self.waiting or ():
            if not future.done():
                future.set_result(None)
        self.waiting = None

    def kinds(self) -> list[object]:
        return [body["kind"] for body in self.bodies]


class Office:
    """A bookkeeper without a database, and the books it opens."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.counters = StillCounters()
        self.book = PriceBook("2026-11-21", "a test", {})
        self.accountant = Accountant(self.counters, self.book, RecentOutputs())
        self.has_left = False
        self.keeper = Bookkeeper(
            self.ledger,
            some_records(),
            self.accountant,
            TokenEstimator(None),
            Metrics(),
            time.monotonic_ns,
        )
        self.verdicts = InProcessVerdicts(time.monotonic_ns, self.keeper.note_repeats)
        self.refusals = Refusals(self.keeper, self.verdicts)

    async def open(self, exchange_id: str = "gh-1", output_tokens: int = 100) -> Books:
        exchange: Exchange = an_exchange(exchange_id)
        hold = await self.counters.reserve(exchange_id, [Claim(PARALLEL, 1, 1)], ALLOW.targets)
        reservation = Reservation(
            hold, ALLOW, "web", exchange.facts, Prices(self.book, {}), output_tokens
        )
        return self.keeper.open(exchange, ALLOW, reservation, lambda: self.has_left)

    async def begun(self, target: Target | None = None) -> Books:
        """Books with one attempt under way."""
        books = await self.open()
        attempt = books.begin_attempt(target or a_target(), "primary", ())
        await books.record_attempt(attempt)
        return books

    def running(self) -> int:
        return self.counters.state("team:web").parallel

    def end(self) -> RecordBody:
        (end,) = [body for body in self.ledger.bodies if body["kind"] == "completed"]
        return end


class Upstream:
    """A reply's body, given piece by piece; an error in place of a piece is raised."""

    def __init__(self, *pieces: bytes | ProviderError, lingers: bool = False) -> None:
        self.left = list(pieces)
        self.lingers = lingers
        self.closed = 0

    async def read(self) -> bytes:
        if not self.left:
            if self.lingers:
                await asyncio.Event().wait()
            return b""
        piece = self.left.pop(0)
        if isinstance(piece, ProviderError):
            raise piece
        return piece

    async def aclose(self) -> None:
        self.closed += 1


class ScriptedSender:
    """Answers each call with the next of what it was given: a reply's body, or an error."""

    def __init__(self, *answers: Upstream | ProviderError) -> None:
        self.answers = list(answers)
        self.calls: list[UpstreamCall] = []
        self.gate: asyncio.Event | None = None

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        self.calls.append(call)
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answers.pop(0)
        if isinstance(answer, ProviderError):
            raise answer
        return UpstreamReply(200, (), answer)


def an_inbound(wire: Wire = CHAT, body: bytes = BODY) -> Inbound:
    exchange = an_exchange("gh-1")
    return Inbound("gh-1", wire, wire.path, (), exchange.identity, wire.read(body), lambda: False)


def billing(target: Target) -> Target:
    """The same target at a vendor that bills answers nobody waits for."""
    record = replace(target.vendor.record, bills_after_cancel=True)
    return replace(target, vendor=replace(target.vendor, record=record))


async def gathered(pieces: Any) -> list[bytes]:
    return [piece async for piece in pieces]


def joined(pieces: Iterable[bytes]) -> bytes:
    return b"".join(pieces)
