"""What people write about policy: teams, the models they may use, their data class and limits."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from policy.rulebook.moments import zone_of
from policy.types import DataClass

MAX_REQUEST_BYTES = 32 * 1024 * 1024
"""What a team may send in one request unless its limits say otherwise."""

NANO_USD_PER_USD = 1_000_000_000

_LARGEST_USD = 9_000_000
"""Nano-USD stay below 2**53, so that every JSON reader of the ledger sees the exact number."""

_NAME = r"[a-z0-9._-]{1,64}"
_MODEL_NAME = r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}"


class Section(BaseModel):
    """A part of the file: no unknown fields, no guessing of types, no values in error texts."""

    model_config = ConfigDict(
        defer_build=True,  # most are parts of others, which hold what checks them
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


def _matching(pattern: str, rule: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise ValueError(rule)
        return value

    return check


def _without_repeats(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("names something twice; keep one of the two")
    return values


def _as_decimal(value: object) -> object:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


Name = Annotated[
    str,
    AfterValidator(_matching(_NAME, "a name is 1 to 64 characters of a-z, 0-9, '.', '_' and '-'")),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME}$"}),
]
"""A team or a vendor. ASCII and lower case only, so that no two names look alike."""

ModelName = Annotated[
    str,
    AfterValidator(
        _matching(
            _MODEL_NAME,
            "a model's name is 1 to 128 characters of A-Z, a-z, 0-9 and ._:/@+-, "
            "and starts with a letter or digit",
        )
    ),
    WithJsonSchema({"type": "string", "pattern": f"^{_MODEL_NAME}$"}),
]
"""A model as clients name it."""

DataClassLabel = Literal["public", "internal", "confidential", "restricted"]

Usd = Annotated[
    Decimal,
    BeforeValidator(_as_decimal),
    Field(ge=0, le=_LARGEST_USD),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": _LARGEST_USD}),
]
"""US dollars, exactly as written."""


def nano_usd(usd: Decimal) -> int:
    """Dollars as the integer the gateway counts in, rounded down."""
    return int(usd * NANO_USD_PER_USD)


def _zone(value: str) -> str:
    try:
        zone_of(value)
    except LookupError:
        raise ValueError(
            f"{value[:60]!r} is no time zone this machine knows; write one such as Europe/Berlin"
        ) from None
    return value


Zone = Annotated[
    str, AfterValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin"]})
]
"""A time zone by its name."""

Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
TokenCount = Annotated[int, Field(ge=1, le=1_000_000_000_000)]


class AmountsDocument(Section):
    """How much may be used. What is left out is not limited."""

    requests_per_minute: Count | None = None
    """Requests a minute; a whole minute's worth may come at once, then the rate holds."""
    requests_per_hour: Count | None = None
    """Requests an hour."""
    requests_per_day: Count | None = None
    """Requests a day."""
    requests_per_week: Count | None = None
    """Requests a week; it begins on Monday."""
    requests_per_month: Count | None = None
    """Requests a month."""
    tokens_per_minute: Count | None = None
    """Input and output tokens a minute; estimated before, corrected after each answer."""
    tokens_per_hour: TokenCount | None = None
    """Tokens an hour."""
    tokens_per_day: TokenCount | None = None
    """Tokens a day."""
    tokens_per_week: TokenCount | None = None
    """Tokens a week."""
    tokens_per_month: TokenCount | None = None
    """Tokens a month."""
    usd_per_minute: Usd | None = None
    """US dollars a minute. Targets without a known price are refused wherever money is limited."""
    usd_per_hour: Usd | None = None
    """US dollars an hour."""
    usd_per_day: Usd | None = None
    """US dollars a day."""
    usd_per_week: Usd | None = None
    """US dollars a week."""
    usd_per_month: Usd | None = None
    """US dollars a month."""
    parallel: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Requests being answered at the same time."""
    window: Literal["calendar", "sliding"] | None = None
    """`calendar`: from one minute, hour, day, week or month to the next. `sliding`: over the last
    60 seconds, 60 minutes, 24 hours, 7 or 30 days. Left out: sliding up to an hour, calendar for
    what is longer; requests and tokens of a minute are then let through evenly."""
    strict: bool = False
    """Reserve what the longest answer takes, not what the last ones took: no overspending."""


class LimitsDocument(AmountsDocument):
    """How much a team may use. What is left out is not limited (but for the request's size)."""

    max_request_bytes: Annotated[int, Field(ge=1, le=1024 * 1024 * 1024)] = MAX_REQUEST_BYTES
    """Bytes of one request's body."""
    per_user: AmountsDocument | None = None
    """How much each of the team's users may use, beside what the team may."""
    per_key: AmountsDocument | None = None
    """How much each of the team's keys may use, beside what the team may."""
    time_zone: Zone = "UTC"
    """In which days, weeks and months begin here."""


class TeamDocument(Section):
    """A team: every key belongs to exactly one."""

    models: Annotated[tuple[ModelName, ...], AfterValidator(_without_repeats)]
    """The models the team may use, by their names under `models`."""
    data_class: DataClassLabel
    """How sensitive the team's code is. Only targets cleared for it are used."""
    limits: LimitsDocument = LimitsDocument()

    @property
    def clearance_needed(self) -> DataClass:
        """The data class as policy compares it."""
        return DataClass.parse(self.data_class)
