"""One request and its reply: what the pipeline knows of it, from first byte to closed books.

Only the pipeline and the relay write to an `Exchange`. All times are UTC nanoseconds since
the epoch for the record, and monotonic nanoseconds for durations.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from policy.types import Allow, Circumstances, Deny, Identity, RequestFacts
from providers.base import Target, WireName


class Outcome(StrEnum):
    """How an exchange ended."""

    COMPLETE = "complete"  # whole answer, its stop reason seen
    DENIED = "denied"  # policy or a cap said no
    FAILED = "failed"  # no target answered, or the gateway could not
    CUT = "cut"  # upstream broke off after the first byte
    CLIENT_LEFT = "client_left"
    UNKNOWN = "unknown"  # the process died; written at the next start


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one answer in disjoint classes; their sum is what was used.

    `reasoning_tokens` is the part of `output_tokens` spent on reasoning (not added to it).
    """

    input_tokens: int = 0  # fresh input, neither read from nor written to a cache
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def all_input_tokens(self) -> int:
        """Input as OpenTelemetry counts it: cached tokens included."""
        return (
            self.input_tokens
            + self.cache_read_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
        )

    @property
    def total_tokens(self) -> int:
        """Everything that counts against a token cap."""
        return self.all_input_tokens + self.output_tokens


class UsageSource(StrEnum):
    """Who counted."""

    VENDOR = "vendor"
    COUNTED = "counted"  # by us, from what was relayed
    ESTIMATED = "estimated"
    NONE = "none"  # nothing was generated


class Edit(msgspec.Struct, frozen=True):
    """A change made to the client's bytes: where, why, and how many bytes became how many."""

    path: str
    kind: str  # model_name, usage_option, ...
    bytes_before: int
    bytes_after: int


class ReplyEdit(msgspec.Struct, frozen=True):
    """Words of the gateway's own put into an answer: for which rule, and how many bytes of text."""

    kind: str  # warning
    rule: str
    bytes: int


class Assistant(msgspec.Struct, frozen=True):
    """The tool that sent the request, as far as it can be told. Unknown is `unrecognised`."""

    name: str = "unrecognised"
    version: str | None = None
    session_id: str | None = None
    user_agent: str = ""

    @property
    def is_recognised(self) -> bool:
        """False for tools we cannot tell."""
        return self.name != "unrecognised"


class Expected(msgspec.Struct, frozen=True):
    """What an attempt's answer is expected to use, and the accounts it will be charged to.

    Kept where caps count that, for the case that nobody sees its end. The team's account is always
    charged and not named.
    """

    input_tokens: int
    output_tokens: int
    cost_nano_usd: int
    accounts: tuple[str, ...] = ()


class Attempt(msgspec.Struct):
    """One try at one target."""

    number: int
    target: Target
    route_reason: str  # primary, fallback:busy, ...
    edits: tuple[Edit, ...]
    started_ns: int
    upstream_status: int | None = None
    dropped: tuple[str, ...] = ()  # fields that translation could not carry to this target
    error: str | None = None
    ended_ns: int | None = None
    expected: Expected | None = None


class Exchange(msgspec.Struct):
    """The running record of one request. `id` is the audit id the caller is given."""

    id: str
    wire: WireName
    path: str
    identity: Identity
    assistant: Assistant
    facts: RequestFacts
    turn_id: str  # the same for every try of one turn
    config_digest: str
    started_unix_ns: int
    started_ns: int
    address: str | None = None
    decision: Allow | Deny | None = None
    attempts: list[Attempt] = msgspec.field(default_factory=list)
    status: int | None = None
    usage: Usage | None = None
    usage_source: UsageSource = UsageSource.NONE
    cost_nano_usd: int = 0
    price_known: bool = True  # False: nobody knows the cost, or all of it; then it is what is known
    service_tier: str | None = None  # the vendor's word for how it served
    vendor_tools: Mapping[str, int] = msgspec.field(default_factory=dict)
    finish_reason: str | None = None
    response_id: str | None = None
    response_model: str | None = None
    outcome: Outcome | None = None
    error: str | None = None
    first_byte_ns: int | None = None
    ended_ns: int | None = None
    reply_bytes: int = 0
    reply_edits: tuple[ReplyEdit, ...] = ()

    @property
    def circumstances(self) -> Circumstances:
        """When, with what and from where it was asked, as policy's rules see it."""
        assistant = self.assistant
        return Circumstances(
            self.started_unix_ns // 1_000_000_000,
            assistant.name,
            assistant.version,
            self.address,
        )
