"""Every attribute and metric name that leaves this gateway: its type, its signals, its meaning.

No other module spells a `gen_ai.*`, `gatehouse.*` or `audit.*` name. The GenAI names follow the
OpenTelemetry GenAI conventions, which are still in development and rename things: they are
pinned here, so that no upgrade of a library renames what dashboards and sinks rely on.
`python -m gateway.telemetry.names` writes `docs/telemetry.md` from this table.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

from gateway.telemetry.fitting import (
    Fit,
    fit_bool,
    fit_count,
    fit_double,
    fit_text,
    fit_texts,
)

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
SCOPE = "gatehouse"
RECORD_SCHEMA = "gatehouse.ledger/1"
EVENT_PREFIX = "gatehouse.audit."
POLICY_SPAN = "gatehouse.policy request"


class Kind(StrEnum):
    """The type of an attribute's value."""

    STR = "string"
    INT = "int"
    BOOL = "boolean"
    DOUBLE = "double"
    STRS = "string[]"


class Signal(StrEnum):
    """Where an attribute may stand."""

    SERVER = "S"  # the span of the whole exchange
    POLICY = "P"  # the span of the decision
    CLIENT = "C"  # the span of one attempt at one target
    LOG = "L"  # the log record of one ledger record
    RESOURCE = "R"  # what sends all of them


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One name of the contract: what it holds and on which signals it may stand."""

    name: str
    kind: Kind
    on: frozenset[Signal]
    meaning: str
    fit: Fit


_FITS = {
    Kind.STR: fit_text,
    Kind.INT: fit_count,
    Kind.BOOL: fit_bool,
    Kind.DOUBLE: fit_double,
    Kind.STRS: fit_texts,
}


def _row(name: str, kind: Kind, on: str, meaning: str) -> Attribute:
    return Attribute(name, kind, frozenset(map(Signal, on)), meaning, _FITS[kind])


STR, INT, BOOL, DOUBLE, STRS = Kind.STR, Kind.INT, Kind.BOOL, Kind.DOUBLE, Kind.STRS

SERVICE_NAME = _row("service.name", STR, "R", "`gatehouse`")
SERVICE_VERSION = _row("service.version", STR, "R", "version of the gateway")
SERVICE_INSTANCE = _row("service.instance.id", STR, "R", "the lane: one start of one replica")

HTTP_METHOD = _row("http.request.method", STR, "S", "`POST`")
HTTP_ROUTE = _row("http.route", STR, "S", "the endpoint")
URL_PATH = _row("url.path", STR, "S", "the path as called, never its query")
HTTP_STATUS = _row("http.response.status_code", INT, "SC", "status given; on C the target's")
REQUEST_BYTES = _row("http.request.body.size", INT, "S", "bytes of the client's body")
REPLY_BYTES = _row("http.response.body.size", INT, "S", "bytes of the reply's body")
RESEND_COUNT = _row("http.request.resend_count", INT, "C", "attempts before this one, if any")
USER_AGENT = _row("user_agent.original", STR, "S", "as the client claims it")
ERROR_TYPE = _row("error.type", STR, "SCL", "stable code of the failure; absent on success")

OPERATION = _row(
    "gen_ai.operation.name",
    STR,
    "SCL",
    "`chat`, `text_completion`, `embeddings`, `rerank` or `count_tokens`",
)
PROVIDER = _row(
    "gen_ai.provider.name", STR, "CL", "OpenTelemetry's name for the vendor, else as configured"
)
REQUEST_MODEL = _row("gen_ai.request.model", STR, "CL", "the name sent upstream")
REQUEST_STREAM = _row("gen_ai.request.stream", BOOL, "C", "a streamed reply was asked for")
REQUEST_MAX_TOKENS = _row("gen_ai.request.max_tokens", INT, "C", "output limit, if asked for")
REQUEST_CHOICES = _row("gen_ai.request.choice.count", INT, "C", "answers asked for, if not one")
RESPONSE_MODEL = _row("gen_ai.response.model", STR, "CL", "the name the target gave itself")
RESPONSE_ID = _row("gen_ai.response.id", STR, "CL", "the target's id of its reply")
FINISH_REASONS = _row("gen_ai.response.finish_reasons", STRS, "C", "why the answer stopped")
FIRST_CHUNK = _row(
    "gen_ai.response.time_to_first_chunk", DOUBLE, "C", "s, from the attempt's start; streams only"
)
INPUT_TOKENS = _row("gen_ai.usage.input_tokens", INT, "CL", "all input, cached tokens included")
OUTPUT_TOKENS = _row("gen_ai.usage.output_tokens", INT, "CL", "all output, reasoning included")
REASONING_TOKENS = _row("gen_ai.usage.reasoning.output_tokens", INT, "CL", "reasoning's part")
CACHE_READ_TOKENS = _row("gen_ai.usage.cache_read.input_tokens", INT, "CL", "read from a cache")
CACHE_WRITE_TOKENS = _row("gen_ai.usage.cache_write.input_tokens", INT, "CL", "written to a cache")
CACHE_CREATION_TOKENS = _row(
    "gen_ai.usage.cache_creation.input_tokens", INT, "CL", "the same under its former name"
)
CONVERSATION = _row("gen_ai.conversation.id", STR, "SCL", "the client's session id, if well formed")
USER = _row("enduser.pseudo.id", STR, "SCL", "keyed pseudonym of the user, never a name")

EXCHANGE = _row("gatehouse.exchange.id", STR, "SPCL", "the audit id, as in `x-gatehouse-audit-id`")
TURN = _row("gatehouse.turn.id", STR, "SL", "the same for every try of one turn")
TEAM = _row("gatehouse.team.id", STR, "SPCL", "the key's team")
KEY = _row("gatehouse.key.id", STR, "SCL", "id of the key, never the key or its prefix")
IDENTITY_KIND = _row(
    "gatehouse.identity.kind", STR, "SL", "`person`, or `service` for what is none"
)
AUTH_METHOD = _row("gatehouse.auth.method", STR, "SL", "how the caller proved who it is")
CLIENT_NAME = _row("gatehouse.client.name", STR, "SL", "the assistant, or `unrecognised`")
CLIENT_VERSION = _row("gatehouse.client.version", STR, "SL", "as it claims")
CLIENT_RECOGNISED = _row(
    "gatehouse.client.recognised", BOOL, "SL", "false for tools we do not know"
)
API = _row("gatehouse.api", STR, "SL", "the client's protocol")
MODEL = _row("gatehouse.request.model", STR, "SPL", "what the client asked for, before routing")
ASKED_MODEL = _row("gatehouse.request.asked_model", STR, "SL", "the alias it was asked for by")
INPUT_ESTIMATE = _row("gatehouse.request.input_tokens_estimate", INT, "SL", "before the call")
DATA_CLASS = _row("gatehouse.data.class", STR, "SPL", "effective class of the content")

DECISION = _row("gatehouse.policy.decision", STR, "SPL", "`allow` or `deny`")
REASON = _row("gatehouse.policy.reason", STR, "SPL", "stable code of a denial")
RULES = _row("gatehouse.policy.rule.ids", STRS, "SPL", "the rules that refused")
PHASE = _row("gatehouse.policy.phase", STR, "PL", "`request`")
BUNDLE = _row("gatehouse.policy.bundle.digest", STR, "PL", "digest of the configuration in force")
TARGETS = _row("gatehouse.policy.targets", STRS, "PL", "the set of targets allowed, in order")
REPEATS = _row("gatehouse.policy.repeats", INT, "L", "how often a denied turn was asked again")
WARNING_COUNT = _row("gatehouse.policy.warning.count", INT, "PL", "warnings that came with it")

EXCEPTIONS = _row("gatehouse.exception.ids", STRS, "SPL", "break-glasses: what passed by them")

ATTEMPTS = _row("gatehouse.route.attempts", INT, "SL", "targets tried")
ATTEMPT = _row("gatehouse.route.attempt", INT, "CL", "number of this try, from 1")
ROUTE_REASON = _row("gatehouse.route.reason", STR, "SCL", "why this target; on S of the last try")
TARGET = _row("gatehouse.target.id", STR, "SCL", "`vendor/model`; on S the one that answered")
VENDOR = _row("gatehouse.vendor.id", STR, "CL", "the vendor as configured here")
VENDOR_IN_HOUSE = _row("gatehouse.vendor.in_house", BOOL, "CL", "runs inside the company")
VENDOR_REGION = _row("gatehouse.vendor.region", STR, "CL", "from the vendor's record")
VENDOR_JURISDICTION = _row("gatehouse.vendor.jurisdiction", STR, "CL", "from the vendor's record")
VENDOR_RETENTION = _row("gatehouse.vendor.retention", STR, "CL", "from the vendor's record")
EDIT_COUNT = _row("gatehouse.edit.count", INT, "CL", "changes made to the client's bytes")
EDIT_KINDS = _row("gatehouse.edit.kinds", STRS, "CL", "kinds of those changes")
REPLY_EDIT_KINDS = _row(
    "gatehouse.reply.edit.kinds", STRS, "SL", "what was put into the answer here: `warning`"
)
REPLY_EDIT_RULES = _row("gatehouse.reply.edit.rule.ids", STRS, "SL", "the rules that asked for it")
DROPPED = _row("gatehouse.dropped.fields", STRS, "C", "names of fields translation left out")

USAGE_SOURCE = _row("gatehouse.usage.source", STR, "CL", "who counted the tokens")
COST = _row("gatehouse.cost.usd_nanos", INT, "CL", "nano-USD")
PRICE_BOOK = _row("gatehouse.cost.price_book", STR, "CL", "the prices the cost rests on")
TOTAL_US = _row("gatehouse.latency.total_us", INT, "SL", "us, first byte in to books closed")
UPSTREAM_US = _row("gatehouse.latency.upstream_us", INT, "SL", "us, all attempts together")
GATEWAY_US = _row("gatehouse.latency.gateway_us", INT, "SL", "us, total without the attempts")
TTFT_US = _row("gatehouse.latency.ttft_us", INT, "SL", "us, first byte in to first byte out")
OUTCOME = _row(
    "gatehouse.outcome",
    STR,
    "SL",
    "how it ended: `complete`, `denied`, `failed`, `cut`, ...",
)

RECORD_ID = _row("audit.record.id", STR, "SPCL", "the ledger record told; sinks dedupe on it")
AUDIT_SCHEMA = _row("audit.schema.version", STR, "L", f"`{RECORD_SCHEMA}`")
ACTOR = _row("audit.actor.id", STR, "L", "the user's pseudonym")
ACTOR_TYPE = _row("audit.actor.type", STR, "L", "`user` or `service`; `system` where nobody asked")
ACTION = _row(
    "audit.action", STR, "L", "the kind of record: `admitted`, `repeated`, `key_revoked`, ..."
)
AUDIT_OUTCOME = _row("audit.outcome", STR, "L", "`success`, `failure`, `unknown`")
AUDIT_TARGET = _row(
    "audit.target.id", STR, "L", "model asked for, target tried, or what was changed"
)
AUDIT_TARGET_TYPE = _row(
    "audit.target.type", STR, "L", "`model`, `target`, `key`, `configuration` or `break_glass`"
)
LANE = _row("audit.sequence.stream_id", STR, "L", "the lane of the ledger")
SEQUENCE = _row("audit.sequence.number", INT, "L", "place in the lane")
PREV_HASH = _row("audit.sequence.prev_hash", STR, "L", "hash of the record before it, hex")
RECORD_HASH = _row("audit.integrity.value", STR, "L", "hash of the record, hex")
HASH_ALGORITHM = _row("audit.integrity.algorithm", STR, "L", "`SHA-256`, of the canonical JSON")

TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - a label of a metric: `input` or `output`

# Collected, not listed again: an attribute that this module names is part of the contract.
ATTRIBUTES: tuple[Attribute, ...] = tuple(
    value for value in tuple(globals().values()) if isinstance(value, Attribute)
)


class Instrument(Enum):
    """What kind of metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its OpenTelemetry name, unit, labels, meaning and histogram bounds."""

    name: str
    instrument: Instrument
    unit: str  # UCUM: `s`, `{token}`; "" where the name says it
    labels: tuple[str, ...]
    meaning: str
    bounds: tuple[float, ...] = ()  # in `unit`

    @property
    def prometheus(self) -> str:
        """Its name on `/metrics`, by OpenTelemetry's rules for Prometheus."""
        name = self.name.replace(".", "_") + ("_seconds" if self.unit == "s" else "")
        return name + ("_total" if self.instrument is Instrument.COUNTER else "")

    @property
    def prometheus_labels(self) -> tuple[str, ...]:
        """Its labels on `/metrics`."""
        return tuple(label.replace(".", "_") for label in self.labels)


