"""The gateway's own words are JSON by an encoder, and headers hold none of them."""

import json

import pytest

from gateway.errors import MalformedRequest, NotAuthenticated
from gateway.wire import phrases

HOSTILE = 'a"b\\c\r\nx-evil: 1\u2028\x00</script>'


def test_any_text_survives_and_only_the_body_holds_it() -> None:
    answer = phrases.answer(400, {"message": HOSTILE}, is_final=True)
    assert json.loads(answer.body) == {"message": HOSTILE}
    assert answer.headers == (
        (b"content-type", b"application/json"),
        (b"x-should-retry", b"false"),
    )


@pytest.mark.parametrize(("asked", "told"), [(0, b"1"), (1, b"1"), (20, b"20"), (3_600, b"20")])
def test_a_retry_is_never_put_off_for_long(asked: int, told: bytes) -> None:
    answer = phrases.answer(429, {}, retry_after_seconds=asked)
    assert dict(answer.headers)[b"retry-after"] == told


def test_an_answer_that_names_a_time_is_not_final() -> None:
    headers = dict(phrases.answer(400, {}, retry_after_seconds=5, is_final=True).headers)
    assert b"x-should-retry" not in headers


def test_the_audit_id_stands_in_the_message() -> None:
    assert phrases.with_audit_id("No.", "01AUDIT") == "No. (audit id 01AUDIT)"


def test_only_what_the_ledger_holds_is_given_an_id_to_ask_for() -> None:
    recorded, stranger = MalformedRequest("No."), NotAuthenticated("Who?")
    assert phrases.message_of(recorded, "01AUDIT") == "No. (audit id 01AUDIT)"
    assert phrases.message_of(stranger, "01AUDIT") == "Who?"
