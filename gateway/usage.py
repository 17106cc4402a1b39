"""What was used, as values: sums by day, team, user, model, assistant, vendor and target."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

HOUR_SECONDS: Final = 3600
DAY_SECONDS: Final = 86_400

Place = tuple[str | int, ...]
"""What a row is sorted by when rows are in the order of their names: as JSON can carry it."""


class Dimension(StrEnum):
    """What sums can be grouped by, in the order in which several are told."""

    DAY = "day"  # UTC
    TEAM = "team"
    USER = "user"  # persons and services
    MODEL = "model"
    ASSISTANT = "assistant"
    VENDOR = "vendor"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which sums: whole hours of UTC, `until` left out, of whom, and by what.

    A team, user, model, assistant or vendor that is None does not matter.
    """

    since_unix_seconds: int
    until_unix_seconds: int
    by: tuple[Dimension, ...] = ()
    team: str | None = None
    user: str | None = None
    model: str | None = None
    assistant: str | None = None
    vendor: str | None = None

    def __post_init__(self) -> None:
        if self.since_unix_seconds % HOUR_SECONDS or self.until_unix_seconds % HOUR_SECONDS:
            raise ValueError("what was used is summed by whole hours")
        if len(set(self.by)) != len(self.by):
            raise ValueError("sums are grouped by each thing once")


@dataclass(frozen=True, slots=True)
class Used:
    """Sums of exchanges. Tokens are in disjoint classes; output holds the reasoning.

    `requests` are all that were decided on, `denied` and `failed` among them; `failed` are those
    that ended without a whole answer though the client stayed. `unpriced` are those whose cost is
    not known, or not wholly: it is missing from `cost_nano_usd`.
    """

    requests: int = 0
    denied: int = 0
    failed: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost_nano_usd: int = 0

    @property
    def total_tokens(self) -> int:
        """Tokens of every class."""
        return (
            self.input_tokens
            + self.cache_read_tokens
            + self.cache_write_tokens
            + self.output_tokens
        )

    @property
    def unpriced_share(self) -> float:
        """The part of the requests that were not denied whose cost is not wholly known: 0 to 1."""
        served = self.requests - self.denied
        return self.unpriced / served if served else 0.0


SUMS: Final = tuple(each.name for each in fields(Used))


@dataclass(frozen=True, slots=True)
class UsageRow:
    """The sums of one group: its value of each dimension asked for, None where it is not known.

    A group of a user also has `kind`: `person` or `service`.
    """

    group: Mapping[str, str | None]
    used: Used
    place: Place = ()

    def facts(self) -> dict[str, object]:
        """The row as JSON has it: its group, then its sums."""
        sums = {name: getattr(self.used, name) for name in SUMS}
        return {**self.group, **sums, "total_tokens": self.used.total_tokens}


def whole_hours(since_unix_seconds: int, until_unix_seconds: int) -> tuple[int, int]:
    """The least of whole hours that hold this time."""
    first = since_unix_seconds // HOUR_SECONDS * HOUR_SECONDS
    return first, -(-until_unix_seconds // HOUR_SECONDS) * HOUR_SECONDS
