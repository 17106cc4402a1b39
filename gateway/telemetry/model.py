"""What the projection takes and gives: ledger records in, spans and log records out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

import orjson

from gateway.telemetry.fitting import Value, fit_count

Pseudonym = Callable[[str], str]
"""(subject) -> the pseudonym that stands for it outside; the same subject gives the same one."""

ENDS = frozenset({"denied", "completed", "unknown"})
"""The kinds of record that end an exchange."""

LATE = "late"
"""The kind of an end that came when its exchange had been given another."""

STORY_KINDS = ENDS | {"admitted", "attempted"}
"""The kinds that tell of an exchange; its spans are made of them."""


class LedgerUnreadable(Exception):
    """The ledger cannot be read now; the message says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """One ledger row as the projection needs it: where it stands, its hash, and its body.

    `kind` is `unreadable` for a body that is none, and `late` for an end that is none any more.
    `time_us` is UTC microseconds since the epoch.
    """

    lane: str
    seq: int
    record_hash: str  # hex
    body: Mapping[str, object]
    kind: str
    time_us: int

    @classmethod
    def of_row(cls, lane: str, seq: int, kind: str, raw: str, record_hash: bytes) -> "Record":
        """Take a row whose body may be no JSON object: it still arrives, with its place and hash.

        Of the row's `kind` only `late` counts: the body does not know.
        """
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            body = {}
        told = body if isinstance(body, dict) else {}
        if kind == LATE:
            told = {**told, "kind": LATE}
        return cls.read(lane, seq, record_hash.hex(), told)

    @classmethod
    def read(cls, lane: str, seq: int, record_hash: str, body: Mapping[str, object]) -> "Record":
        """Take a row as it stands in the ledger."""
        kind = body.get("kind")
        known = kind if isinstance(kind, str) and kind else "unreadable"
        return cls(lane, seq, record_hash, body, known, fit_count(body.get("time_unix_us")) or 0)

    def text(self, key: str) -> str | None:
        """A text of the body, if it holds one under `key`."""
        value = self.body.get(key)
        return value if isinstance(value, str) and value else None

    def number(self, key: str) -> int | None:
        """A count of the body, if it holds one under `key`."""
        return fit_count(self.body.get(key))

    def part(self, key: str) -> Mapping[str, object]:
        """An object of the body; empty when there is none."""
        value = self.body.get(key)
        return value if isinstance(value, dict) else {}

    def parts(self, key: str) -> tuple[Mapping[str, object], ...]:
        """A list of objects of the body; empty when there is none."""
        value = self.body.get(key)
        items = value if isinstance(value, list) else ()
        return tuple(item for item in items if isinstance(item, dict))


class SpanKind(IntEnum):
    """The kinds of span we make, with OTLP's numbers."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3


class Severity(IntEnum):
    """The severities we give, with OTLP's numbers."""

    INFO = 9
    WARN = 13
    ERROR = 17


@dataclass(frozen=True, slots=True)
class Common:
    """Attributes that many spans or log records share: made once for all, and encoded once.

    Equal by what they hold, looked up by which they are.
    """

    values: Mapping[str, Value]

    __hash__ = object.__hash__


NOTHING_COMMON = Common({})


@dataclass(frozen=True, slots=True)
class Span:
    """One span. `error` is the stable code of its failure: its status is then an error.

    Its attributes are `own`, which differ in every span, and those it has in `common` with others.
    """

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    kind: SpanKind
    start_us: int
    end_us: int
    own: Mapping[str, Value]
    common: Common = NOTHING_COMMON
    error: str | None = None

    @property
    def attributes(self) -> dict[str, Value]:
        """All of them."""
        return {**self.common.values, **self.own}


@dataclass(frozen=True, slots=True)
class Log:
    """One log record. Its ids are empty where the ledger record belongs to no exchange.

    Its attributes are in two parts, as a span's.
    """

    trace_id: bytes
    span_id: bytes
    event: str
    severity: Severity
    time_us: int
    own: Mapping[str, Value]
    common: Common = NOTHING_COMMON

    @property
    def attributes(self) -> dict[str, Value]:
        """All of them."""
        return {**self.common.values, **self.own}


@dataclass(frozen=True, slots=True)
class Projection:
    """What one exchange, or one record of its own, becomes. `lane` names the sending replica."""

    lane: str
    spans: tuple[Span, ...]
    logs: tuple[Log, ...]
