"""A review holds to the end of its last day in UTC, and says so thirty days before."""

from datetime import UTC, date, datetime

import pytest

from policy.registers import NO_REGISTERS, Registers, Review, day_of
from policy.types import DataClass
from tests.fakes.policy_facts import DEEPSEEK, HOUSE

REVIEW = Review("Ada", date(2026, 1, 10), date(2026, 7, 10))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), date(1970, 1, 1)),
        (datetime(2026, 7, 10, 23, 59, 59, tzinfo=UTC), date(2026, 7, 10)),
        (datetime(2026, 7, 11, tzinfo=UTC), date(2026, 7, 11)),
    ],
)
def test_a_day_is_one_in_utc(moment, day):
    assert day_of(int(moment.timestamp())) == day.toordinal()


@pytest.mark.parametrize(
    ("day", "left", "soon", "lapsed"),
    [
        (date(2026, 6, 9), 31, False, False),
        (date(2026, 6, 10), 30, True, False),
        (date(2026, 7, 10), 0, True, False),
        (date(2026, 7, 11), -1, False, True),
        (date(2030, 1, 1), -1271, False, True),
    ],
)
def test_a_review_ends_with_its_last_day(day, left, soon, lapsed):
    asked = day.toordinal()
    assert REVIEW.days_left(asked) == left
    assert (REVIEW.ends_soon(asked), REVIEW.has_lapsed(asked)) == (soon, lapsed)


def test_without_a_register_every_target_is_open():
    day = date(2099, 1, 1).toordinal()
    assert NO_REGISTERS.open_targets((HOUSE, DEEPSEEK), DataClass.INTERNAL, day) == (
        HOUSE.name,
        DEEPSEEK.name,
    )


def test_a_vendor_without_an_entry_is_closed_and_an_engine_in_the_house_is_not():
    empty = Registers(vendors={})
    assert empty.open_targets((HOUSE, DEEPSEEK), DataClass.PUBLIC, 1) == (HOUSE.name,)


def test_what_is_open_is_cleared_too():
    kept = Registers(vendors={"deepseek": REVIEW})
    day = date(2026, 5, 1).toordinal()
    assert kept.open_targets((DEEPSEEK,), DataClass.CONFIDENTIAL, day) == ()
    assert kept.open_targets((DEEPSEEK,), DataClass.INTERNAL, day) == (DEEPSEEK.name,)
