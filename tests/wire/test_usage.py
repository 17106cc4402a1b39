"""What each vendor and engine says it counted, in its own words, becomes disjoint classes.

The figures stand as the vendors' documentation, or their servers, send them.
"""

import json
from typing import Any

import pytest

from gateway.exchange import Usage
from gateway.wire.anthropic_messages_reply import MessagesObserver
from gateway.wire.openai_chat_reply import ChatObserver

CHAT: dict[str, tuple[dict[str, Any], Usage]] = {
    "openai": (
        {
            "prompt_tokens": 2_006,
            "completion_tokens": 300,
            "total_tokens": 2_306,
            "prompt_tokens_details": {"cached_tokens": 1_920, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 192, "audio_tokens": 0},
        },
        Usage(86, 1_920, output_tokens=300, reasoning_tokens=192),
    ),
    "openai, where writing to the cache has a price": (
        {
            "prompt_tokens": 2_006,
            "completion_tokens": 300,
            "prompt_tokens_details": {"cached_tokens": 1_000, "cache_write_tokens": 900},
        },
        Usage(106, 1_000, 900, output_tokens=300),
    ),
    "deepseek": (
        {
            "prompt_tokens": 1_000,
            "completion_tokens": 50,
            "total_tokens": 1_050,
            "prompt_cache_hit_tokens": 960,
            "prompt_cache_miss_tokens": 40,
            "completion_tokens_details": {"reasoning_tokens": 30},
        },
        Usage(40, 960, output_tokens=50, reasoning_tokens=30),
    ),
    "deepseek, both ways": (
        {
            "prompt_tokens": 1_000,
            "completion_tokens": 50,
            "prompt_tokens_details": {"cached_tokens": 960},
            "prompt_cache_hit_tokens": 960,
            "prompt_cache_miss_tokens": 40,
        },
        Usage(40, 960, output_tokens=50),
    ),
    "moonshot": (
        {"prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109, "cached_tokens": 64},
        Usage(36, 64, output_tokens=9),
    ),
    "qwen, implicit cache": (
        {
            "prompt_tokens": 3_019,
            "completion_tokens": 104,
            "total_tokens": 3_123,
            "prompt_tokens_details": {"cached_tokens": 2_048},
        },
        Usage(971, 2_048, output_tokens=104),
    ),
    "qwen, explicit cache": (
        {
            "prompt_tokens": 2_000,
            "completion_tokens": 10,
            "prompt_tokens_details": {
                "cached_tokens": 200,
                "cache_type": "ephemeral",
                "cache_creation_input_tokens": 1_721,
                "cache_creation": {"ephemeral_5m_input_tokens": 1_721},
            },
        },
        Usage(79, 200, 1_721, output_tokens=10),
    ),
    "zhipu": (
        {
            "prompt_tokens": 500,
            "completion_tokens": 80,
            "total_tokens": 580,
            "prompt_tokens_details": {"cached_tokens": 300},
            "completion_tokens_details": {"reasoning_tokens": 60},
        },
        Usage(200, 300, output_tokens=80, reasoning_tokens=60),
    ),
    "vllm": (
        {
            "prompt_tokens": 40,
            "completion_tokens": 5,
            "total_tokens": 45,
            "prompt_tokens_details": None,
        },
        Usage(40, output_tokens=5),
    ),
    "vllm, asked for details": (
        {
            "prompt_tokens": 40,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 32},
        },
        Usage(8, 32, output_tokens=5),
    ),
    "sglang": (
        {
            "prompt_tokens": 40,
            "completion_tokens": 20,
            "prompt_tokens_details": {"cached_tokens": 32},
            "reasoning_tokens": 12,
        },
        Usage(8, 32, output_tokens=20, reasoning_tokens=12),
    ),
    "anthropic, in chat's words": (
        {
            "prompt_tokens": 1_000,
            "completion_tokens": 20,
            "prompt_tokens_details": {
                "cached_tokens": 500,
                "cache_creation_tokens": 400,
                "cache_creation_token_details": {
                    "ephemeral_5m_input_tokens": 100,
                    "ephemeral_1h_input_tokens": 300,
                },
            },
            "cache_read_input_tokens": 500,
            "cache_creation_input_tokens": 400,
        },
        Usage(100, 500, 100, 300, 20),
    ),
}

TIMINGS = {"cache_n": 90, "prompt_n": 10, "prompt_ms": 4.2, "predicted_n": 7, "predicted_ms": 9.1}

MESSAGES: dict[str, tuple[dict[str, Any], Usage]] = {
    "anthropic": (
        {
            "input_tokens": 12,
            "cache_read_input_tokens": 3_000,
            "cache_creation_input_tokens": 700,
            "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 500},
            "output_tokens": 90,
            "output_tokens_details": {"thinking_tokens": 70},
        },
        Usage(12, 3_000, 200, 500, 90, 70),
    ),
    "anthropic, without the ages": (
        {
            "input_tokens": 12,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 700,
            "output_tokens": 90,
        },
        Usage(12, 0, 700, 0, 90),
    ),
    "anthropic, the ages alone": (
        {
            "input_tokens": 12,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 500},
            "output_tokens": 90,
        },
        Usage(12, 0, 0, 500, 90),
    ),
    "llama.cpp": ({"input_tokens": 33, "output_tokens": 8}, Usage(33, output_tokens=8)),
}