# Bounds of the GenAI conventions (gen-ai-metrics.md of semantic-conventions-genai).
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TTFT = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_TOKENS = tuple(float(4**power) for power in range(14))
_APPEND = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_CALL = (OPERATION.name, PROVIDER.name, REQUEST_MODEL.name)
_ASKED = (OPERATION.name, REQUEST_MODEL.name)
_C, _G, _H = Instrument.COUNTER, Instrument.GAUGE, Instrument.HISTOGRAM

OPERATION_DURATION = Metric(
    "gen_ai.client.operation.duration", _H, "s", (*_CALL, ERROR_TYPE.name),
    "one attempt at one target", _SECONDS,
)  # fmt: skip
TOKEN_USAGE = Metric(
    "gen_ai.client.token.usage", _H, "{token}", (*_CALL, TOKEN_TYPE),
    "tokens of one answer, cached input included", _TOKENS,
)  # fmt: skip
TIME_TO_FIRST_CHUNK = Metric(
    "gen_ai.client.operation.time_to_first_chunk", _H, "s", _CALL,
    "attempt's start to its first byte; streams only", _SECONDS,
)  # fmt: skip
REQUEST_DURATION = Metric(
    "gen_ai.server.request.duration", _H, "s", (*_ASKED, ERROR_TYPE.name),
    "one exchange as its client sees it", _SECONDS,
)  # fmt: skip
TIME_TO_FIRST_TOKEN = Metric(
    "gen_ai.server.time_to_first_token", _H, "s", _ASKED,
    "first byte in to first byte of the answer; answered exchanges", _TTFT,
)  # fmt: skip
POLICY_DECISIONS = Metric(
    "gatehouse.policy.decisions", _C, "", ("team", "decision", "rule"),
    "decisions; `rule` is `none` where nothing refused",
)  # fmt: skip
POLICY_REPEATS = Metric(
    "gatehouse.policy.repeats", _C, "", ("team", "rule"),
    "denied turns asked again and given the same answer: no decisions of their own",
)  # fmt: skip
TOKENS = Metric(
    "gatehouse.tokens", _C, "{token}", ("team", "model", "class"),
    "tokens used; classes are disjoint, but `reasoning` is part of `output`",
)  # fmt: skip
COST_METRIC = Metric("gatehouse.cost.usd_nanos", _C, "", ("team", "model"), "spent, nano-USD")
IN_FLIGHT = Metric("gatehouse.in_flight", _G, "", (), "exchanges open now")
AUDIT_APPEND = Metric(
    "gatehouse.audit.append.duration", _H, "s", (), "append asked to record durable", _APPEND
)
AUDIT_QUEUE = Metric("gatehouse.audit.queue.depth", _G, "", (), "records waiting for the writer")
AUDIT_FAILURES = Metric("gatehouse.audit.device.failures", _C, "", ("cause",), "records not taken")
CONFIG_RELOADS = Metric("gatehouse.config.reloads", _C, "", ("result",), "`applied` or `refused`")
CONFIG_INFO = Metric(
    "gatehouse.config.info", _G, "", ("digest", "origin"),
    "1 for the one in force; `origin` is `files`, `pin`, `last_good`, `approved` or `embedded`",
)  # fmt: skip
BREAK_GLASS = Metric("gatehouse.break_glass.open", _G, "", (), "exceptions from policy open now")
AUTH_FAILURES = Metric("gatehouse.auth.failures", _C, "", ("cause",), "callers turned away")
UPSTREAM_ATTEMPTS = Metric(
    "gatehouse.upstream.attempts", _C, "", ("vendor", "result"), "`ok`, or the failure's code"
)
CAPS_AT_RISK = Metric(
    "gatehouse.caps.at_risk.usd_nanos", _G, "", (),
    "what running answers here can still cost beyond what is reserved, nano-USD",
)  # fmt: skip
CAPS_STORE_AWAY = Metric("gatehouse.caps.store.away", _G, "", (), "1 while the counters' store is")
CAPS_WAITING = Metric(
    "gatehouse.caps.store.waiting", _G, "", (), "settlements the store was not told yet"
)
CAPS_DROPPED = Metric(
    "gatehouse.caps.store.dropped", _C, "", (), "settlements it never will be: leases end these"
)

METRICS: tuple[Metric, ...] = tuple(
    value for value in tuple(globals().values()) if isinstance(value, Metric)
)


if __name__ == "__main__":
    from gateway.telemetry.reference import write

    write()
