"""Chat chunks as a response: the whole order of events, in the official SDK's own types."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from providers.translation.ending import Ending
from providers.translation.hub import Json, ToolName
from providers.translation.responses_request import read_responses
from providers.translation.responses_stream import ResponsesStream, responses_document
from tests.unit.providers.translation.test_responses_request import ALL

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
USAGE = {
    "prompt_tokens": 40,
    "completion_tokens": 7,
    "total_tokens": 47,
    "prompt_tokens_details": {"cached_tokens": 30, "cache_creation_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
# Every member that the Open Responses specification (2026-04) requires of a response.
SPECIFIED = """
id object created_at completed_at status incomplete_details model previous_response_id
instructions output error tools tool_choice truncation parallel_tool_calls text top_p
presence_penalty frequency_penalty top_logprobs temperature reasoning user usage
max_output_tokens max_tool_calls store background service_tier metadata safety_identifier
prompt_cache_key
"""
REQUIRED = frozenset(SPECIFIED.split())
NAMES = {
    "mcp__docs__look": ToolName("look", "mcp__docs"),
    "apply_patch": ToolName("apply_patch", is_plain=True),
}


def a_stream() -> ResponsesStream:
    return ResponsesStream(
        reply_id="chatcmpl-1",
        model="m-1",
        created=1_790_000_000,
        unix_time=lambda: 1_790_000_009.5,
        names=NAMES,
        echo=read_responses({"input": "hi"}, ALL).echo,
    )


def chunk(finish: str | None = None, **delta: Any) -> Json:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def piece(at: int, arguments: str = "", call_id: str = "", name: str = "") -> Json:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value}
    return {"index": at, **({"id": call_id} if call_id else {}), "function": function}


def events_of(data: bytes) -> list[Any]:
    """The events of a stream, each one the SDK's own, numbered without a gap."""
    found = []
    for block in data.split(b"\n\n")[:-1]:
        name, _, rest = block.partition(b"\n")
        value = json.loads(rest.removeprefix(b"data: "))
        assert name == b"event: " + value["type"].encode()
        EVENT.validate_python(value, strict=True)
        found.append(value)
    assert [each["sequence_number"] for each in found] == list(range(len(found)))
    return found


def told(*chunks: Json, usage: Json | None = USAGE) -> list[Any]:
    stream = a_stream()
    data = b"".join(stream.encode(each) for each in chunks)
    return events_of(data + stream.close(Ending(usage=usage)))


def kinds(events: Iterable[Any]) -> list[str]:
    return [each["type"].removeprefix("response.") for each in events]


def put_together(events: list[Any]) -> list[Any]:
    """The output as a client puts it together from the events of items, by their numbers."""
    items: dict[int, Any] = {}
    for each in events:
        if each["type"] == "response.output_item.added":
            assert each["output_index"] == len(items)
            items[each["output_index"]] = each["item"]
        elif each["type"] == "response.output_item.done":
            assert items[each["output_index"]]["id"] == each["item"]["id"]
            items[each["output_index"]] = each["item"]
    return [items[at] for at in sorted(items)]


