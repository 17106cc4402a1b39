"""What requests and answers of the admin API are made of: strict in, exact out."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from gateway.admin.problems import Flaw, Problem

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Given(BaseModel):
    """What a request's body holds: no unknown fields, no guessing of types, no values in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Queried(BaseModel):
    """What a request asks for in its query; what it does not know is refused before."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Told(BaseModel):
    """What an answer holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("holds a character that cannot be printed")
    return value


def _moment(value: str) -> str:
    parse_moment(value)
    return value


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
"""A name as people give them."""

Reason = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_printable)]
"""Why somebody changes something, for whoever reads the ledger."""

Moment = Annotated[
    str,
    Field(max_length=40),
    AfterValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-21T09:15:00Z"]}),
]
"""RFC 3339 with an offset, or a date, which is its midnight in UTC."""

TimeTold = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339 in UTC; beside it stands the same time in microseconds."""


class WhoseGiven(Given):
    """Whom a change is about: one user or one service."""

    user: Text | None = None
    service: Text | None = Field(default=None, description="In place of user: no person.")

    def whose(self) -> tuple[str, bool]:
        """The one name given, and whether it is a service's. Raises a problem (422)."""
        if self.service is not None and self.user is None:
            return self.service, True
        if self.user is None or self.service is not None:
            raise neither_or_both("body")
        return self.user, False


def neither_or_both(where: str) -> Problem:
    """Not one user or one service."""
    told = "say whose: either user, or service for what is no person"
    return Problem(422, "invalid_request", told, [Flaw(where=where, message=told)])


def parse_moment(text: str) -> datetime:
    """A moment in UTC. Raises `ValueError` saying what to write."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None and len(text) > len("2026-11-21"):
            raise ValueError
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("a time is written 2026-11-21T09:15:00Z, or 2026-11-21") from None


def unix_us_of(text: str) -> int:
    """The same in microseconds since the epoch."""
    return (parse_moment(text) - EPOCH) // timedelta(microseconds=1)


def time_told(unix_us: int) -> str:
    """`2026-11-21T09:15:00.123456Z`."""
    moment = EPOCH + timedelta(microseconds=unix_us)
    return moment.isoformat().replace("+00:00", "Z")


def maybe_told(unix_us: int | None) -> str | None:
    """The same of a time that there may not be."""
    return None if unix_us is None else time_told(unix_us)
