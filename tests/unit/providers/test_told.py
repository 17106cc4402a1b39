"""A vendor's own words are found in every shape of error body, and nowhere else."""

import pytest

from providers.told import LONGEST_CHARACTERS, refuses_key, told_in


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"message":"no images here","type":"x"}}',
        b'{"type":"error","error":{"type":"api_error","message":"no images here"}}',
        b'{"error":"no images here"}',
        b'{"code":500,"message":"no images here"}',
        b'{"detail":"no images here"}',
    ],
)
def test_the_message_is_found(body: bytes) -> None:
    assert told_in(body) == "no images here"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>502</html>", b"[]", b'{"error":7}', b"\xff", b'{"error":null}', b"[" * 99],
)
def test_what_holds_no_message_says_nothing(body: bytes) -> None:
    assert told_in(body) == ""


def test_a_long_message_is_shortened() -> None:
    assert len(told_in(b'{"message":"' + b"x" * 10_000 + b'"}')) == LONGEST_CHARACTERS


GOOGLES = b'{"error":{"code":400,"details":[{"reason":"%b"},{"x":1}]}}'


def test_googles_word_for_a_bad_key_is_known() -> None:
    assert refuses_key(GOOGLES % b"API_KEY_INVALID")
    assert not refuses_key(GOOGLES % b"OTHER")
    for body in (b"", b"{}", b'{"error":"API_KEY_INVALID"}', b'{"error":{"details":[1]}}'):
        assert not refuses_key(body)
