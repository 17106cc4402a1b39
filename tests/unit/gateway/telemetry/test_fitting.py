"""Only what fits an attribute's type and size gets in."""

import pytest

from gateway.telemetry.fitting import (
    MAX_CHARS,
    MAX_ITEMS,
    fit_bool,
    fit_count,
    fit_double,
    fit_text,
    fit_texts,
)


def test_a_text_is_cut_to_its_length():
    assert fit_text("x" * MAX_CHARS) == "x" * MAX_CHARS
    assert fit_text("ä" * (MAX_CHARS + 1)) == "ä" * MAX_CHARS


@pytest.mark.parametrize("value", ["", b"x", 1, None, ["x"]])
def test_what_is_no_text_is_refused(value):
    assert fit_text(value) is None


@pytest.mark.parametrize("value", [0, 2**53 - 1])
def test_a_count_that_a_record_can_hold_is_kept(value):
    assert fit_count(value) == value


@pytest.mark.parametrize("value", [-1, 2**53, True, 1.0, "1", None])
def test_what_is_no_count_is_refused(value):
    assert fit_count(value) is None


def test_truth_is_neither_one_nor_a_word():
    assert [fit_bool(value) for value in (True, False, 1, "true", None)] == [
        True,
        False,
        None,
        None,
        None,
    ]


def test_a_double_is_a_float_and_no_integer():
    assert [fit_double(value) for value in (0.5, 1, True, "0.5")] == [0.5, None, None, None]


def test_of_a_list_the_texts_are_kept_and_cut():
    assert fit_texts(["a", 1, None, "x" * 999]) == ("a", "x" * MAX_CHARS)
    assert fit_texts(tuple("ab")) == ("a", "b")
    assert fit_texts(["x"] * (MAX_ITEMS + 1)) == ("x",) * MAX_ITEMS


@pytest.mark.parametrize("value", [[], [1], "ab", {"a": "b"}, None])
def test_a_list_without_a_text_is_none(value):
    assert fit_texts(value) is None
