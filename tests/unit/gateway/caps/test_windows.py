"""Windows begin and end where the calendar says, in their own time zone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.caps.windows import (
    LENGTH_SECONDS,
    SLOT_SECONDS,
    begins_at,
    is_remembered,
    leaves_at,
    oldest_slot,
    span_of,
)
from policy.types import Pace, Period, Window

CALENDARS = (Period.MINUTE, Period.HOUR, Period.DAY, Period.WEEK, Period.MONTH)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia")
MOMENTS = st.integers(1_500_000_000, 2_500_000_000)


def unix_s(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("period", "zone", "now", "begins", "ends"),
    [
        (Period.HOUR, "UTC", "2026-03-01T10:59:59", "2026-03-01T10:00", "2026-03-01T11:00"),
        (Period.HOUR, "Asia/Kolkata", "2026-03-01T10:29", "2026-03-01T09:30", "2026-03-01T10:30"),
        (Period.DAY, "Asia/Kolkata", "2026-03-01T18:29", "2026-02-28T18:30", "2026-03-01T18:30"),
        (Period.DAY, "Europe/Berlin", "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00"),
        (Period.WEEK, "UTC", "2026-03-01T12:00", "2026-02-23T00:00", "2026-03-02T00:00"),
        (Period.MONTH, "UTC", "2026-12-31T23:59", "2026-12-01T00:00", "2027-01-01T00:00"),
    ],
)
def test_a_calendar_window_has_a_beginning_and_an_end(period, zone, now, begins, ends):
    span = span_of(Window(period, Pace.CALENDAR, zone), unix_s(now))
    assert span == (unix_s(begins), unix_s(ends))


@given(MOMENTS, st.sampled_from(CALENDARS), st.sampled_from(ZONES))
def test_every_moment_is_in_its_window_and_the_next_begins_where_it_ends(now, period, zone):
    window = Window(period, Pace.CALENDAR, zone)
    begins, ends = span_of(window, now)
    assert begins <= now < ends
    assert span_of(window, ends)[0] == ends
    assert begins_at(window, now) == begins


@given(MOMENTS, st.sampled_from(CALENDARS))
def test_a_slot_leaves_a_sliding_window_once_all_of_it_is_out(now, period):
    oldest = oldest_slot(period, now)
    assert leaves_at(period, oldest - 1) <= now < leaves_at(period, oldest)
    slot = now // SLOT_SECONDS[period]
    assert leaves_at(period, slot) - now > LENGTH_SECONDS[period]
    begins = begins_at(Window(period, Pace.SLIDING), now)
    assert now - LENGTH_SECONDS[period] - SLOT_SECONDS[period] < begins
    assert begins <= now - LENGTH_SECONDS[period]


def test_only_what_is_longer_than_a_minute_has_a_past():
    assert [is_remembered(each) for each in (Window.NOW, Window.MINUTE)] == [False, False]
    assert not is_remembered(Window(Period.MINUTE, Pace.SLIDING))
    assert is_remembered(Window(Period.HOUR, Pace.SLIDING))
