"""Watching a chat completion: odd chunks, odd figures, and what is no reply."""

import json

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gateway.exchange import Usage
from gateway.wire.base import Event, NotAReply
from gateway.wire.openai_chat_reply import ChatObserver


def chunk(delta: object, finish_reason: str | None = None, **members: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return event({"id": "c1", "model": "m", "choices": [choice], **members})


def event(document: object) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def observer(answers: int = 1, *, asked_for_usage: bool = False) -> ChatObserver:
    return ChatObserver(answers, asked_for_usage=asked_for_usage)


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
WORDS = chunk({"content": "a"})
STOP = chunk({}, "stop")
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "a"},
        {"reasoning_content": "a"},
        {"reasoning": "a"},
        {"refusal": "a"},
        {"tool_calls": [{"index": 0, "id": "x", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "id": "x", "type": "custom", "custom": {"name": "f"}}]},
        {"function_call": {"name": "f"}},
        {"role": "assistant", "audio": {"id": "a1"}},
        {"content": [{"type": "thinking", "thinking": "a"}]},
        {"something_new": "a"},
    ],
)
def test_a_chunk_that_says_something_is_substance(delta: object) -> None:
    seen = observer()
    assert seen.observe_event(chunk(delta)) is Event.SUBSTANCE
    assert seen.observe_event(chunk({"content": ""})) is Event.SUBSTANCE


@pytest.mark.parametrize(
    "opening",
    [
        chunk({"role": "assistant", "content": ""}),
        chunk({"role": "assistant", "content": None, "tool_calls": None}),
        chunk({}),
        chunk(None),
        event({"choices": []}),
        event({"choices": None}),
        b": keep-alive\n\n",
        b"\n",
        b"id: 1\nretry: 10\n\n",
    ],
)
def test_what_says_nothing_yet_is_preamble(opening: bytes) -> None:
    assert observer().observe_event(opening) is Event.PREAMBLE


def test_a_comment_in_the_middle_keeps_its_place() -> None:
    seen = observer()
    events = [WORDS, b": c\n\n", STOP, b": c\n\n"]
    assert [seen.observe_event(each) for each in events] == [
        Event.SUBSTANCE,
        Event.SUBSTANCE,
        Event.ENDING,
        Event.ENDING,
    ]


def test_content_that_comes_with_the_stop_reason_is_held() -> None:
    seen = observer()
    assert seen.observe_event(chunk({"content": "all"}, "stop")) is Event.ENDING
    assert (seen.facts.is_whole, seen.facts.output_bytes) == (True, 3)


@pytest.mark.parametrize("asked", [True, False])
def test_the_extra_usage_chunk_is_withheld_only_when_we_asked(asked: bool) -> None:
    seen = observer(asked_for_usage=asked)
    seen.observe_event(WORDS)
    seen.observe_event(STOP)
    expected = Event.WITHHELD if asked else Event.ENDING
    assert seen.observe_event(event({"choices": [], "usage": USAGE})) is expected
    assert seen.facts.usage == Usage(input_tokens=3, output_tokens=2)


def test_a_usage_chunk_with_an_empty_choice_after_the_end_is_withheld_too() -> None:
    seen = observer(asked_for_usage=True)
    seen.observe_event(STOP)
    assert seen.observe_event(chunk({}, None, usage=USAGE)) is Event.WITHHELD


def test_usage_on_the_finish_chunk_is_passed_on() -> None:
    seen = observer(asked_for_usage=True)
    seen.observe_event(WORDS)
    assert seen.observe_event(chunk({}, "stop", usage=USAGE)) is Event.ENDING
    assert seen.facts.usage == Usage(input_tokens=3, output_tokens=2)


def test_fewer_answers_than_asked_are_whole_once_the_marker_came() -> None:
    seen = observer(answers=2)
    assert [seen.observe_event(each) for each in (WORDS, STOP, DONE)] == [
        Event.SUBSTANCE,
        Event.SUBSTANCE,
        Event.END,
    ]
    assert seen.facts.is_whole


def test_a_marker_without_a_stop_reason_makes_nothing_whole() -> None:
    seen = observer()
    assert [seen.observe_event(each) for each in (WORDS, DONE)] == [Event.SUBSTANCE, Event.END]
    assert not seen.facts.is_whole


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (event({"error": {"message": "no\r\n memory", "code": 500}}), "no memory"),
        (event({"error": "plain"}), "plain"),
        (event({"error": {"code": 503}}), "503"),
        (event({"error": {}}), "an error without a message"),
        (event({"error": [1]}), "[1]"),
        (event({"choices": 7, "error": {"message": "odd"}}), "odd"),
        (event({"object": "error", "message": "old vllm", "code": 400}), "old vllm"),
        (b'error: {"code":500,"message":"old llama"}\n\n', "old llama"),
        (b"error: \n\n", "an error"),
        (event({"error": {"message": "\x1b[31m" + "x" * 500}}), "[31m" + "x" * 296),
    ],
)
def test_an_upstreams_error_is_a_failure_in_one_short_line(failure: bytes, text: str) -> None:
    seen = observer()
    seen.observe_event(WORDS)
    assert seen.observe_event(failure) is Event.FAILURE
    assert seen.facts.failure == text
    assert not seen.facts.is_whole


