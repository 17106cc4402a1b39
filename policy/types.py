"""The words policy speaks: who asks, what is known of the request, what was decided."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from typing import ClassVar

import msgspec


class DataClass(IntEnum):
    """How far content may travel. Higher is stricter; a target's clearance must reach it."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2
    RESTRICTED = 3

    @property
    def label(self) -> str:
        """The name people write in configuration: `public`, `internal`, ..."""
        return self.name.lower()

    @classmethod
    def parse(cls, label: str) -> "DataClass":
        """Read a label. Raises `ValueError` naming the four that exist."""
        try:
            return cls[label.upper()]
        except KeyError:
            known = ", ".join(each.label for each in cls)
            raise ValueError(f"unknown data class {label!r}; one of: {known}") from None


class Operation(StrEnum):
    """What the caller asks a model to do (names of OpenTelemetry's `gen_ai.operation.name`)."""

    CHAT = "chat"
    TEXT_COMPLETION = "text_completion"
    EMBEDDINGS = "embeddings"
    RERANK = "rerank"  # of our own: the conventions have no word for it
    COUNT_TOKENS = "count_tokens"

    @property
    def writes(self) -> bool:
        """Whether the model answers in tokens of its own, which cost."""
        return self in (Operation.CHAT, Operation.TEXT_COMPLETION)


class Scope(msgspec.Struct, frozen=True):
    """What a key is limited to, within what its team may. What is empty limits nothing.

    `models` are names under `models` of the configuration, `networks` are in CIDR form.
    """

    models: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()

    def covers(self, model: str) -> bool:
        """Whether the key may ask this model, as far as this goes."""
        return not self.models or model in self.models


class Identity(msgspec.Struct, frozen=True):
    """Who is asking: a person, or a service. One key speaks for exactly one team.

    `signs_in`: by a token, of which they get another every now and then, and not by a key.
    """

    subject: str
    team: str
    roles: frozenset[str]
    credential_id: str
    scope: Scope | None = None
    is_service: bool = False
    signs_in: bool = False

    @property
    def counted_key(self) -> str:
        """What a cap per key counts: the key, or who signs in, whatever the token."""
        return f"{self.kind} {self.subject}" if self.signs_in else self.credential_id

    @property
    def kind(self) -> str:
        """`person`, or `service` for what is none (a build, a bot)."""
        return "service" if self.is_service else "person"


class Circumstances(msgspec.Struct, frozen=True):
    """When, with what and from where a request is made: UTC seconds, the assistant, the caller.

    An assistant that cannot be told is `unrecognised`; a version or address that is not known is
    None. The address is the connection's other end.
    """

    unix_seconds: int
    assistant: str = "unrecognised"
    assistant_version: str | None = None
    address: str | None = None


class Zone(StrEnum):
    """Where in a conversation a piece of text stands."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL_RESULT = "tool_result"
    TOOL_CALL = "tool_call"
    TOOL_DEFINITION = "tool_definition"


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of text of a request: JSON path (`messages.3.content.0.text`), zone and text."""

    path: str
    zone: Zone
    text: str


class RequestFacts(msgspec.Struct, frozen=True):
    """What the gateway needs to know of a request, whatever protocol it came in.

    `read_segments` parses the content only when somebody asks: most requests are decided,
    routed and recorded without it. `continues` is the id of an earlier answer that its vendor
    keeps and this request goes on from. `alias` is the name the caller used where that was an
    alias; `model` is then the model it stands for.
    """

    model: str
    streaming: bool
    operation: Operation
    body_bytes: int
    input_tokens_estimate: int
    output_tokens_limit: int | None
    answers: int
    tool_names: tuple[str, ...]
    read_segments: Callable[[], tuple[Segment, ...]]
    continues: str | None = None
    alias: str | None = None

    @property
    def asked_model(self) -> str:
        """The model by the name the caller used."""
        return self.alias or self.model

    def after(self, kept_tokens: int) -> "RequestFacts":
        """The same request, as the vendor sees it that keeps so much of the conversation."""
        tokens = self.input_tokens_estimate + kept_tokens
        return msgspec.structs.replace(self, input_tokens_estimate=tokens)

    def under(self, model: str) -> "RequestFacts":
        """The same request, asked under an alias of `model`."""
        return msgspec.structs.replace(self, model=model, alias=self.model)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a detector saw: where and what kind, never the value."""

    kind: str
    rule: str
    path: str
    start: int
    end: int
    severity: str


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What rules may ask about a target. `name` is `vendor/upstream-model`.

    `price_known` is also true for what costs nothing (an in-house target without a price).
    """

    name: str
    in_house: bool
    clearance: DataClass
    region: str | None = None
    jurisdiction: str | None = None
    retention: str | None = None
    review_date: date | None = None
    price_known: bool = False

    @property
    def vendor(self) -> str:
        """The vendor's name in this installation."""
        return self.name.partition("/")[0]


