"""Events as the items of one JSON array, however they come in."""

import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.gemini_array import JsonArray

EVENTS = [b'data: {"a":1}\r\n\r\n', b": comment\n\n", b'data: {"b":\ndata: 2}\n\n', b"data: {}\n\n"]
TOLD = [{"a": 1}, {"b": 2}, {}]


def test_the_first_item_opens_the_array_and_its_end_closes_it() -> None:
    array = JsonArray()
    assert array.frame(EVENTS[0]) == b'[{"a":1}'
    assert array.frame(EVENTS[1]) == b""
    assert array.frame(EVENTS[3]) == b",\r\n{}"
    assert array.finish() == b"]"


def test_a_stream_of_nothing_is_an_empty_array() -> None:
    assert JsonArray().finish() == b"[]"


@given(st.lists(st.integers(0, 80), max_size=4).map(sorted))
def test_the_array_is_the_same_in_any_pieces(cuts: list[int]) -> None:
    stream, array = b"".join(EVENTS), JsonArray()
    ends = [*cuts, len(stream)]
    pieces = [stream[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    body = b"".join(array.frame(piece) for piece in pieces) + array.finish()
    assert json.loads(body) == TOLD
