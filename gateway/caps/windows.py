"""Where windows begin and end: calendars in their time zone, sliding ones in slots. Pure."""

from datetime import date, datetime, timedelta

from gateway.caps.port import QUARTER_SECONDS
from policy.rulebook.moments import midnight, zone_of
from policy.types import Pace, Period, Window

LENGTH_SECONDS = {
    Period.MINUTE: 60,
    Period.HOUR: 3600,
    Period.DAY: 86_400,
    Period.WEEK: 7 * 86_400,
    Period.MONTH: 30 * 86_400,
}
"""How long a sliding window is."""

SLOT_SECONDS = {
    Period.MINUTE: 1,
    Period.HOUR: 60,
    Period.DAY: QUARTER_SECONDS,
    Period.WEEK: 3600,
    Period.MONTH: 6 * 3600,
}
"""What is used leaves a sliding window a slot at a time, when the whole slot is out of it."""


def span_of(window: Window, unix_s: int) -> tuple[int, int]:
    """The first moment of the calendar window that a moment is in, and of the next one."""
    zone, name = zone_of(window.time_zone), window.time_zone
    local = datetime.fromtimestamp(unix_s, zone)
    match window.period:
        case Period.DAY:
            first = local.date()
            return midnight(first, name), midnight(first + timedelta(days=1), name)
        case Period.WEEK:
            first = local.date() - timedelta(days=local.weekday())
            return midnight(first, name), midnight(first + timedelta(days=7), name)
        case Period.MONTH:
            return midnight(local.date().replace(day=1), name), midnight(_next_month(local), name)
        case _:
            length = LENGTH_SECONDS[window.period]
            offset = int((local.utcoffset() or timedelta()).total_seconds())
            start = unix_s - (unix_s + offset) % length
            return start, start + length


def oldest_slot(period: Period, unix_s: int) -> int:
    """The number of the oldest slot that is still, in part, in a sliding window."""
    return (unix_s - LENGTH_SECONDS[period]) // SLOT_SECONDS[period]


def leaves_at(period: Period, slot: int) -> int:
    """When a slot is out of the sliding window."""
    return (slot + 1) * SLOT_SECONDS[period] + LENGTH_SECONDS[period]


def begins_at(window: Window, unix_s: int) -> int:
    """The earliest moment that may count in the window now."""
    if window.pace is Pace.SLIDING:
        return oldest_slot(window.period, unix_s) * SLOT_SECONDS[window.period]
    return span_of(window, unix_s)[0]


def is_remembered(window: Window) -> bool:
    """Whether it is long enough for what was used before a start to matter."""
    return window.pace is not Pace.EVEN and window.period is not Period.MINUTE


def _next_month(local: datetime) -> date:
    year, month = divmod(local.year * 12 + local.month, 12)
    return date(year, month + 1, 1)
