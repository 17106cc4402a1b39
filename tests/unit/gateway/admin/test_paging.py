"""A cursor leads back to where a page ended, and nothing else is one."""

import pytest

from gateway.admin.paging import Position, cursor_of, position_of
from gateway.admin.problems import Problem


@pytest.mark.parametrize("position", [(7, "key_a"), ("ü/ÿ?>", True), (2**60,)])
def test_a_cursor_leads_back(position: Position) -> None:
    cursor = cursor_of(position)
    assert cursor.isascii()
    assert position_of(cursor, tuple(map(type, position))) == position
    assert position_of(None, (int,)) is None


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!", cursor_of(("a",)), cursor_of((1, 2)), cursor_of((True,)), "W" * 2000]
)
def test_what_is_no_cursor_of_this_list_is_refused(cursor: str) -> None:
    with pytest.raises(Problem, match="next_cursor"):
        position_of(cursor, (int,))