class Unit(StrEnum):
    """What a cap counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    NANO_USD = "nano_usd"
    PARALLEL = "parallel"


class Period(StrEnum):
    """How long a window is; `NOW` is for what is held at this moment. Weeks begin on Monday."""

    NOW = "now"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Pace(StrEnum):
    """How room comes back."""

    EVEN = "even"  # a whole window's amount may come at once, then it drains evenly
    CALENDAR = "calendar"  # all of it, when the next minute, hour, day, week or month begins
    SLIDING = "sliding"  # as what was used leaves the window; a month is then 30 days


class Window(msgspec.Struct, frozen=True):
    """Over what time a cap counts. The time zone matters to calendars only."""

    period: Period
    pace: Pace = Pace.CALENDAR
    time_zone: str = "UTC"

    NOW: ClassVar["Window"]
    MINUTE: ClassVar["Window"]
    CALENDAR_MONTH_UTC: ClassVar["Window"]

    @property
    def label(self) -> str:
        """Its name in the ledger: `now`, `minute`, `calendar_day_utc`, `sliding_week`."""
        if self.pace is Pace.EVEN:
            return self.period.value
        if self.pace is Pace.SLIDING:
            return f"sliding_{self.period.value}"
        zone = "_utc" if self.time_zone == "UTC" else f" {self.time_zone}"
        return f"calendar_{self.period.value}{zone}"


Window.NOW = Window(Period.NOW, Pace.EVEN)
Window.MINUTE = Window(Period.MINUTE, Pace.EVEN)
Window.CALENDAR_MONTH_UTC = Window(Period.MONTH)


class Cap(msgspec.Struct, frozen=True):
    """At most `amount` of `unit` per `window` for `account` (`team:web`). Also a budget is one.

    `targets` are those whose answers it counts; without any it counts every answer. Where it is
    used up, just these targets are taken out. A strict one has the longest answer reserved.
    """

    account: str
    unit: Unit
    amount: int
    window: Window
    targets: tuple[str, ...] = ()
    is_strict: bool = False

    @property
    def counter(self) -> str:
        """The name of what counts it, whatever its amount."""
        return f"{self.account}|{self.unit.value}|{self.window.label}"

    def counts(self, target: str) -> bool:
        """Whether an answer of this target is counted."""
        return not self.targets or target in self.targets

    def counts_any(self, targets: Sequence[str]) -> bool:
        """Whether an answer of any of these targets is counted."""
        return not self.targets or any(name in self.targets for name in targets)


class Notice(msgspec.Struct, frozen=True):
    """A warning that is to be read inside the assistant: whose rule, and one line of text."""

    rule: str
    text: str


class Allow(msgspec.Struct, frozen=True):
    """The request may go to any of `targets` (in order of preference), and nowhere else.

    `warnings` are all there are; `notices` are those of them that are shown inside the assistant
    as well. `shadow` are the rules that would have denied it, were they enforced; `exceptions` the
    ids of the break-glasses without which it would have been refused, sent to fewer targets or
    capped.
    """

    targets: tuple[str, ...]
    data_class: DataClass
    caps: tuple[Cap, ...] = ()
    warnings: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deny:
    """The request may not go anywhere: which rule, why, and what to do instead.

    `code` is the stable word machines read: `policy_denied`, `model_not_found`,
    `request_too_large`, `rate_limited`, `budget_exceeded`. `lasts` is False where time, other
    requests, or what is no part of the conversation may turn it: the same turn asked again is then
    decided anew, and not just told this answer.
    """

    rule: str
    reason: str
    alternative: str | None = None
    code: str = "policy_denied"
    lasts: bool = True


Decision = Allow | Deny
