"""Times and money as people write and read them: `90d`, `2026-11-21`, `$0.0123`."""

import re
from datetime import UTC, datetime, timedelta

from gateway.cli.exits import CommandFailed, Exit

_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(text: str) -> timedelta:
    """`90d`, `12h`, `30m`, `45s`, `2w`. Raises `CommandFailed` (usage) saying what is possible."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise CommandFailed(
            f"{text!r} is not a duration; write a number and s, m, h, d or w, like 90d or 12h",
            Exit.USAGE,
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def parse_moment(text: str, now: datetime) -> datetime:
    """A moment in UTC: a duration is that long before `now`, else an ISO date or time.

    A time without an offset is UTC. Raises `CommandFailed` (usage).
    """
    if _DURATION.fullmatch(text.strip()):
        return before(now, parse_duration(text))
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CommandFailed(
            f"{text!r} is not a time; write 2h (ago), 2026-11-21 or 2026-11-21T09:15:00Z (UTC)",
            Exit.USAGE,
        ) from None


def before(now: datetime, duration: timedelta) -> datetime:
    """`now` less `duration`, but not before there were computers."""
    try:
        return max(now - duration, datetime(1970, 1, 1, tzinfo=UTC))
    except OverflowError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def unix_us(moment: datetime) -> int:
    """Microseconds since the epoch, exactly."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def format_unix_us(microseconds: int | None) -> str:
    """`2026-11-21T09:15:00Z`; empty for None."""
    if microseconds is None:
        return ""
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_duration_us(microseconds: int) -> str:
    """`830 µs`, `12.4 ms`, `3.20 s`, `2 min 5 s`."""
    if microseconds < 1_000:
        return f"{microseconds} µs"
    if microseconds < 1_000_000:
        return f"{microseconds / 1_000:.1f} ms"
    if microseconds < 60_000_000:
        return f"{microseconds / 1_000_000:.2f} s"
    minutes, seconds = divmod(microseconds // 1_000_000, 60)
    return f"{minutes} min {seconds} s"


def format_usd(nano_usd: int) -> str:
    """Money, exactly: `$12.34`, `$0.00000045`; two places at least."""
    whole, nano = divmod(nano_usd, 1_000_000_000)
    places = f"{nano:09d}".rstrip("0")
    return f"${whole:,}.{places:0<2}"


def format_usd_rounded(nano_usd: int) -> str:
    """Money as a column of a table shows it: `$1,234.50`, `$0.0042`, `<$0.0001`."""
    if nano_usd >= 1_000_000_000:
        return f"${nano_usd / 1_000_000_000:,.2f}"
    if 0 < nano_usd < 100_000:
        return "<$0.0001"
    return f"${nano_usd / 1_000_000_000:.4f}" if nano_usd else "$0"