def test_words_come_in_the_whole_order_of_the_protocol() -> None:
    events = told(chunk(content="He"), chunk(content="y"), chunk("stop"))
    assert kinds(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert events[6]["text"] == "Hey"
    response = events[-1]["response"]
    assert response["output"] == put_together(events)
    assert (response["status"], response["id"], response["model"]) == (
        "completed",
        "resp_chatcmpl-1",
        "m-1",
    )
    assert (response["created_at"], response["completed_at"]) == (1_790_000_000, 1_790_000_009)
    assert response.keys() >= REQUIRED
    assert events[0]["response"].keys() >= REQUIRED


def test_usage_goes_by_the_protocols_names() -> None:
    usage = told(chunk("stop", content="Hi"))[-1]["response"]["usage"]
    assert usage == {
        "input_tokens": 40,
        "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 5},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 47,
    }


def test_the_tier_is_the_vendors_where_it_told_one() -> None:
    assert told(chunk("stop", content="Hi"))[-1]["response"]["service_tier"] == "default"
    stream = a_stream()
    data = stream.encode(chunk("stop", content="Hi"))
    end = events_of(data + stream.close(Ending(usage=USAGE, service_tier="flex")))[-1]
    assert end["response"]["service_tier"] == "flex"


def test_nobody_counted_is_no_usage() -> None:
    assert told(chunk("stop", content="Hi"), usage=None)[-1]["response"]["usage"] is None


def test_reasoning_words_and_parallel_calls_are_items_of_their_own() -> None:
    events = told(
        chunk(reasoning_content="Which "),
        chunk(reasoning_content="file?"),
        chunk(content="Let me look."),
        chunk(tool_calls=[piece(0, call_id="call_1", name="read")]),
        chunk(tool_calls=[piece(1, '{"b"', call_id="call_2", name="mcp__docs__look")]),
        chunk(tool_calls=[piece(0, '{"a":1}'), piece(1, ":2}")]),
        chunk("tool_calls"),
    )
    output = events[-1]["response"]["output"]
    assert output == put_together(events)
    assert [each["type"] for each in output] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    assert output[0]["content"] == [{"type": "reasoning_text", "text": "Which file?"}]
    assert (output[2]["name"], output[2]["arguments"]) == ("read", '{"a":1}')
    assert "namespace" not in output[2]
    assert (output[3]["name"], output[3]["namespace"]) == ("look", "mcp__docs")
    assert (output[3]["call_id"], output[3]["arguments"]) == ("call_2", '{"b":2}')


def test_no_call_is_done_before_the_reply_is() -> None:
    stream = a_stream()
    early = stream.encode(chunk(tool_calls=[piece(0, "{}", call_id="1", name="run")]))
    early += stream.encode(chunk(tool_calls=[piece(1, "{}", call_id="2", name="run")]))
    early += stream.encode(chunk("tool_calls"))
    assert b".done" not in early
    assert kinds(events_of(early + stream.close(Ending())))[-5:] == [
        "function_call_arguments.done",
        "output_item.done",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


def test_a_plain_tool_gets_its_text_back() -> None:
    events = told(
        chunk(tool_calls=[piece(0, '{"inp', call_id="c", name="apply_patch")]),
        chunk(tool_calls=[piece(0, 'ut":"*** Begin"}')]),
        chunk("tool_calls"),
    )
    assert kinds(events)[2:] == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
        "completed",
    ]
    (item,) = events[-1]["response"]["output"]
    assert (item["type"], item["name"], item["input"]) == (
        "custom_tool_call",
        "apply_patch",
        "*** Begin",
    )


@pytest.mark.parametrize(
    ("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_an_answer_that_was_stopped_is_incomplete_and_says_why(finish: str, reason: str) -> None:
    events = told(chunk(content="Once upon"), chunk(finish))
    assert events[-1]["type"] == "response.incomplete"
    response = events[-1]["response"]
    assert (response["status"], response["incomplete_details"]) == (
        "incomplete",
        {"reason": reason},
    )
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"] == put_together(events)


@pytest.mark.parametrize("name", ["run", "apply_patch"])
def test_a_call_that_was_stopped_in_the_middle_is_never_done(name: str) -> None:
    half = '{"input":"rm -rf /'
    events = told(chunk(tool_calls=[piece(0, half, call_id="c", name=name)]), chunk("length"))
    assert not any(kind.endswith(".done") for kind in kinds(events))
    (item,) = events[-1]["response"]["output"]
    assert item["status"] == "incomplete"


def test_a_refusal_is_a_part_of_its_own() -> None:
    events = told(chunk(content="Well, "), chunk(refusal="I will not."), chunk("stop"))
    (item,) = events[-1]["response"]["output"]
    assert [part["type"] for part in item["content"]] == ["output_text", "refusal"]
    assert item["content"][1]["refusal"] == "I will not."
    assert "refusal.done" in kinds(events)


def test_words_after_a_call_are_another_item() -> None:
    events = told(
        chunk(content="One."),
        chunk(tool_calls=[piece(0, "{}", call_id="c", name="run")]),
        chunk(content="Two."),
        chunk("tool_calls"),
    )
    output = events[-1]["response"]["output"]
    assert [each["type"] for each in output] == ["message", "function_call", "message"]
    assert output == put_together(events)


def test_calls_that_are_all_numbered_0_are_told_apart_by_their_ids() -> None:
    events = told(
        chunk(tool_calls=[piece(0, '{"a":1}', call_id="1", name="run")]),
        chunk(tool_calls=[piece(0, '{"a":2}', call_id="2", name="run")]),
        chunk("tool_calls"),
    )
    written = [each["arguments"] for each in events[-1]["response"]["output"]]
    assert written == ['{"a":1}', '{"a":2}']


def test_a_call_without_an_id_is_given_one() -> None:
    (item,) = told(chunk("tool_calls", tool_calls=[piece(0, "{}", name="run")]))[-1]["response"][
        "output"
    ]
    assert item["call_id"]


def test_an_answer_of_nothing_is_still_a_whole_response() -> None:
    events = told(chunk("stop"))
    assert kinds(events) == ["created", "in_progress", "completed"]
    assert events[-1]["response"]["output"] == []


def test_nothing_is_said_before_the_model_says_something() -> None:
    stream = a_stream()
    assert stream.encode(chunk(role="assistant", content="")) == b""
    assert stream.encode({"choices": [], "usage": USAGE}) == b""


def test_only_the_first_answer_counts() -> None:
    second = {"choices": [{"index": 1, "delta": {"content": "two"}}]}
    events = told(chunk(content="one"), second, chunk("stop"))
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "one"


MESSAGE = {
    "reasoning_content": "Hm.",
    "content": "Look.",
    "tool_calls": [
        {"id": "1", "function": {"name": "run", "arguments": '{"a":1}'}},
        {"id": "2", "function": {"name": "apply_patch", "arguments": '{"input":"x"}'}},
    ],
}


def test_a_document_is_what_the_stream_ends_with() -> None:
    reply = {"choices": [{"message": MESSAGE, "finish_reason": "tool_calls"}]}
    document = responses_document(reply, a_stream(), Ending(usage=USAGE))
    Response.model_validate_json(document)
    calls = [
        {"index": at, **call}
        for at, call in enumerate(MESSAGE["tool_calls"])  # type: ignore[arg-type]
    ]
    streamed = told(chunk("tool_calls", **{**MESSAGE, "tool_calls": calls}))
    assert json.loads(document) == streamed[-1]["response"]


@given(st.lists(st.integers(1, 9), max_size=12))
def test_any_chunking_comes_to_the_same_response(sizes: list[int]) -> None:
    text, arguments = "Let me look at it.", '{"path":"a b.py","all":true}'

    def cut(whole: str) -> list[str]:
        pieces, at = [], 0
        for size in sizes:
            pieces.append(whole[at : at + size])
            at += size
        return [each for each in (*pieces, whole[at:]) if each]

    chunks = [chunk(content=each) for each in cut(text)]
    chunks.append(chunk(tool_calls=[piece(0, call_id="c", name="run")]))
    chunks += [chunk(tool_calls=[piece(0, each)]) for each in cut(arguments)]
    events = told(*chunks, chunk("tool_calls"))
    assert events[-1]["response"]["output"] == put_together(events)
    assert (
        events[-1]["response"]
        == told(
            chunk(content=text),
            chunk(tool_calls=[piece(0, arguments, call_id="c", name="run")]),
            chunk("tool_calls"),
        )[-1]["response"]
    )
