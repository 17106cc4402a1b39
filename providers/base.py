"""The port to the models: what a vendor and a target are, what is sent and what comes back."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

import msgspec

Headers = tuple[tuple[bytes, bytes], ...]
"""HTTP headers as they stand on the wire: lower-case names, in order."""


class WireName(StrEnum):
    """The protocols that clients and upstreams speak."""

    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSES = "openai_responses"
    OPENAI_COMPLETIONS = "openai_completions"
    OPENAI_EMBEDDINGS = "openai_embeddings"
    MISTRAL_FIM = "mistral_fim"
    JINA_RERANK = "jina_rerank"
    ANTHROPIC_MESSAGES = "anthropic_messages"
    GEMINI = "gemini"


class Auth(StrEnum):
    """How a vendor wants to see its key."""

    NONE = "none"
    BEARER = "bearer"  # Authorization: Bearer KEY
    X_API_KEY = "x-api-key"
    X_GOOG_API_KEY = "x-goog-api-key"


class Via(StrEnum):
    """Which sender reaches a vendor."""

    DIRECT = "direct"
    LITELLM = "litellm"
    BUILT_IN = "built_in"  # the rehearsal model; nobody writes this in a configuration


@dataclass(frozen=True, slots=True)
class VendorRecord:
    """What is known of a kind of vendor before anybody configures one. A vendor is data.

    `paths` holds, for each wire the vendor speaks natively, the path below `base_url`.
    `forwarded_headers` are the client's headers this vendor's own protocol needs (lower case).
    `bills_after_cancel`: the vendor charges for the whole answer even when we hang up.
    `otel_provider` is OpenTelemetry's well-known `gen_ai.provider.name`, where it has one.
    """

    kind: str
    in_house: bool
    base_url: str | None
    paths: Mapping[WireName, str]
    auth: Mapping[WireName, Auth]
    litellm_prefix: str | None
    via: Via
    forwarded_headers: frozenset[str] = frozenset()
    region: str | None = None
    jurisdiction: str | None = None
    retention: str | None = None
    bills_after_cancel: bool = False
    otel_provider: str | None = None


class Secret:
    """A value that prints as `***`, whoever formats it. `reveal()` is for the wire only."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor as configured here: its record, with this installation's name, address and key.

    `may_drop_tools`: types of tools that translation may leave out where this vendor has none.
    """

    name: str
    record: VendorRecord
    base_url: str
    api_key: Secret | None
    wires: frozenset[WireName]  # spoken natively AND reached directly
    via: Via
    clearance: str | None = None
    region: str | None = None
    jurisdiction: str | None = None
    retention: str | None = None
    review_date: date | None = None
    may_drop_tools: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """One model at one vendor."""

    vendor: Vendor
    upstream_model: str
    name: str = field(init=False, repr=False, compare=False)
    """`vendor/upstream-model`, as written in the configuration."""

    def __post_init__(self) -> None:
        """Spelt once: every request asks for it many times."""
        object.__setattr__(self, "name", f"{self.vendor.name}/{self.upstream_model}")


class UpstreamCall(msgspec.Struct, frozen=True):
    """A request ready to leave: bytes of the client's protocol, headers from an allow-list.

    `account` says what the gateway did so far (route, policy, edits, audit id); only the
    rehearsal model reads it, and it never leaves the machine.
    """

    wire: WireName
    target: Target
    body: bytes
    headers: Headers
    streaming: bool
    counting: bool = False  # ask for a token count instead of an answer
    account: Mapping[str, str] = msgspec.field(default_factory=dict)


class ByteStream(Protocol):
    """The body of a reply as it arrives."""

    async def read(self) -> bytes:
        """The next bytes, all that have arrived; `b""` at the proper end.

        Raises `ReplyCut` when the reply broke off, `ProviderTimeout` when it fell silent.
        """
        ...

    async def aclose(self) -> None:
        """Stop: hang up unless the reply has been read to its end. Safe to call twice."""
        ...


class PushedStream(ABC):
    """A `ByteStream` that can also be taken in the callback in which it arrives, no task woken.

    A class and no protocol: every stream asks whether its body is one, and that must be cheap.
    """

    __slots__ = ()

    @abstractmethod
    async def push_to(self, take: Callable[[bytes], bool]) -> None:
        """Call `take` with all that arrives, until it returns False or the body has ended.

        `read` goes on from there, and tells how the body ended. A `ProviderError` that `take`
        raises is raised here or by `read`; anything else it raises cuts the body.
        """


class UpstreamReply(msgspec.Struct, frozen=True):
    """A 2xx reply in the client's protocol, its body still arriving."""

    status: int
    headers: Headers
    body: ByteStream


class Sender(Protocol):
    """Takes bytes of the client's protocol to a target, brings bytes of the same protocol back."""

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        """Send and wait for the reply's head.

        Raises `providers.errors.ProviderError` for everything that is not a 2xx reply.
        """
        ...
