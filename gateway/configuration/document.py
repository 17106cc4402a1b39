"""The whole of gatehouse.yaml as people write it: names, types, and what each option means."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from gateway.configuration.admin import AdminDocument
from gateway.configuration.counters_document import CountersDocument
from gateway.configuration.field_types import Address, SecretText, Words
from gateway.configuration.identity_document import IdentityDocument
from policy.break_glass import BreakGlassTerms
from policy.document import DataClassLabel, ModelName, Name, Section, TeamDocument, Usd
from policy.rulebook.document import Network

WireLabel = Literal[
    "openai_chat",
    "openai_responses",
    "openai_completions",
    "openai_embeddings",
    "mistral_fim",
    "jina_rerank",
    "anthropic_messages",
    "gemini",
]


def _target(value: str) -> str:
    vendor, slash, model = value.partition("/")
    if not (vendor and slash and model) or not value.isprintable() or len(value) > 256:
        raise ValueError("a target is vendor/model, such as house/qwen3-coder")
    return value


def _shown(value: str) -> str:
    if not (0 < len(value) <= 100 and value.isprintable() and value.strip() == value):
        raise ValueError("is 1 to 100 printable characters, none of them a blank at an end")
    return value


def _pattern(value: str) -> str:
    if not value.isprintable():
        raise ValueError("is a path or a pattern, of printable characters only")
    return value


def _day(value: object) -> object:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("a date is written YYYY-MM-DD") from None


def _not_empty(value: Mapping[str, object]) -> Mapping[str, object]:
    if not value:
        raise ValueError("needs at least one entry")
    return value


TargetName = Annotated[
    str, AfterValidator(_target), WithJsonSchema({"type": "string", "pattern": "^.+/.+$"})
]
"""`vendor/model`, split at the first `/`: a vendor named here, and its own name for the model."""

Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]

Tokens = Annotated[int, Field(ge=1, le=1_000_000_000)]


class VendorDocument(Section):
    """Somebody who serves models: an engine in the house, or a vendor."""

    kind: Words
    """in_house, or the name of a vendor record that ships with the gateway."""
    base_url: Address | None = None
    """in_house: the engine's root. A vendor: replaces the whole prefix of its record."""
    wires: Annotated[tuple[WireLabel, ...], Field(min_length=1)] | None = None
    """Protocols spoken natively. Required in the house; for a vendor it narrows the record's."""
    api_key: SecretText | None = None
    """The vendor's key: "${NAME}" or file:/path. Never printed."""
    via: Literal["direct", "litellm"] | None = None
    """How the vendor is reached, where its record's way does not suit."""
    may_drop_tools: tuple[Words, ...] = ()
    """Types of tools, such as web_search, that are left out (and recorded) where it has none."""
    clearance: DataClassLabel | None = None
    """The highest data class it may see. Default: restricted in the house, public for a vendor."""
    region: Words | None = None
    """Where it computes. Default: what its record says."""
    jurisdiction: Words | None = None
    """Whose law it is under. Default: what its record says."""
    retention: Words | None = None
    """How long it keeps what it is sent. Default: what its record says."""
    review_date: Day | None = None
    """When its contract and clearance are to be looked at again."""


class ModelDocument(Section):
    """A model as clients name it, and where it is served."""

    targets: Annotated[tuple[TargetName, ...], Field(min_length=1)]
    """Tried in this order."""
    aliases: tuple[ModelName, ...] = ()
    """Other names for it. Who may use the model may use them; policy and caps see the model."""
    display_name: (
        Annotated[
            str,
            AfterValidator(_shown),
            WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 100}),
        ]
        | None
    ) = None
    """How assistants show it in their lists. Default: its name."""
    context_window: Tokens | None = None
    """Tokens it takes in. Default: what is known of the target that answers first."""
    output_limit: Tokens | None = None
    """Tokens it gives out at most. Default: what is known of the target that answers first."""


