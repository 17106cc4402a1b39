"""The loads: every bar has one, every window holds whole streams."""

import pytest

from benchmarks.bars import BARS
from benchmarks.scenarios import BY_NAME, QUICK, SCENARIOS, pick


def test_names_are_used_once() -> None:
    assert len(BY_NAME) == len(SCENARIOS)


def test_every_bar_has_a_load_and_the_quick_run_judges_it() -> None:
    needed = {bar.scenario for bar in BARS if bar.scenario}
    assert needed <= set(BY_NAME)
    assert needed <= set(QUICK)


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: bar.name)
def test_no_bar_compares_with_a_system_the_load_leaves_out(bar: object) -> None:
    scenario = BY_NAME.get(bar.scenario or "")
    assert scenario is None or (scenario.covers(bar.peer) and scenario.covers("gatehouse"))


def test_a_window_of_long_streams_is_whole_lives_of_them() -> None:
    assert BY_NAME["streams-1000x20"].window_seconds(1) == 2.0
    assert BY_NAME["streams-1000x20"].window_seconds(3) == 4.0
    assert BY_NAME["1kb-c16"].window_seconds(3) == 3


def test_an_unknown_load_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no scenario 'fast'"):
        pick("1kb-c1,fast")


def test_a_list_keeps_its_order() -> None:
    assert [each.name for each in pick("1mb-c4, 1kb-c1")] == ["1mb-c4", "1kb-c1"]
