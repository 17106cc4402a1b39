"""The road of a request in memory: real steps; ledger, clock and models do as the test says."""

import asyncio
import random
from collections.abc import Callable, Sequence

import orjson
from msgspec.structs import replace

from gateway.accounting import Accountant, Reservation
from gateway.audit.record import RecordBody, Records
from gateway.bookkeeping import Bookkeeper, Books
from gateway.callers import Callers
from gateway.configuration.build import Configuration
from gateway.continuation import Origin
from gateway.dispatch import Dispatch
from gateway.drain import Drains
from gateway.errors import LedgerUnavailable
from gateway.exchange import Exchange
from gateway.expectations import RecentOutputs
from gateway.identity import KeyRing
from gateway.inbound import Inbound
from gateway.notes import Notes
from gateway.pipeline import InForce, Pipeline
from gateway.refusal import Refusals
from gateway.roles import Role
from gateway.store.changes import GATEWAY, Actor
from gateway.store.keys import KeyChanges
from gateway.store.stored_key import StoredKey
from gateway.telemetry.metrics import Metrics
from gateway.tokens import TokenEstimator
from gateway.told import InProcessToldSessions
from gateway.turn import TurnIds
from gateway.verdicts import InProcessVerdicts
from gateway.virtual_key import Hasher, KeyIssuer
from gateway.wire import NOTE_FORMS, wires
from gateway.wire.base import Wire
from policy.types import Allow, Identity, Scope
from providers.base import Headers, UpstreamCall, UpstreamReply
from providers.catalogue import Price, PriceBook
from providers.errors import ProviderError
from tests.fakes.counters import StillCounters
from tests.fakes.ledger import Clock, an_exchange

USD = 1_000_000_000
BOOK = PriceBook(
    "2026-11-21", "a test", {"deepseek": {"deepseek-chat": Price(input=USD, output=2 * USD)}}
)
IDENTITY = Identity("ann", "web", frozenset({"developer"}), "key_aaaaaaaaaaaa")
CHAT, MESSAGES, COUNT = "/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens"
RESPONSES = "/v1/responses"

