"""Bytes become text and the same bytes again, whatever the system that wrote them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.cli.connecting.text import decoded
from gateway.cli.editing import Unreadable

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_windows_line_ends_are_kept_for_what_is_added() -> None:
    source = decoded(b"\xef\xbb\xbf{\r\n}\r\n")
    assert source.text == "{\n}\n"
    assert source.encoded('{\n  "a": 1\n}\n') == b'\xef\xbb\xbf{\r\n  "a": 1\r\n}\r\n'


@PATIENT
@given(st.text("a\r\n\ufeff", max_size=12))
def test_unchanged_text_is_the_same_bytes(text: str) -> None:
    content = text.encode()
    source = decoded(content)
    assert source.encoded(source.text) == content


def test_no_file_is_an_empty_one() -> None:
    assert decoded(None).encoded("x") == b"x"


def test_what_is_not_utf_8_is_refused_with_its_line() -> None:
    with pytest.raises(Unreadable) as refused:
        decoded(b"{\n\xff}")
    assert refused.value.line == 2
