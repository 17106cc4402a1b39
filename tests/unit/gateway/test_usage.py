"""Sums of what was used: whole hours, each group by each thing once, shares of what was served."""

import pytest

from gateway.usage import Asked, Dimension, UsageRow, Used, whole_hours
from tests.fakes.used import HOUR, NOON

ALL = (NOON, NOON + HOUR)


def test_sums_of_parts_of_hours_are_refused() -> None:
    with pytest.raises(ValueError, match="whole hours"):
        Asked(NOON + 1, NOON + HOUR)
    with pytest.raises(ValueError, match="each thing once"):
        Asked(*ALL, (Dimension.TEAM, Dimension.TEAM))


def test_a_time_is_widened_to_whole_hours() -> None:
    assert whole_hours(NOON + 1, NOON + HOUR + 1) == (NOON, NOON + 2 * HOUR)
    assert whole_hours(NOON, NOON + HOUR) == (NOON, NOON + HOUR)


def test_the_share_of_unknown_prices_is_of_what_was_served() -> None:
    assert Used(requests=5, denied=1, unpriced=1).unpriced_share == 0.25
    assert Used(requests=1, denied=1).unpriced_share == 0.0


def test_a_row_is_told_with_its_group_first() -> None:
    facts = UsageRow({"team": "web"}, Used(requests=2, output_tokens=5, input_tokens=1)).facts()
    assert next(iter(facts)) == "team"
    assert (facts["requests"], facts["total_tokens"]) == (2, 6)
