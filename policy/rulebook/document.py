"""What people write in a policy file: rules over everything the gateway knows, and their tests."""

import ipaddress
import re
from datetime import UTC, date, datetime
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from policy.document import AmountsDocument, DataClassLabel, ModelName, Name, Section, Zone
from policy.rulebook.versions import NotABound, parse_bounds
from policy.types import Operation

MOST_TEXT = 400

_HOURS = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]-(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)"
_GLOB = re.compile(r"[!-~]{1,128}")

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)

OperationLabel = Literal["chat", "text_completion", "embeddings", "rerank", "count_tokens"]
assert set(get_args(OperationLabel)) == {each.value for each in Operation}


PerLabel = Literal["team", "user", "key", "assistant", "model", "vendor", "target", "together"]
"""Whom a rule's cap is counted for; `together` is everybody it speaks of, as one."""

_PER_SCHEMA = {
    "anyOf": [
        {"enum": list(get_args(PerLabel))},
        {"type": "array", "items": {"enum": list(get_args(PerLabel))}, "minItems": 1},
    ]
}


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise ValueError("needs at least one entry; write together for one cap on everybody")
    if len(set(values)) != len(values):
        raise ValueError("names something twice; keep one of the two")
    if "together" in values and len(values) > 1:
        raise ValueError("together stands alone: it is one cap on everybody")
    return values


def _line(value: str) -> str:
    text = " ".join(value.split())
    if not (0 < len(text) <= MOST_TEXT and text.isprintable()):
        raise ValueError(f"is one to {MOST_TEXT} printable characters, for a person to read")
    return text


def _reason(value: str) -> str:
    return value.removesuffix(".")  # the alternative and the rule follow in the same sentence


def _glob(value: str) -> str:
    if _GLOB.fullmatch(value) is None:
        raise ValueError(
            "is a name, or a pattern with * and ?: 1 to 128 ASCII characters without blanks"
        )
    return value


def _assistant(value: str) -> str:
    try:
        parse_bounds(value)
    except NotABound as error:
        raise ValueError(str(error)) from None
    return value


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(
            "is a network such as 10.0.0.0/8 or fd00::/8, with no bit set behind its length"
        ) from None
    return value


def _hours(value: str) -> str:
    if re.fullmatch(_HOURS, value) is None or value[:5] == value[6:]:
        raise ValueError('is a span such as "09:00-17:30" or "22:00-06:00", in quotes')
    return value


def _day(value: object) -> object:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("a date is written YYYY-MM-DD") from None


