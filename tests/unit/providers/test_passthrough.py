"""The small decisions of the direct sender: paths, waits and masks."""

from email.utils import formatdate

import pytest

from providers.base import WireName
from providers.passthrough import mask, path_of, retry_after_seconds
from tests.fakes.vendor_targets import CHAT, MESSAGES, call_to, target_at

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("", None),
        ("0", 0.0),
        ("1.5", 1.5),
        (" 30 ", 30.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        (formatdate(NOW + 1e7, usegmt=True), 86_400.0),
        ("99999999", 86_400.0),
        ("-5", None),
        ("1e9", None),
        ("nan", None),
        ("soon", None),
        ("9" * 5000, None),
        ("Mon, 99 Foo 2026 00:00:00 GMT", None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date_or_nothing(told, seconds):
    assert retry_after_seconds(((b"retry-after", told.encode()),), NOW) == seconds


def test_no_retry_after_is_no_wait_told():
    assert retry_after_seconds((), NOW) is None


def test_milliseconds_hold_over_seconds():
    headers = ((b"retry-after", b"9"), (b"retry-after-ms", b"1500"))
    assert retry_after_seconds(headers, NOW) == 1.5


@pytest.mark.parametrize(
    ("streaming", "counting", "path"),
    [
        (False, False, "/v1beta/models/gemini-9%2Fx:generateContent"),
        (True, False, "/v1beta/models/gemini-9%2Fx:streamGenerateContent?alt=sse"),
        (False, True, "/v1beta/models/gemini-9%2Fx:countTokens"),
    ],
)
def test_a_gemini_path_names_its_model_and_what_to_do(streaming, counting, path):
    target = target_at("http://house", "gemini-9/x")
    call = call_to(target, WireName.GEMINI, streaming=streaming, counting=counting)
    assert path_of(call) == path


@pytest.mark.parametrize(
    ("wire", "counting", "path"),
    [
        (CHAT, False, "/v1/chat/completions"),
        (MESSAGES, False, "/v1/messages"),
        (MESSAGES, True, "/v1/messages/count_tokens"),
    ],
)
def test_a_path_says_whether_tokens_are_counted(wire, counting, path):
    assert path_of(call_to(target_at("http://house"), wire, counting=counting)) == path


@pytest.mark.parametrize(
    ("key", "told", "shown"),
    [
        (b"k3y", b"a k3y, k3y", b"a ***, ***"),
        (b"a/b", b"a/b a\\/b", b"*** ***"),
        (b"", b"text", b"text"),
    ],
)
def test_our_key_is_masked_wherever_it_stands(key, told, shown):
    assert mask(told, key) == shown