class PriceDocument(Section):
    """US dollars per million tokens. Overrides the shipped price book for one target."""

    input: Usd
    """Fresh input."""
    output: Usd
    """Output, reasoning included."""
    cache_read: Usd | None = None
    """Input read from the vendor's cache. Default: as fresh input."""
    cache_write_5m: Usd | None = None
    """Input written to a five-minute cache. Default: as fresh input."""
    cache_write_1h: Usd | None = None
    """Input written to a one-hour cache. Default: as written to a five-minute one."""


class TelemetryDocument(Section):
    """Where traces go. They hold no content."""

    otlp_endpoint: Address | None = None
    """An OpenTelemetry collector."""
    otlp_protocol: Literal["grpc", "http"] | None = None
    """Default: grpc on port 4317, http on port 4318 or with a path, else grpc."""
    exporter: Literal["otlp", "none"] | None = None
    """`otlp` sends to the endpoint; `none` builds all and sends nothing, to measure that cost."""


class RegistersDocument(Section):
    """Files that say what was reviewed, beside this one or at paths relative to it."""

    vendors: Words | None = None
    """The register of vendors. Where there is one, a vendor that is not in it is refused."""
    assistants: Words | None = None
    """The register of assistants. Where there is one, those that are not in it are refused."""


class ServerDocument(Section):
    """What stands before the gateway."""

    trusted_proxies: Annotated[tuple[Network, ...], Field(max_length=100)] = ()
    """Networks of proxies whose x-forwarded-for says where a request came from."""


class StorageDocument(Section):
    """Where keys and the ledger are kept. Default: a SQLite file in the data folder."""

    url: SecretText | None = None
    """A PostgreSQL database: "${GATEHOUSE_DATABASE_URL}" or file:/path. Never printed."""
    durable_in: Literal["database", "journal"] | None = None
    """What a record must be in before its request goes on. Default: PostgreSQL's database."""


class KeysDocument(Section):
    """How virtual keys are kept."""

    pepper: SecretText | None = None
    """The secret keys are kept under, the same for every replica: "${NAME}" or file:/path."""


class BreakGlassDocument(Section):
    """Under which terms somebody may open an exception from policy for a time."""

    max_hours: Annotated[int, Field(ge=1, le=168)] = 24
    """How long one may be open at most, in hours."""
    approvers: Literal[1, 2] = 1
    """How many people it takes: 1, or 2: one asks for it, and somebody else approves."""

    @property
    def terms(self) -> BreakGlassTerms:
        """The same, as policy is told."""
        return BreakGlassTerms(self.max_hours * 3600, self.approvers)


class PolicyChangesDocument(Section):
    """How a change of policy comes into force."""

    approvers: Literal[1, 2] = 1
    """How many people it takes: 1, whoever changes the files, or 2, who approve it with keys."""


PolicyFiles = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_pattern)]


class GatehouseDocument(Section):
    """Gatehouse: which models there are, who may use them, and within which limits."""

    vendors: Annotated[dict[Name, VendorDocument], AfterValidator(_not_empty)]
    """Who serves models, by a name of your own."""
    models: Annotated[dict[ModelName, ModelDocument], AfterValidator(_not_empty)]
    """What clients can ask for."""
    teams: Annotated[dict[Name, TeamDocument], AfterValidator(_not_empty)]
    """Who may ask. What no team is given, nobody gets."""
    prices: dict[TargetName, PriceDocument] = Field(default_factory=dict)
    """Overrides of the shipped price book, by target."""
    telemetry: TelemetryDocument = TelemetryDocument()
    server: ServerDocument = ServerDocument()
    """What stands before the gateway."""
    storage: StorageDocument = StorageDocument()
    keys: KeysDocument = KeysDocument()
    counters: CountersDocument | None = None
    """Where caps are counted, so that they hold over all replicas."""
    registers: RegistersDocument = RegistersDocument()
    """What was reviewed, and until when it holds."""
    policy: tuple[PolicyFiles, ...] = ()
    """Files of rules, or patterns such as policy/*.yaml, beside this file."""
    admin: AdminDocument = AdminDocument()
    identity: IdentityDocument = IdentityDocument()
    """How people and builds are known by the company's own identity provider."""
    break_glass: BreakGlassDocument = BreakGlassDocument()
    policy_changes: PolicyChangesDocument = PolicyChangesDocument()
