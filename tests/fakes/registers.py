"""Reviews, registers and the days on which they are asked about."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from policy.registers import Registers, Review, ReviewedAssistant
from policy.types import Circumstances
from policy.versions import parse_range

VALID_UNTIL = date(2026, 7, 10)
REVIEWED = date(2026, 1, 10)


def a_review(valid_until: date = VALID_UNTIL, by: str = "Ada Lovelace") -> Review:
    return Review(by, REVIEWED, valid_until)


def an_assistant(
    approved: str = "any", valid_until: date = VALID_UNTIL, **required: str | int | bool
) -> ReviewedAssistant:
    return ReviewedAssistant(a_review(valid_until, "tools@corp"), parse_range(approved), required)


def vendors(**reviews: Review) -> Registers:
    return Registers(vendors=reviews)


def assistants(kept: Mapping[str, ReviewedAssistant]) -> Registers:
    return Registers(assistants=kept)


def on(
    day: date,
    assistant: str = "unrecognised",
    version: str | None = None,
    seconds: int = 43_200,
) -> Circumstances:
    """Asked on a day (at noon, unless so many seconds after midnight are given)."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Circumstances(int(midnight.timestamp()) + seconds, assistant, version)


def days_from(first: date, last: date) -> list[date]:
    """Every day between two, both included."""
    return [first + timedelta(days=each) for each in range((last - first).days + 1)]
