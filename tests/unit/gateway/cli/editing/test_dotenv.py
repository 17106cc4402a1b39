"""Lines of NAME=value are added, replaced and taken out, one at a time."""

import pytest

from gateway.cli.editing import DOTENV, Unreadable

MINE = "# mine\nexport A='x y' # quoted\nB=1\n\nC=\"two\nlines\"\n"


def test_values_are_read_as_node_reads_them() -> None:
    assert DOTENV.read(MINE) == {"A": "x y", "B": "1", "C": "two\nlines"}


def test_a_line_is_added_and_taken_out_to_the_byte() -> None:
    edited = DOTENV.put(MINE, ("KEY",), "gth_abc")
    assert edited == MINE + "KEY=gth_abc\n"
    assert DOTENV.drop(edited, ("KEY",)) == MINE


def test_a_value_that_is_there_is_replaced_in_its_line() -> None:
    assert DOTENV.put(MINE, ("B",), "2") == MINE.replace("B=1", "B=2")
    assert DOTENV.put(MINE, ("A",), "z") == MINE.replace("'x y'", "z")


def test_a_file_without_a_last_line_end_is_added_to_on_a_line_of_its_own() -> None:
    assert DOTENV.put("A=1", ("B",), "2") == "A=1\nB=2\n"


def test_a_name_that_is_there_twice_is_refused_with_its_line() -> None:
    with pytest.raises(Unreadable) as refused:
        DOTENV.read("A=1\nB=2\nA=3\n")
    assert refused.value.line == 3


@pytest.mark.parametrize("value", ["a b", "a#b", 'a"b', "a\nb", "a\\b"])
def test_what_the_file_could_not_give_back_is_refused(value: str) -> None:
    with pytest.raises(Unreadable):
        DOTENV.put("", ("A",), value)
