"""Nothing an upstream says is taken on trust."""

import msgspec
import pytest

from gateway.exchange import Usage
from gateway.wire import replies


@pytest.mark.parametrize(
    ("value", "tokens"),
    [(5, 5), (5.0, 5), (0, 0), (-1, 0), (2**53, 0), ("5", 0), (None, 0), ([5], 0), (1e300, 0)],
)
def test_only_a_sensible_count_is_one(value: object, tokens: int) -> None:
    assert replies.tokens({"a": value}, "a") == tokens


def test_the_first_sensible_count_is_taken() -> None:
    assert replies.tokens({"a": None, "b": 0, "c": 7, "d": 8}, "a", "b", "c", "d") == 7


@pytest.mark.parametrize("data", [b"", b"{", b"<html>", b"\xff", b'"\xff"', b"[" * 100_000])
def test_what_is_no_json_is_none(data: bytes) -> None:
    assert replies.decode_loosely(data) is None


def test_text_is_counted_in_bytes() -> None:
    assert replies.text_bytes("abc", None, "", "é", "😀") == 3 + 2 + 4


def test_usage_of_nothing_is_none() -> None:
    assert replies.usage_or_none(Usage()) is None
    assert replies.usage_or_none(Usage(output_tokens=1)) == Usage(output_tokens=1)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("a\r\n\tb\x1b[0m\u202ec", "a b [0m c"),
        ("x" * 1_000, "x" * 300),
        ({"message": "m", "type": "t"}, "m"),
        ({"message": None, "detail": "d"}, "d"),
        ({"type": "t"}, "t"),
        ({"code": 500}, "500"),
        ({}, "an error without a message"),
        (None, "None"),
    ],
)
def test_an_error_is_told_in_one_short_printable_line(error: object, text: str) -> None:
    assert replies.failure_text(error) == text


def test_a_value_is_encoded_unless_it_is_none() -> None:
    assert replies.encode(None) == msgspec.Raw()
    assert bytes(replies.encode({"a": 1})) == b'{"a":1}'
