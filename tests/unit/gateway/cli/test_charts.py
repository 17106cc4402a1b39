"""Charts are as long and as high as what they stand for, also in plain ASCII."""

import io
import sys

import pytest

from gateway.cli.charts import bar, can_draw, sparkline


def test_the_largest_has_the_whole_bar() -> None:
    assert bar(8, 8, 4) == "████"
    assert bar(4, 8, 4) == "██"
    assert bar(5, 8, 4) == "██▌"


def test_what_is_little_is_seen_and_nothing_is_not() -> None:
    assert bar(1, 10**9, 10) == "▏"
    assert bar(1, 10**9, 10, blocks=False) == "#"
    assert bar(0, 5, 10) == bar(0, 0, 10) == ""


def test_a_line_is_as_high_as_its_values() -> None:
    assert sparkline([0, 4, 8]) == "▁▅█"
    assert sparkline([0, 1, 1000], blocks=False) == "_.#"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


@pytest.mark.parametrize(
    ("encoding", "can"), [("utf-8", True), ("ascii", False), ("latin-1", False)]
)
def test_blocks_are_for_encodings_that_have_them(
    monkeypatch: pytest.MonkeyPatch, encoding: str, can: bool
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert can_draw() is can
