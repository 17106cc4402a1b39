"""A stream is cut into the same exact events, however it arrives."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.wire.sse import EventTooLarge, Splitter, data_of

# The machine that runs this may be slow; what is generated is small all the same.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

LINES = st.sampled_from(
    [
        b"data: {}",
        b"data:x",
        b"data",
        b": comment",
        b"event: ping",
        b"id: 1",
        b"retry: 10",
        b"",
        b"\xef\xbb\xbfdata: y",
        "data: \u2028\u0085".encode(),
    ]
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=12).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


def pieces_of(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(places)]


def split(pieces: list[bytes]) -> tuple[list[bytes], bytes]:
    splitter = Splitter()
    events = [event for piece in pieces for event in splitter.feed(piece)]
    last, rest = splitter.finish()
    return events + last, rest


@PATIENT
@given(STREAMS | st.binary(max_size=40), st.lists(st.integers(0, 500), max_size=8))
def test_any_chunking_gives_the_same_events_and_every_byte(stream: bytes, cuts: list[int]) -> None:
    events, rest = split(pieces_of(stream, cuts))
    assert b"".join(events) + rest == stream
    assert (events, rest) == split([stream[at : at + 1] for at in range(len(stream))])
    assert (events, rest) == split([stream])


@PATIENT
@given(STREAMS | st.binary(max_size=40))
def test_an_event_is_its_lines_up_to_a_blank_one(stream: bytes) -> None:
    events, rest = split([stream])
    assert all(event.splitlines()[-1] == b"" for event in events)
    assert all(b"" not in event.splitlines()[:-1] for event in events)
    assert b"" not in rest.splitlines()


def test_one_whole_event_is_given_back_as_it_is() -> None:
    event = b'data: {"a":1}\n\n'
    assert Splitter().feed(event)[0] is event


def test_whole_events_in_one_piece_are_told_apart() -> None:
    assert Splitter().feed(b"data: a\n\ndata: b\n\n: c\n\n") == [
        b"data: a\n\n",
        b"data: b\n\n",
        b": c\n\n",
    ]


def test_a_crlf_cut_in_two_ends_its_event_once() -> None:
    splitter = Splitter()
    assert splitter.feed(b"data: a\r\n\r") == []
    assert splitter.feed(b"\n") == [b"data: a\r\n\r\n"]
    assert splitter.finish() == ([], b"")


def test_an_event_kept_by_a_lone_cr_is_given_at_the_end() -> None:
    splitter = Splitter()
    assert splitter.feed(b"data: [DONE]\r\r") == []
    assert splitter.finish() == ([b"data: [DONE]\r\r"], b"")


def test_an_event_without_its_blank_line_is_a_rest() -> None:
    splitter = Splitter()
    assert splitter.feed(b"data: a\n\ndata: [DONE]\n") == [b"data: a\n\n"]
    assert splitter.finish() == ([], b"data: [DONE]\n")


def test_a_splitter_starts_afresh_after_its_end() -> None:
    splitter = Splitter()
    splitter.feed(b"data: lost")
    splitter.finish()
    assert splitter.feed(b"data: a\n\n") == [b"data: a\n\n"]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_an_event_over_the_limit_is_an_error_however_it_arrives(size: int) -> None:
    stream = b"data: " + b"x" * 100 + b"\n\n"
    splitter = Splitter(most_event_bytes=50)
    with pytest.raises(EventTooLarge, match="more than 50 bytes"):
        [splitter.feed(stream[at : at + size]) for at in range(0, len(stream), size)]


def test_a_whole_event_over_the_limit_is_an_error() -> None:
    with pytest.raises(EventTooLarge):
        Splitter(most_event_bytes=50).feed(b"data: " + b"x" * 100 + b"\n\n")


def test_many_small_events_may_exceed_the_limit_of_one() -> None:
    assert len(Splitter(most_event_bytes=50).feed(b"data: a\n\n" * 100)) == 100


def test_the_search_for_an_end_does_not_start_over() -> None:
    splitter = Splitter()
    searched = []
    for _ in range(1_000):
        splitter.feed(b"x" * 100)
        searched.append(splitter._searched)
    assert searched == [100 * (number + 1) - 3 for number in range(1_000)]


@pytest.mark.parametrize(
    ("event", "name", "data"),
    [
        (b"data: a\n\n", b"", b"a"),
        (b"data:a\n\n", b"", b"a"),
        (b"data:  a\n\n", b"", b" a"),
        (b"data: a\r\n\r\n", b"", b"a"),
        (b"data: a\r\r", b"", b"a"),
        (b"data: a\ndata: b\n\n", b"", b"a\nb"),
        (b"event: ping\ndata: {}\n\n", b"ping", b"{}"),
        (b"data: {}\nevent: ping\n\n", b"ping", b"{}"),
        (b"event: ping\ndata: a\ndata: b\n\n", b"ping", b"a\nb"),
        (b"event: ping\n\n", b"ping", None),
        (b"event:ping\r\ndata:{}\r\n\r\n", b"ping", b"{}"),
        (b"\xef\xbb\xbfdata: a\n\n", b"", b"a"),
        (b": comment\n\n", b"", None),
        (b": comment\ndata: a\n\n", b"", b"a"),
        (b"data\n\n", b"", b""),
        (b"id: 7\nretry: 10\ndata: a\n\n", b"", b"a"),
        ("data: a\u2028b\u0085c\n\n".encode(), b"", "a\u2028b\u0085c".encode()),
        (b"\n", b"", None),
    ],
)
def test_the_data_of_an_event_is_read_as_the_standard_says(
    event: bytes, name: bytes, data: bytes | None
) -> None:
    assert data_of(event) == (name, data)
