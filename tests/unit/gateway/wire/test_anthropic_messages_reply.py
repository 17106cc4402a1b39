"""Watching an Anthropic message: odd events, odd figures, and what is no reply."""

import json

import pytest
from anthropic.types import Message

from gateway.exchange import Usage
from gateway.wire.anthropic_messages_reply import MessagesObserver
from gateway.wire.base import Event, NotAReply


def event(kind: str, **members: object) -> bytes:
    data = json.dumps({"type": kind, **members}).encode()
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


def start(**usage: object) -> bytes:
    return event("message_start", message={"id": "m1", "model": "m", "usage": usage})


def delta(**usage: object) -> bytes:
    return event("message_delta", delta={"stop_reason": "end_turn"}, usage=usage)


BLOCK = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
WORDS = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "é"})
PING = event("ping")


def observe(*events: bytes) -> tuple[list[Event], MessagesObserver]:
    observer = MessagesObserver()
    return [observer.observe_event(each) for each in events], observer


def test_nothing_is_said_before_the_first_block() -> None:
    seen, _ = observe(start(input_tokens=1), PING, b": c\n\n", b"\n", BLOCK, PING, b": c\n\n")
    assert seen == [Event.PREAMBLE] * 4 + [Event.SUBSTANCE] * 3


def test_from_the_stop_reason_on_everything_is_held() -> None:
    seen, observer = observe(BLOCK, delta(output_tokens=1), PING, event("message_stop"))
    assert seen == [Event.SUBSTANCE, Event.ENDING, Event.ENDING, Event.END]
    assert (observer.facts.is_whole, observer.facts.finish_reason) == (True, "end_turn")


def test_a_delta_without_a_stop_reason_ends_nothing() -> None:
    running = event("message_delta", delta={"stop_reason": None}, usage={"output_tokens": 3})
    seen, observer = observe(BLOCK, running)
    assert seen == [Event.SUBSTANCE] * 2
    assert not observer.facts.is_whole


def test_a_stop_without_a_stop_reason_makes_nothing_whole() -> None:
    seen, observer = observe(BLOCK, event("message_stop"))
    assert seen == [Event.SUBSTANCE, Event.END]
    assert not observer.facts.is_whole


def test_an_unknown_event_is_substance() -> None:
    assert observe(event("x_new", a=1))[0] == [Event.SUBSTANCE]


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (
            event("error", error={"type": "overloaded_error", "message": "Over\nloaded"}),
            "Over loaded",
        ),
        (event("error", error="plain"), "plain"),
        (event("error"), "error"),
        (b'event: error\ndata: {"message":"no type"}\n\n', "no type"),
        (b"event: error\ndata: oops\n\n", "an error without a message"),
    ],
)
def test_an_upstreams_error_is_a_failure_in_one_short_line(failure: bytes, text: str) -> None:
    seen, observer = observe(BLOCK, failure)
    assert seen == [Event.SUBSTANCE, Event.FAILURE]
    assert observer.facts.failure == text


@pytest.mark.parametrize(
    "odd",
    [
        b"event: message_delta\ndata: "
        b'{"type":"message_delta","delta":{"stop_reason":"end_turn","text":5},'
        b'"usage":{"output_tokens":2}}\n\n',
        b"event: message_delta\ndata: "
        b'{"type":"message_delta","delta":{"stop_reason":"end_turn","name":[]},'
        b'"usage":{"output_tokens":2}}\n\n',
    ],
)
def test_an_event_of_unusual_types_still_ends_the_stream(odd: bytes) -> None:
    seen, observer = observe(BLOCK, odd)
    assert seen == [Event.SUBSTANCE, Event.ENDING]
    assert observer.facts.usage == Usage(output_tokens=2)
    assert observer.facts.is_whole


def test_an_opening_and_an_end_of_unusual_types_are_still_told() -> None:
    opening = event("message_start", message={"id": 5, "usage": {"input_tokens": 4}})
    end = event("message_stop", delta=[])
    seen, observer = observe(opening, BLOCK, end)
    assert seen == [Event.PREAMBLE, Event.SUBSTANCE, Event.END]
    assert observer.facts.usage == Usage(input_tokens=4)


@pytest.mark.parametrize("data", [b"<html>", b"{", b"[1]", b"7", b'"\xff"', b"[" * 10_000])
def test_an_event_that_is_no_object_is_passed_on_as_substance(data: bytes) -> None:
    assert observe(b"data: " + data + b"\n\n")[0] == [Event.SUBSTANCE]


def test_text_thinking_and_arguments_are_counted_in_bytes_but_signatures_are_not() -> None:
    deltas = [
        {"type": "text_delta", "text": "é"},
        {"type": "thinking_delta", "thinking": "abc"},
        {"type": "input_json_delta", "partial_json": '{"a"'},
        {"type": "signature_delta", "signature": "x" * 100},
        {"type": "citations_delta", "citation": {"cited_text": "x"}},
    ]
    tool = {"type": "tool_use", "id": "t", "name": "Read", "input": {}}
    blocks = [event("content_block_start", index=0, content_block=tool)]
    blocks += [event("content_block_delta", index=0, delta=each) for each in deltas]
    assert observe(*blocks)[1].facts.output_bytes == len("Read") + 2 + 3 + 4


