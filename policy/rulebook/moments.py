"""Days and hours as people mean them: in a time zone, with summer time. The clock comes in."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

NEVER = 2**62
"""UTC seconds that no clock reaches."""

_MINUTES_A_DAY = 24 * 60


def zone_of(name: str) -> tzinfo:
    """A time zone by its name. Raises `LookupError` for one that this machine does not know.

    UTC needs no database of zones, which small container images lack.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError) as error:  # a name that leads out of the database, or a folder
        raise LookupError(name) from error


def midnight(day: date, zone: str) -> int:
    """The first moment of a day in a time zone, in UTC seconds."""
    return int(datetime.combine(day, time(), zone_of(zone)).timestamp())


@lru_cache(maxsize=256)
def _local(zone: str, unix_minute: int) -> tuple[int, int]:
    local = datetime.fromtimestamp(unix_minute * 60, zone_of(zone))
    return local.weekday(), local.hour * 60 + local.minute


def weekday_at(zone: str, unix_seconds: int) -> int:
    """The day of the week there at that moment; Monday is 0."""
    return _local(zone, unix_seconds // 60)[0]


def minute_at(zone: str, unix_seconds: int) -> int:
    """The minute of the day there at that moment."""
    return _local(zone, unix_seconds // 60)[1]


def minutes_of(spans: Sequence[str]) -> frozenset[int]:
    """Every minute of the day within one of these spans; `22:00-06:00` goes over midnight."""
    found: set[int] = set()
    for span in spans:
        start, end = (_minute(each) for each in span.split("-"))
        if start < end:
            found.update(range(start, end))
        else:
            found.update(range(start, _MINUTES_A_DAY), range(end))
    return frozenset(found)


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)
