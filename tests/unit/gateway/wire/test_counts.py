"""A count is one number, where its protocol says it stands."""

import pytest

from gateway.wire.base import Event, NotAReply
from gateway.wire.counts import CountObserver


def test_a_count_is_whole_and_uses_nothing() -> None:
    observer = CountObserver("input_tokens")
    observer.observe_document(b'{"input_tokens": 2095, "extra": true}')
    assert (observer.facts.is_whole, observer.facts.usage) == (True, None)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"input_tokens":"5"}', b'{"input_tokens":true}', b'{"input_tokens":-1}'],
)
def test_what_is_no_count_is_told(body: bytes) -> None:
    with pytest.raises(NotAReply, match="no token count"):
        CountObserver("input_tokens").observe_document(body)


def test_a_count_that_streams_is_passed_on() -> None:
    assert CountObserver("input_tokens").observe_event(b"data: 1\n\n") is Event.SUBSTANCE