def _moment(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("a time is written 2026-07-10 or 2026-07-10T09:00:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _no_mask(value: object) -> object:
    if value == "mask":
        raise ValueError(
            "mask is no effect yet: nothing here detects what to mask; use deny or require_in_house"
        )
    return value


def _not_empty(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise ValueError("needs at least one entry; leave the field out to mean all")
    return values


Line = Annotated[
    str,
    AfterValidator(_line),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MOST_TEXT}),
]
Reason = Annotated[Line, AfterValidator(_reason)]
Glob = Annotated[str, AfterValidator(_glob), WithJsonSchema({"type": "string", "minLength": 1})]
AssistantBound = Annotated[
    str,
    AfterValidator(_assistant),
    WithJsonSchema({"type": "string", "examples": ["claude-code", "claude-code < 2.1.200"]}),
]
Network = Annotated[
    str, AfterValidator(_network), WithJsonSchema({"type": "string", "examples": ["10.0.0.0/8"]})
]
Hours = Annotated[
    str, AfterValidator(_hours), WithJsonSchema({"type": "string", "pattern": f"^{_HOURS}$"})
]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string"})]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]

Some = AfterValidator(_not_empty)
Texts = Annotated[tuple[Line, ...], Some]
Names = Annotated[tuple[Name, ...], Some]
Globs = Annotated[tuple[Glob, ...], Some]


class MatchDocument(Section):
    """Which requests a rule speaks of: every field given must hold, by any one of its values."""

    teams: Names | None = None
    """Teams of this gateway."""
    users: Texts | None = None
    """Whose key it is, exactly as the key was made out."""
    roles: Names | None = None
    """Roles of the key."""
    keys: Texts | None = None
    """Ids of keys, as `gatehouse key list` shows them."""
    assistants: Annotated[tuple[AssistantBound, ...], Some] | None = None
    """Assistants, with bounds of their version where wanted; `unrecognised` is one."""
    models: Globs | None = None
    """Models of this gateway (not aliases), or patterns of their names."""
    vendors: Names | None = None
    """Of the target: its vendor."""
    regions: Texts | None = None
    """Of the target: where it computes."""
    jurisdictions: Texts | None = None
    """Of the target: whose law it is under."""
    retentions: Texts | None = None
    """Of the target: how long it keeps what it is sent."""
    in_house: bool | None = None
    """Of the target: whether it stands in the house."""
    data_from: DataClassLabel | None = None
    """Data of this class and above."""
    data_up_to: DataClassLabel | None = None
    """Data of this class and below."""
    tools: Globs | None = None
    """Names of tools the request offers, or patterns of them. In an `allow`: all tools offered."""
    operations: Annotated[tuple[OperationLabel, ...], Some] | None = None
    """What is asked of the model."""
    request_bytes_over: Count | None = None
    """The body is larger than so many bytes."""
    input_tokens_over: Count | None = None
    """The input is estimated at more than so many tokens."""
    hours: Annotated[tuple[Hours, ...], Some] | None = None
    """Times of day, in the rule's time zone."""
    weekdays: Annotated[tuple[Weekday, ...], Some] | None = None
    """Days of the week, in the rule's time zone."""
    networks: Annotated[tuple[Network, ...], Some] | None = None
    """Networks the caller's address is in."""


class RuleCapDocument(AmountsDocument):
    """How much of what a rule speaks of may be used, and for each of whom. At least one amount."""

    per: Annotated[
        tuple[PerLabel, ...],
        BeforeValidator(_listed),
        AfterValidator(_once),
        WithJsonSchema(_PER_SCHEMA),
    ]
    """For each of whom: one of these, or a list for each pair, such as [user, model]."""


class RuleDocument(Section):
    """One rule: what it does, to which requests, why, and between which dates."""

    id: Name
    """Its name, in denials, in the ledger and where exceptions name it."""
    effect: Annotated[
        Literal["deny", "allow", "warn", "require_in_house", "cap"], BeforeValidator(_no_mask)
    ]
    """`allow` is an exception: it exempts from the rules it names, and gives nothing else."""
    match: MatchDocument = Field(default_factory=MatchDocument)
    """Which requests it speaks of. Left out: all."""
    exempts: Names | None = None
    """Of an `allow`: the ids of the rules that then do not hold."""
    cap: RuleCapDocument | None = None
    """Of a `cap`: how much, and for each of whom."""
    reason: Reason | None = None
    """Why, in a sentence for the developer who reads it."""
    alternative: Line | None = None
    """What to use or do instead."""
    owner: Line | None = None
    """Who answers for this rule."""
    show: Literal["inside", "header"] | None = None
    """Of a rule that warns: where it is read. Left out or `inside`: in the assistant, once a
    session, and in a header of each answer; `header`: in the header only."""
    mode: Literal["enforce", "shadow"] = "enforce"
    """`shadow`: decide and record, do not enforce."""
    warn_from: Day | None = None
    """The first day on which it warns; from `from` on it denies."""
    from_: Annotated[Day | None, Field(alias="from")] = None
    """The first day on which it holds."""
    until: Day | None = None
    """The first day on which it no longer holds."""
    time_zone: Zone = "UTC"
    """In which its days, hours and weekdays are meant."""

    @property
    def can_deny(self) -> bool:
        """Whether a request may end by this rule."""
        return self.effect in ("deny", "require_in_house")

    @property
    def can_warn(self) -> bool:
        """Whether it ever warns."""
        return self.mode == "enforce" and (self.effect == "warn" or self.warn_from is not None)


class RequestDocument(Section):
    """A request as a test puts it. What is left out is as with an ordinary chat."""

    team: Name
    """The key's team."""
    model: ModelName
    """The model asked for, by its name or an alias."""
    user: Line = "somebody"
    """The key's user."""
    roles: tuple[Name, ...] = ("developer",)
    """The key's roles."""
    key: Line = "some-key"
    """The key's id."""
    assistant: Line = "unrecognised"
    """The assistant, and its version behind a blank: `claude-code 2.1.198`."""
    data: DataClassLabel | None = None
    """The content's own data class; the higher of it and the team's counts."""
    tools: tuple[Line, ...] = ()
    """Names of the tools it offers."""
    operation: OperationLabel = "chat"
    """What is asked of the model."""
    request_bytes: Count = 1000
    """The body's size."""
    input_tokens: Count = 300
    """The input's estimate."""
    address: Line | None = None
    """The caller's address. Left out: it is not known."""
    at: Moment | None = None
    """When: a day (its first moment) or a time, UTC unless it says otherwise. Left out: now."""


class ExpectDocument(Section):
    """What must come of it. What is left out does not matter."""

    effect: Literal["allow", "warn", "deny"]
    """`allow` is without any warning, `warn` is allowed with one."""
    rule: Name | None = None
    """The rule that denies or warns."""
    targets: tuple[Line, ...] | None = None
    """The targets that may be tried, in order."""
    shadow: tuple[Name, ...] | None = None
    """The shadow rules that would have denied."""


class CaseDocument(Section):
    """A test: a request and what must come of it."""

    name: Line
    """What the test says, as a sentence."""
    request: RequestDocument
    """Who asks for what, when."""
    expect: ExpectDocument
    """What must come of it."""


class RulebookDocument(Section):
    """One file of the policy: rules, and the tests that hold them."""

    rules: tuple[RuleDocument, ...] = ()
    """Asked in this order, file by file; the first that leaves no target is the one named."""
    tests: tuple[CaseDocument, ...] = ()
    """Run by `gatehouse policy test`."""