@pytest.mark.parametrize(
    ("events", "usage"),
    [
        (
            [start(input_tokens=5, output_tokens=1), delta(output_tokens=9)],
            Usage(5, output_tokens=9),
        ),
        (
            [start(input_tokens=0), delta(input_tokens=7, output_tokens=1)],
            Usage(7, output_tokens=1),
        ),
        (
            [start(input_tokens=5), delta(input_tokens=0, output_tokens=1)],
            Usage(5, output_tokens=1),
        ),
        (
            [start(input_tokens=9), delta(input_tokens=2, cache_read_input_tokens=7)],
            Usage(2, 7),
        ),
        (
            [start(input_tokens=2, cache_read_input_tokens=7), delta(output_tokens=3)],
            Usage(2, 7, output_tokens=3),
        ),
        ([start(input_tokens=1, cache_creation_input_tokens=8)], Usage(1, 0, 8)),
        (
            [
                start(
                    input_tokens=1,
                    cache_creation_input_tokens=8,
                    cache_creation={"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 5},
                )
            ],
            Usage(1, 0, 3, 5),
        ),
        (
            [start(input_tokens=1, cache_creation_input_tokens=8, cache_creation=None)],
            Usage(1, 0, 8),
        ),
        ([start(input_tokens=None, output_tokens="9")], None),
        ([start()], None),
        ([event("message_start")], None),
        ([event("message_start", message={"usage": None})], None),
    ],
)
def test_usage_is_gathered_over_the_stream(events: list[bytes], usage: Usage | None) -> None:
    assert observe(*events)[1].facts.usage == usage


MESSAGE = {
    "id": "m1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


def test_a_whole_document_gives_its_facts() -> None:
    observer = MessagesObserver()
    observer.observe_document(json.dumps(MESSAGE).encode())
    assert Message.model_validate(MESSAGE).id == observer.facts.response_id
    assert (observer.facts.is_whole, observer.facts.finish_reason) == (True, "end_turn")
    assert (observer.facts.output_bytes, observer.facts.usage) == (2, Usage(3, output_tokens=2))


def test_a_document_without_a_stop_reason_is_not_whole() -> None:
    observer = MessagesObserver()
    observer.observe_document(json.dumps({**MESSAGE, "stop_reason": None}).encode())
    assert not observer.facts.is_whole


def test_a_document_with_blocks_of_unusual_types_is_still_read() -> None:
    observer = MessagesObserver()
    block = {"type": "x_new", "text": {"runs": ["Hi"]}}
    observer.observe_document(json.dumps({**MESSAGE, "content": [block]}).encode())
    assert (observer.facts.is_whole, observer.facts.usage) == (True, Usage(3, output_tokens=2))
    assert observer.facts.output_bytes >= len("Hi")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'{"choices":[{"message":{"content":"a"}}]}',
        b'{"content":"text"}',
        b'{"content":["text"]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_message_is_told(body: bytes) -> None:
    with pytest.raises(NotAReply, match="no message"):
        MessagesObserver().observe_document(body)


def test_an_error_with_status_200_is_no_reply() -> None:
    observer = MessagesObserver()
    with pytest.raises(NotAReply, match="out of quota"):
        observer.observe_document(b'{"type":"error","error":{"message":"out of quota"}}')
    assert observer.facts.failure == "out of quota"


def test_an_error_event_of_another_protocol_is_a_failure() -> None:
    observer = MessagesObserver()
    event = b'event: error\ndata: {"code":500,"message":"boom","type":"server_error"}\n\n'
    assert observer.observe_event(event) is Event.FAILURE
    assert observer.facts.failure == "boom"


@pytest.mark.parametrize(
    ("usage", "tier"),
    [
        ({"service_tier": "priority"}, "priority"),
        ({"service_tier": "standard", "speed": "standard"}, "standard"),
        ({"service_tier": "standard", "speed": "fast"}, "fast"),
        ({"service_tier": None}, None),
        ({"service_tier": 7, "speed": {}}, None),
    ],
)
def test_the_tier_is_told_where_the_usage_is(usage: dict[str, object], tier: str | None) -> None:
    _, observer = observe(start(input_tokens=1, **usage), BLOCK, delta(output_tokens=2))
    assert observer.facts.service_tier == tier


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ({"web_search_requests": 2, "web_fetch_requests": 1}, {"web_search": 2, "web_fetch": 1}),
        ({"web_search_requests": 0}, {}),
        ({"web_search_requests": -1, "web_fetch_requests": "x"}, {}),
        (None, {}),
        ([1], {}),
    ],
)
def test_the_tools_that_the_vendor_ran_are_counted(told: object, counted: dict[str, int]) -> None:
    first = start(input_tokens=1, server_tool_use={"web_search_requests": 0})
    _, observer = observe(first, BLOCK, delta(output_tokens=2, server_tool_use=told))
    assert observer.facts.vendor_tools == counted
