"""What people write about policy: teams, the models they may use, their data class and limits."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

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


class LimitsDocument(Section):
    """How much a team may use. What is left out is not limited (but for the request's size)."""

    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """Requests a minute; a whole minute's worth may come at once."""
    tokens_per_minute: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """Input and output tokens a minute; estimated before, corrected after each answer."""
    parallel: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Requests being answered at the same time."""
    usd_per_month: Usd | None = None
    """US dollars a calendar month (UTC). Targets without a known price are then refused."""
    max_request_bytes: Annotated[int, Field(ge=1, le=1024 * 1024 * 1024)] = MAX_REQUEST_BYTES
    """Bytes of one request's body."""


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