USAGE = {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
ANSWER = orjson.dumps(
    {"id": "c1", "model": "m1", "object": "chat.completion", "choices": [CHOICE], "usage": USAGE}
)


class FakeLedger:
    """Every record is durable at once, but for kinds that are held back or refused."""

    def __init__(self) -> None:
        self.bodies: list[RecordBody] = []
        self.refuses: set[str] = set()
        self.holds: set[str] = set()
        self._held: dict[str, asyncio.Future[None]] = {}

    @property
    def kinds(self) -> list[str]:
        return [str(body["kind"]) for body in self.bodies]

    def append(self, record: RecordBody) -> "asyncio.Future[None]":
        kind = str(record["kind"])
        self.bodies.append(record)
        future = asyncio.get_running_loop().create_future()
        if kind in self.refuses:
            future.set_exception(LedgerUnavailable("the disk is full"))
            future.exception()  # seen
        elif kind in self.holds:
            self._held[kind] = future
        else:
            future.set_result(None)
        return future

    def commits(self, kind: str) -> None:
        """What was held back is durable now."""
        self._held.pop(kind).set_result(None)


class Pieces:
    """A reply's body: bytes to be read, or an error where it breaks off."""

    def __init__(self, *pieces: bytes | ProviderError) -> None:
        self.is_closed = False
        self._left = list(pieces)

    async def read(self) -> bytes:
        piece = self._left.pop(0) if self._left else b""
        if isinstance(piece, ProviderError):
            raise piece
        return piece

    async def aclose(self) -> None:
        self.is_closed = True


def says(*pieces: bytes | ProviderError, headers: Headers = ()) -> UpstreamReply:
    """A reply of this body."""
    return UpstreamReply(200, headers, Pieces(*pieces))


class FakeSender:
    """Gives what it was given, in order; an error is raised. `meanwhile` runs before each."""

    def __init__(self) -> None:
        self.calls: list[UpstreamCall] = []
        self.replies: list[UpstreamReply | ProviderError] = []
        self.meanwhile: Callable[[], None] = lambda: None

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        self.calls.append(call)
        self.meanwhile()
        reply = self.replies.pop(0)
        if isinstance(reply, ProviderError):
            raise reply
        return reply


class FakeOrigins:
    """Where answers came from, as the test says."""

    def __init__(self) -> None:
        self.known: dict[str, Origin] = {}

    async def origin_of(self, response_id: str) -> Origin | None:
        return self.known.get(response_id)


class FakeKeys:
    """Where issued keys are kept, in memory."""

    def __init__(self) -> None:
        self._stored: dict[bytes, StoredKey] = {}

    async def create(self, key: StoredKey, digest: bytes, by: Actor) -> None:
        self._stored[digest] = key

    async def create_first(self, keys: Sequence[tuple[StoredKey, bytes]], by: Actor) -> bool:
        is_first = not self._stored
        self._stored |= {digest: key for key, digest in keys if is_first}
        return is_first

    async def find(self, key_id: str) -> StoredKey:
        return next(each for each in self._stored.values() if each.id == key_id)

    async def replace(
        self, key_id: str, successor: StoredKey, digest: bytes, until_unix_us: int, by: Actor
    ) -> StoredKey:
        self._stored[digest] = successor
        return await self.find(key_id)

    async def lapse(self, now_unix_us: int) -> int:
        return 0

    async def list(self) -> list[StoredKey]:
        return list(self._stored.values())

    async def revision(self) -> int:
        return len(self._stored)

    async def changes_since(self, revision: int) -> KeyChanges:
        return KeyChanges(len(self._stored), dict(self._stored))


class Road:
    """A pipeline and everything it stands on. Time moves a microsecond whenever it is looked at."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.ledger = FakeLedger()
        self.clock = Clock()
        self.records = Records(self.clock.unix_ns, random.Random(3).randbytes)
        self.counters = StillCounters()
        self.accountant = Accountant(self.counters, BOOK, RecentOutputs())
        self.estimator = TokenEstimator(None)
        self.metrics = Metrics()
        self.bookkeeper = Bookkeeper(
            self.ledger,
            self.records,
            self.accountant,
            self.estimator,
            self.metrics,
            self.clock.unix_ns,
        )
        self.direct, self.translator, self.built_in = FakeSender(), FakeSender(), FakeSender()
        self.drains = Drains()
        self.origins = FakeOrigins()
        self.in_force = InForce(configuration, since_unix_seconds=1_795_000_000)
        hasher = Hasher(b"p" * 32)
        keys = FakeKeys()
        self.ring = KeyRing(keys, hasher, unix_us=self.clock.unix_us)
        self._issuer = KeyIssuer(
            keys,
            hasher,
            by=GATEWAY,
            unix_us=self.clock.unix_us,
            random_bytes=random.Random(5).randbytes,
        )
        self.verdicts = InProcessVerdicts(self.clock.unix_ns, self.bookkeeper.note_repeats)
        self.told = InProcessToldSessions()
        self.pipeline = Pipeline(
            self.in_force,
            Callers(self.ring, {}, lambda: 0.0),
            self.bookkeeper,
            Refusals(self.bookkeeper, self.verdicts),
            Dispatch(self.direct, self.translator, self.built_in, self.drains),
            self.drains,
            self.clock.unix_ns,
            self.origins,
            TurnIds(b"p" * 32),
            Notes(NOTE_FORMS, self.told),
        )
        self.wires = {each.path: each for each in wires(self.estimator.estimate)}

    async def a_key(
        self, team: str = "web", role: Role = Role.DEVELOPER, scope: Scope | None = None
    ) -> str:
        """A key that the gateway knows from now on."""
        issued = await self._issuer.issue(team, "ann", frozenset({role}), scope=scope)
        await self.ring.refresh()
        return issued.secret.reveal()

    def ask(
        self, path: str = CHAT, *, team: str = "web", client_left: bool = False, **body: object
    ) -> Inbound:
        """A request whose caller is known and whose body has been read."""
        wire: Wire = self.wires[path]
        said = [{"role": "user", "content": "hello"}]
        whole = {"model": "coder", "max_tokens": 100, "messages": said, **body}
        return Inbound(
            audit_id=self.records.new_audit_id(),
            wire=wire,
            path=path,
            headers=((b"user-agent", b"codex/1.2"),),
            identity=Identity("ann", team, frozenset({"developer"}), "key_aaaaaaaaaaaa"),
            reading=wire.read(orjson.dumps(whole)),
            client_left=lambda: client_left,
        )

    async def books(
        self, team: str = "web", *, client_left: bool = False, **facts: object
    ) -> Books:
        """The open books of an exchange that was just let through."""
        exchange: Exchange = an_exchange(self.records.new_audit_id(), team)
        exchange.facts = replace(exchange.facts, **facts)
        allow = self.pipeline.decide(exchange, self.configuration)
        assert isinstance(allow, Allow)
        reservation = await self.pipeline.reserve(exchange, allow, self.configuration)
        assert isinstance(reservation, Reservation)
        return self.bookkeeper.open(exchange, allow, reservation, lambda: client_left)
