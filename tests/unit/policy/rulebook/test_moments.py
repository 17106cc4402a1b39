"""Days begin at their time zone's midnight, also where summer time begins."""

from datetime import UTC, date, datetime

from policy.rulebook.moments import midnight, minute_at, minutes_of, weekday_at


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_a_day_begins_at_its_zones_midnight():
    assert midnight(date(2026, 7, 10), "UTC") == seconds("2026-07-10T00:00")
    assert midnight(date(2026, 7, 10), "Asia/Shanghai") == seconds("2026-07-09T16:00")


def test_summer_time_moves_the_clock():
    assert minute_at("Europe/Berlin", seconds("2026-01-15T08:00")) == 9 * 60
    assert minute_at("Europe/Berlin", seconds("2026-07-15T08:00")) == 10 * 60


def test_the_weekday_is_that_of_the_zone():
    sunday_evening = seconds("2026-06-07T20:00")
    assert weekday_at("UTC", sunday_evening) == 6
    assert weekday_at("Asia/Shanghai", sunday_evening) == 0


def test_a_span_may_go_over_midnight_and_holds_its_first_minute_only():
    minutes = minutes_of(["22:00-06:00", "12:00-12:01"])
    assert {1320, 1439, 0, 359, 720} <= minutes
    assert {360, 1319, 721}.isdisjoint(minutes)


def test_a_span_may_end_with_the_day():
    assert minutes_of(["23:58-24:00"]) == {1438, 1439}
