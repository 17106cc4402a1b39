"""What is recognised unread is what reading would have found; everything else is read."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.wire.anthropic_messages_reply import MessagesObserver
from gateway.wire.base import Event
from gateway.wire.openai_chat_reply import ChatObserver
from gateway.wire.refrain import MOST_MISSES, Refrain

FIRST = b'data: {"id":"c","words":"first","end":null}\n\n'


def words_of(event: bytes) -> str | None:
    try:
        document = json.loads(event[len("data: ") :])
    except ValueError:
        return None
    return str(document["words"])


def like_the_first(words: bytes, end: bytes = b"null") -> bytes:
    return b'data: {"id":"c","words":"%b","end":%b}\n\n' % (words, end)


@pytest.fixture
def refrain() -> Refrain:
    refrain = Refrain()
    refrain.learn(FIRST, "first", words_of)
    return refrain


def test_nothing_is_recognised_before_something_was_learnt() -> None:
    assert Refrain().words_in(FIRST) == 0
    assert Refrain().words_in(b"") == 0


def test_the_same_with_other_words_is_recognised(refrain: Refrain) -> None:
    assert refrain.words_in(FIRST) == len("first")
    assert refrain.words_in(like_the_first(b" and {then}, [more]: ~!")) == 23


@pytest.mark.parametrize(
    "event",
    [
        like_the_first(b""),
        like_the_first(b"a", end=b'"stop"'),
        like_the_first(b'a","end":"stop","x":"'),
        like_the_first(rb"a\n"),
        like_the_first(rb"a\""),
        like_the_first(b"a\nb"),
        like_the_first(b"a\x00"),
        like_the_first("ä".encode()),
        like_the_first(b"\xff"),
        FIRST[:-1],
        b": " + FIRST,
        FIRST + FIRST,
        b'data: {"id":"c","words":","end":null}\n\n',
        b"",
    ],
)
def test_whatever_differs_in_more_than_plain_words_is_read(refrain: Refrain, event: bytes) -> None:
    assert refrain.words_in(event) == 0


def test_words_that_stand_elsewhere_too_are_not_mistaken() -> None:
    refrain = Refrain()
    event = b'data: {"id":"same","words":"same"}\n\n'
    refrain.learn(event, "same", words_of)
    assert refrain.words_in(event) == 0
    assert refrain.words_in(event.replace(b"same", b"stop", 1)) == 0


def test_words_written_in_escapes_teach_nothing() -> None:
    refrain = Refrain()
    event = b'data: {"id":"a","words":"\\u0061"}\n\n'
    refrain.learn(event, "a", words_of)
    assert refrain.words_in(event.replace(b'"a"', b'"b"')) == 0


def test_an_event_that_may_go_on_teaches_nothing() -> None:
    refrain = Refrain()
    event = b'data: {"words":"first"}\r\r'
    refrain.learn(event, "first", words_of)
    assert refrain.words_in(event) == 0
    refrain.learn(event + b"\n", "first", words_of)
    assert refrain.words_in(event + b"\n") == len("first")


def test_events_that_never_repeat_are_learnt_from_a_few_times_only() -> None:
    refrain = Refrain()
    for number in range(MOST_MISSES):
        assert refrain.is_learning
        refrain.learn(b'data: {"n":%d,"words":"x"}\n\n' % number, "x", words_of)
    assert not refrain.is_learning
    assert refrain.words_in(b'data: {"n":%d,"words":"yy"}\n\n' % (MOST_MISSES - 1)) == 2
    assert refrain.is_learning


def test_what_was_forgotten_is_read_again(refrain: Refrain) -> None:
    refrain.forget()
    assert refrain.words_in(FIRST) == 0
    assert not refrain.is_learning


TEXTS = st.sampled_from(
    ["a", "word ", "", 'say "x"', "new\nline", "ä", "\\", "{}", "[DONE]", "stop"]
)
KEYS = st.sampled_from(["content", "reasoning_content", "reasoning", "refusal", "role", "other"])
CHOICES = st.builds(
    lambda index, delta, finish, more: {
        "index": index,
        "delta": delta,
        "finish_reason": finish,
        **more,
    },
    st.sampled_from([0, 0, 0, 1, None, "0"]),
    st.dictionaries(KEYS, TEXTS, max_size=2) | st.none() | st.just("odd"),
    st.sampled_from([None, None, None, None, "stop", ""]),
    st.sampled_from([{}, {}, {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}]),
)
CHUNKS = st.builds(
    lambda choices, more: {**more, "choices": choices},
    st.lists(CHOICES, min_size=1, max_size=1) | st.lists(CHOICES, max_size=2),
    st.sampled_from(
        [
            {},
            {"id": "a"},
            {"id": "word ", "usage": None},
            {"usage": {"prompt_tokens": 1, "completion_tokens": 2}},
            {"error": {"message": "a"}},
            {"object": "error"},
        ]
    ),
)
DELTAS = st.builds(
    lambda kind, delta, more: {"type": kind, "delta": delta, **more},
    st.sampled_from(["content_block_delta"] * 5 + ["message_delta", "error", "ping", "a"]),
    st.dictionaries(
        st.sampled_from(["type", "text", "thinking", "partial_json", "name", "stop_reason"]),
        TEXTS,
        max_size=3,
    ),
    st.sampled_from([{}, {"index": 0}, {"usage": {"output_tokens": 5}}]),
)
WORDS = st.sampled_from(
    [b"other", b"word ", b"", b"\xff", b"\n", b"\x01", b'","x":"', b'"', b"\\", b'a","name":"b']
)
FRAMES = st.sampled_from(
    [b"data: %b\n\n"] * 4
    + [b"event: content_block_delta\ndata: %b\n\n", b"event: error\ndata: %b\n\n"]
    + [b"data:%b\r\n\r\n", b"data: %b\ndata: \n\n", b"\xef\xbb\xbfdata: %b\n\n"]
)


def framed(frame: bytes, document: object, *, is_ascii: bool) -> bytes:
    return frame % json.dumps(document, ensure_ascii=is_ascii).encode()


def stream_of(documents: st.SearchStrategy[dict[str, object]]) -> st.SearchStrategy[list[bytes]]:
    """Streams in which most events are alike, but for a word and what was put in its place."""
    events = st.builds(framed, FRAMES, documents, is_ascii=st.booleans())
    few = st.lists(events, min_size=1, max_size=4)
    return few.flatmap(lambda some: st.lists(st.builds(vary, st.sampled_from(some), WORDS)))


def vary(event: bytes, word: bytes) -> bytes:
    return event.replace(b"word ", word)


def told(observer: ChatObserver | MessagesObserver, events: list[bytes]) -> list[object]:
    kinds: list[object] = [observer.observe_event(event) for event in events]
    return [*kinds, observer.facts]


@given(events=stream_of(CHUNKS), answers=st.integers(1, 2), asked=st.booleans())
@example(
    [framed(b"data: %b\n\n", {"choices": [{"index": 0, "delta": {"content": "a"}}]}, is_ascii=True)]
    * 3,
    1,
    True,
)
def test_a_chat_is_told_as_if_every_chunk_were_read(
    events: list[bytes], answers: int, asked: bool
) -> None:
    reading = ChatObserver(answers, asked_for_usage=asked)
    reading._refrain.forget()
    assert told(ChatObserver(answers, asked_for_usage=asked), events) == told(reading, events)


@given(events=stream_of(DELTAS))
def test_a_message_is_told_as_if_every_event_were_read(events: list[bytes]) -> None:
    reading = MessagesObserver()
    reading._refrain.forget()
    assert told(MessagesObserver(), events) == told(reading, events)


def test_the_words_of_both_protocols_are_recognised() -> None:
    chat, messages = ChatObserver(1, asked_for_usage=False), MessagesObserver()
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":null}]}\n\n'
    delta = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    delta += b'"delta":{"type":"text_delta","text":"%b"}}\n\n'
    assert chat.observe_event(chunk % b"one") is Event.SUBSTANCE
    assert messages.observe_event(delta % b"one") is Event.SUBSTANCE
    assert chat._refrain.words_in(chunk % b" and two") == len(" and two")
    assert messages._refrain.words_in(delta % b" and two") == len(" and two")
