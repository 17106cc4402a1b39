"""What a client or vendor claims fits a record, whatever it is."""

import pytest

from gateway.audit.bounds import MAX_INTEGER, MAX_TEXT, add_texts, bounded, counted, micros


def test_a_text_of_the_longest_length_is_kept_whole():
    assert bounded("x" * MAX_TEXT) == "x" * MAX_TEXT


def test_a_longer_text_is_cut_and_says_so():
    assert bounded("x" * (MAX_TEXT + 1)) == "x" * (MAX_TEXT - 1) + "…"


def test_a_lone_surrogate_becomes_a_question_mark():
    assert bounded("a\ud800b") == "a?b"


@pytest.mark.parametrize(
    ("claimed", "kept"), [(-1, 0), (0, 0), (MAX_INTEGER, MAX_INTEGER), (2**60, MAX_INTEGER)]
)
def test_a_count_stays_between_nothing_and_the_largest_integer(claimed, kept):
    assert counted(claimed) == kept


def test_a_time_between_is_in_whole_microseconds_and_never_negative():
    assert (micros(1_000, 3_999), micros(3_000, 1_000)) == (2, 0)


def test_a_text_that_is_not_known_has_no_member():
    body: dict[str, object] = {}
    add_texts(body, error=None, reason="", finish_reason="stop")
    assert body == {"finish_reason": "stop"}
