"""Times and money are read and written without surprises."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.times import (
    before,
    format_duration_us,
    format_unix_us,
    format_usd,
    format_usd_rounded,
    parse_duration,
    parse_moment,
    unix_us,
)

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90d", timedelta(days=90)),
        ("12h", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        ("45s", timedelta(seconds=45)),
        (" 2w ", timedelta(weeks=2)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "90", "d", "-1d", "0d", "1.5h", "90 d", "1y", "9999999d", "٣d"]
)
def test_anything_else_is_a_usage_error_that_shows_how(text: str) -> None:
    with pytest.raises(CommandFailed, match="like 90d") as caught:
        parse_duration(text)
    assert caught.value.code is Exit.USAGE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", NOW - timedelta(hours=2)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T10:00:00Z", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20T10:00:00+02:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("2026-11-20T10:00", datetime(2026, 11, 20, 10, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_time_ago_or_an_iso_time_in_utc(text: str, expected: datetime) -> None:
    assert parse_moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "0001-01-01T00:00:00+23:00", ""])
def test_no_moment_is_a_usage_error(text: str) -> None:
    with pytest.raises(CommandFailed, match="is not a time") as caught:
        parse_moment(text, NOW)
    assert caught.value.code is Exit.USAGE


def test_a_time_ago_stops_at_the_epoch() -> None:
    assert before(NOW, parse_duration("999999w")) == datetime(1970, 1, 1, tzinfo=UTC)


def test_microseconds_are_exact_and_printed_in_utc() -> None:
    moment = datetime(2026, 11, 21, 9, 15, 0, 123_457, tzinfo=UTC)
    assert unix_us(moment) % 1_000_000 == 123_457
    assert format_unix_us(unix_us(moment)) == "2026-11-21T09:15:00Z"
    assert format_unix_us(None) == ""


@pytest.mark.parametrize(
    ("microseconds", "expected"),
    [(830, "830 µs"), (12_400, "12.4 ms"), (3_200_000, "3.20 s"), (125_000_000, "2 min 5 s")],
)
def test_a_duration_is_printed_in_its_own_unit(microseconds: int, expected: str) -> None:
    assert format_duration_us(microseconds) == expected


@pytest.mark.parametrize(
    ("nano_usd", "expected"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (12_300_000, "$0.0123"),
        (500_000_000, "$0.50"),
        (1_234_500_000_000, "$1,234.50"),
    ],
)
def test_money_is_printed_exactly(nano_usd: int, expected: str) -> None:
    assert format_usd(nano_usd) == expected


@pytest.mark.parametrize(
    ("nano_usd", "expected"),
    [
        (0, "$0"),
        (1, "<$0.0001"),
        (100_000, "$0.0001"),
        (12_300_000, "$0.0123"),
        (1_234_567_000_000, "$1,234.57"),
    ],
)
def test_money_in_a_table_is_rounded(nano_usd: int, expected: str) -> None:
    assert format_usd_rounded(nano_usd) == expected
