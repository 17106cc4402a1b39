"""On each day a review holds, lapses soon or has lapsed; a sentence says so with its place."""

from datetime import date

import pytest

from gateway.configuration.build import load
from gateway.configuration.reviews import State, standings
from tests.fakes.configurations import (
    ENVIRON,
    GOOD,
    SHIPPED,
    VENDORS,
    configured,
    write_registered,
)


def on(folder, day: date, vendors: str = VENDORS):
    built = load(write_registered(folder, vendors=vendors), ENVIRON, SHIPPED)
    return {each.name: each for each in standings(built, day.toordinal())}


@pytest.mark.parametrize(
    ("day", "vendor", "codex"),
    [
        (date(2026, 5, 1), State.HOLDS, State.HOLDS),
        (date(2026, 6, 9), State.HOLDS, State.HOLDS),
        (date(2026, 6, 10), State.ENDING, State.HOLDS),
        (date(2026, 7, 10), State.ENDING, State.HOLDS),
        (date(2026, 7, 11), State.LAPSED, State.HOLDS),
        (date(2026, 12, 1), State.LAPSED, State.ENDING),
        (date(2027, 1, 1), State.LAPSED, State.LAPSED),
    ],
)
def test_states_follow_the_days(tmp_path, day, vendor, codex):
    found = on(tmp_path, day)
    assert (found["deepseek"].state, found["codex"].state) == (vendor, codex)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 5, 1), "holds (valid until 2026-07-10, Ada Lovelace)"),
        (date(2026, 6, 28), "lapses soon: 12 days left (valid until 2026-07-10, Ada Lovelace)"),
        (date(2026, 7, 10), "lapses soon: today is its last day"),
        (date(2026, 7, 11), "has lapsed (valid until 2026-07-10, Ada Lovelace)"),
    ],
)
def test_each_is_told_with_the_place_of_its_last_day(tmp_path, day, words):
    told = on(tmp_path, day)["deepseek"].told()
    assert told.startswith(
        f"{tmp_path}/registers/vendors.yaml:12:18: the review of vendor deepseek "
    )
    assert words in told


def test_a_vendor_without_an_entry_is_missing_and_an_engine_in_the_house_is_not(tmp_path):
    found = on(tmp_path, date(2026, 5, 1), "vendors: {}\n")
    assert found["deepseek"].state is State.MISSING
    assert found["deepseek"].state.refuses
    assert found["deepseek"].told() == "vendor deepseek is in no register: it is refused"
    assert "house" not in found


def test_without_registers_there_is_nothing_to_tell(tmp_path):
    assert list(standings(configured(tmp_path, GOOD), 1)) == []
