"""Times are read strictly and told exactly."""

import pytest

from gateway.admin.forms import maybe_told, parse_moment, time_told, unix_us_of


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2026-09-22T12:00:00Z", "2026-09-22T12:00:00Z"),
        ("2026-09-22T14:00:00+02:00", "2026-09-22T12:00:00Z"),
        ("2026-09-22T12:00:00.000001Z", "2026-09-22T12:00:00.000001Z"),
        ("2026-09-22", "2026-09-22T00:00:00Z"),
    ],
)
def test_a_time_is_told_in_utc(written: str, told: str) -> None:
    assert time_told(unix_us_of(written)) == told


@pytest.mark.parametrize("written", ["", "soon", "2026-09-22T12:00:00", "2026-13-01", "1e9", "7d"])
def test_what_is_no_time_says_how_one_is_written(written: str) -> None:
    with pytest.raises(ValueError, match="2026-11-21T09:15:00Z"):
        parse_moment(written)


def test_no_time_is_none() -> None:
    assert maybe_told(None) is None
    assert maybe_told(0) == "1970-01-01T00:00:00Z"