def chat_reply(**members: object) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    return json.dumps({"id": "c1", "model": "m", "choices": [choice], **members}).encode()


def chunk(delta: dict[str, Any], finish: str | None = None, **members: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c1", "choices": [choice], **members}).encode() + b"\n\n"


def chat_usage_of(*events: bytes) -> Usage | None:
    seen = ChatObserver(1, asked_for_usage=True)
    for event in events:
        seen.observe_event(event)
    return seen.facts.usage


@pytest.mark.parametrize("vendor", CHAT)
def test_a_chat_documents_figures_are_read(vendor: str) -> None:
    figures, usage = CHAT[vendor]
    seen = ChatObserver(1, asked_for_usage=False)
    seen.observe_document(chat_reply(usage=figures))
    assert seen.facts.usage == usage


@pytest.mark.parametrize("vendor", CHAT)
def test_a_chat_streams_figures_are_read_from_its_last_chunk(vendor: str) -> None:
    figures, usage = CHAT[vendor]
    last = b"data: " + json.dumps({"id": "c1", "choices": [], "usage": figures}).encode() + b"\n\n"
    assert chat_usage_of(chunk({"content": "a"}), chunk({}, "stop"), last) == usage


@pytest.mark.parametrize("vendor", CHAT)
def test_every_token_counted_stands_in_one_class(vendor: str) -> None:
    figures, usage = CHAT[vendor]
    assert usage.all_input_tokens == figures["prompt_tokens"]
    assert usage.total_tokens == figures["prompt_tokens"] + figures["completion_tokens"]
    assert usage.reasoning_tokens <= usage.output_tokens


@pytest.mark.parametrize("content", ["a", ["odd"]])
def test_moonshots_figures_are_read_in_the_last_choice(content: object) -> None:
    figures, usage = CHAT["moonshot"]
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": "stop", "usage": figures}
    last = b"data: " + json.dumps({"id": "c1", "choices": [choice]}).encode() + b"\n\n"
    assert chat_usage_of(chunk({"content": "a"}), last) == usage


def test_llama_cpps_timings_count_where_it_was_asked_for_no_usage() -> None:
    last = chunk({}, "stop", timings=TIMINGS)
    assert chat_usage_of(chunk({"content": "a"}), last) == Usage(10, 90, output_tokens=7)


def test_llama_cpps_timings_say_what_its_usage_does_not() -> None:
    told = {"prompt_tokens": 100, "completion_tokens": 7}
    last = {"id": "c1", "choices": [], "usage": told, "timings": TIMINGS}
    event = b"data: " + json.dumps(last).encode() + b"\n\n"
    usage = chat_usage_of(chunk({"content": "a"}), chunk({}, "stop"), event)
    assert usage == Usage(10, 90, output_tokens=7)


@pytest.mark.parametrize("timings", [None, [], 3, {"prompt_n": "x"}, {"cache_n": -1}])
def test_timings_of_another_shape_change_nothing(timings: object) -> None:
    told = {"prompt_tokens": 3, "completion_tokens": 2}
    seen = ChatObserver(1, asked_for_usage=False)
    seen.observe_document(chat_reply(usage=told, timings=timings))
    assert seen.facts.usage == Usage(3, output_tokens=2)


@pytest.mark.parametrize("vendor", MESSAGES)
def test_a_messages_figures_are_read(vendor: str) -> None:
    figures, usage = MESSAGES[vendor]
    message = {"id": "m1", "content": [], "stop_reason": "end_turn", "usage": figures}
    seen = MessagesObserver()
    seen.observe_document(json.dumps(message).encode())
    assert seen.facts.usage == usage


def messages_event(kind: str, **members: object) -> bytes:
    data = json.dumps({"type": kind, **members}).encode()
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


def test_input_is_told_at_a_messages_start_and_output_at_its_end() -> None:
    figures, usage = MESSAGES["anthropic"]
    at_start = {**figures, "output_tokens": 1}
    at_end = {each: figures[each] for each in ("output_tokens", "output_tokens_details")}
    seen = MessagesObserver()
    seen.observe_event(messages_event("message_start", message={"id": "m1", "usage": at_start}))
    seen.observe_event(
        messages_event("message_delta", delta={"stop_reason": "end_turn"}, usage=at_end)
    )
    assert seen.facts.usage == usage


def test_input_that_grew_on_the_way_is_counted_as_told_last() -> None:
    seen = MessagesObserver()
    first = {"input_tokens": 10, "cache_read_input_tokens": 100, "output_tokens": 1}
    last = {"input_tokens": 25, "cache_read_input_tokens": 140, "output_tokens": 30}
    seen.observe_event(messages_event("message_start", message={"id": "m1", "usage": first}))
    seen.observe_event(
        messages_event("message_delta", delta={"stop_reason": "end_turn"}, usage=last)
    )
    assert seen.facts.usage == Usage(25, 140, output_tokens=30)