@pytest.mark.parametrize(
    "data", [b"<html>", b"{", b"[1]", b"7", b'"\xff"', b"[" * 10_000, b'{"a":NaN}', b""]
)
def test_an_event_that_is_no_object_is_passed_on_as_substance(data: bytes) -> None:
    seen = observer()
    assert seen.observe_event(b"data: " + data + b"\n\n") is Event.SUBSTANCE
    assert not seen.facts.is_whole


def test_a_chunk_of_unusual_types_still_ends_the_stream() -> None:
    seen = observer()
    odd = {
        "id": 5,
        "choices": [{"index": "0", "delta": {"content": ["a"]}, "finish_reason": "stop"}],
    }
    assert seen.observe_event(event({**odd, "usage": USAGE, "model": "m"})) is Event.ENDING
    assert seen.facts.is_whole
    assert seen.facts.usage == Usage(input_tokens=3, output_tokens=2)


def test_a_later_usage_of_nothing_does_not_undo_an_earlier_one() -> None:
    seen = observer()
    seen.observe_event(chunk({"content": "a"}, usage=USAGE))
    seen.observe_event(chunk({"content": "a"}, usage={"prompt_tokens": 0}))
    assert seen.facts.usage == Usage(input_tokens=3, output_tokens=2)


MESSAGE = {"role": "assistant", "content": "é", "reasoning_content": "r", "refusal": None}


def document(**members: object) -> bytes:
    choice = {"index": 0, "message": MESSAGE, "finish_reason": "stop", "logprobs": None}
    return json.dumps(
        {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": USAGE,
            **members,
        }
    ).encode()


@pytest.mark.parametrize(
    ("told", "tier"),
    [("flex", "flex"), ("default", "default"), (None, None), ("", None), (7, None)],
)
def test_the_tier_is_told_in_chunks_and_documents(told: object, tier: str | None) -> None:
    watching = observer()
    watching.observe_event(chunk({"content": "a"}, service_tier="auto"))
    watching.observe_event(chunk({}, "stop", service_tier=told))
    assert watching.facts.service_tier == (tier or "auto")
    reading = observer()
    reading.observe_document(document(service_tier=told))
    assert reading.facts.service_tier == tier


def test_a_whole_document_gives_its_facts() -> None:
    seen = observer()
    seen.observe_document(document())
    assert ChatCompletion.model_validate_json(document()).id == seen.facts.response_id
    assert (seen.facts.is_whole, seen.facts.finish_reason) == (True, "stop")
    assert (seen.facts.output_bytes, seen.facts.usage) == (3, Usage(3, output_tokens=2))


def test_a_document_without_a_stop_reason_is_not_whole() -> None:
    seen = observer()
    seen.observe_document(document(choices=[{"index": 0, "message": MESSAGE}]))
    assert not seen.facts.is_whole


def test_a_document_of_unusual_types_is_still_read() -> None:
    message = {"role": "assistant", "content": [{"type": "text", "text": "a"}]}
    seen = observer()
    seen.observe_document(document(choices=[{"message": message, "finish_reason": "length"}]))
    assert (seen.facts.is_whole, seen.facts.finish_reason) == (True, "length")
    assert seen.facts.output_bytes > 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>502 Bad Gateway</body></html>",
        b"null",
        b"[]",
        b"{}",
        b'"ok"',
        b"data: {}\n\n",
        document(choices=[]),
        document(choices=None),
        document(choices=[{"index": 0, "delta": MESSAGE}]),
        document(choices=["a"]),
        b'{"type":"message","content":[],"role":"assistant"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_chat_completion_is_told(body: bytes) -> None:
    with pytest.raises(NotAReply, match="no chat completion"):
        observer().observe_document(body)


def test_an_error_with_status_200_is_no_reply() -> None:
    seen = observer()
    with pytest.raises(NotAReply, match="an error: out of quota"):
        seen.observe_document(b'{"error":{"message":"out of quota","code":429}}')


def test_the_chunks_of_these_tests_are_what_the_sdk_reads() -> None:
    data = chunk({"content": "a"}, "stop", object="chat.completion.chunk", created=1)
    read = ChatCompletionChunk.model_validate_json(data.removeprefix(b"data: "))
    assert read.choices[0].finish_reason == "stop"
