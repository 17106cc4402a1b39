"""Chat completions: facts, edits and the gateway's own answers."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.errors import MalformedRequest
from gateway.wire.base import Reading
from gateway.wire.openai_chat import OpenAiChat
from policy.types import Operation, Zone

WIRE = OpenAiChat(estimate=lambda model, text_bytes: text_bytes)
MESSAGES: list[Mapping[str, Any]] = [{"role": "user", "content": "hi"}]


def body_with(**members: object) -> bytes:
    return json.dumps({"model": "coder", "messages": MESSAGES, **members}).encode()


def read(**members: object) -> Reading:
    return WIRE.read(body_with(**members))


def texts(**members: object) -> dict[str, tuple[Zone, str]]:
    return {part.path: (part.zone, part.text) for part in read(**members).facts.read_segments()}


def test_the_least_request_has_the_protocols_defaults() -> None:
    facts = read().facts
    assert (facts.model, facts.streaming, facts.answers) == ("coder", False, 1)
    assert (facts.output_tokens_limit, facts.tool_names) == (None, ())
    assert (facts.operation, facts.body_bytes) == (Operation.CHAT, len(body_with()))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"model": ""}, "'model'"),
        ({"model": "x" * 257}, "'model' must be 1 to 256"),
        ({"model": None}, "'model' must be a string"),
        ({"model": 7}, "'model' must be a string"),
        ({"model": ["a"]}, "'model' must be a string"),
        ({"model": "a\nb"}, "'model' .*invisible"),
        ({"model": "a\x00"}, "'model' .*invisible"),
        ({"model": "a\u200bb"}, "'model' .*invisible"),
        ({"model": "a\u202eb"}, "'model' .*invisible"),
        ({"messages": "hi"}, "'messages' must be an array"),
        ({"messages": None}, "'messages' must be an array"),
        ({"messages": {}}, "'messages' must be an array"),
        ({"stream": "true"}, "'stream' must be true or false"),
        ({"stream": 1}, "'stream' must be true or false"),
        ({"n": 0}, "'n' must be a whole number from 1 to 128"),
        ({"n": 129}, "'n'"),
        ({"n": 1_000_000}, "'n'"),
        ({"n": 1.0}, "'n'"),
        ({"n": True}, "'n'"),
        ({"max_tokens": 0}, "'max_tokens' must be a whole number from 1 to 2147483647"),
        ({"max_tokens": -1}, "'max_tokens'"),
        ({"max_tokens": 2**31}, "'max_tokens'"),
        ({"max_tokens": 2**63}, "'max_tokens'"),
        ({"max_tokens": 2**70}, "'max_tokens'"),
        ({"max_tokens": 1.5}, "'max_tokens'"),
        ({"max_tokens": "100"}, "'max_tokens'"),
        ({"max_completion_tokens": "many"}, "'max_completion_tokens'"),
        ({"stream_options": []}, "'stream_options' must be an object"),
        ({"stream_options": {"include_usage": "yes"}}, "'include_usage' must be true or false"),
        ({"tools": {}}, "'tools' must be an array"),
        ({"tools": ["read"]}, "tools.0 must be an object"),
        ({"tools": [{}]}, "tools.0 has neither a name nor a type"),
        ({"tools": [{"type": "function", "function": "read"}]}, "tools.0.function must be"),
        ({"tools": [{"type": "function", "function": {"name": 5}}]}, "tools.0.function.name"),
        ({"tools": [{"type": "function", "function": {"name": "a\u200b"}}]}, "invisible"),
        ({"tools": [{"type": "function", "function": {"name": "x" * 257}}]}, "tools.0.function"),
        ({"functions": 1}, "'functions' must be an array"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(members: dict[str, object], message: str) -> None:
    with pytest.raises(MalformedRequest, match=message):
        read(**members)


@pytest.mark.parametrize("absent", ["model", "messages"])
def test_a_missing_field_is_refused_by_its_name(absent: str) -> None:
    members = json.loads(body_with())
    del members[absent]
    with pytest.raises(MalformedRequest, match=f"'{absent}'"):
        WIRE.read(json.dumps(members).encode())


@pytest.mark.parametrize("number", ["9" * 5_000, "1e999", "-0", "1e2"])
def test_an_odd_number_as_a_limit_is_refused(number: str) -> None:
    body = body_with().replace(b'"messages"', b'"max_tokens":%s,"messages"' % number.encode())
    with pytest.raises(MalformedRequest, match="'max_tokens'"):
        WIRE.read(body)


@pytest.mark.parametrize(
    "members",
    [
        '"stream":true,"stream":false',
        '"stream_options":{"include_usage":true,"include_usage":false}',
        '"tools":[{"type":"function","type":"x","function":{"name":"a"}}]',
        '"tools":[{"type":"function","function":{"name":"a","name":"b"}}]',
        '"tools":[{"type":"function","function":{"name":"a","n\\u0061me":"b"}}]',
        '"tools":[{"type":"function", "function":{"name":"a"}, "function":{"name":"b"}}]',
        '"functions":[{"name":"a","name":"b"}]',
    ],
)
def test_a_duplicate_of_a_key_that_is_read_is_refused(members: str) -> None:
    body = b'{"model":"coder","messages":[],' + members.encode() + b"}"
    with pytest.raises(MalformedRequest, match="twice"):
        WIRE.read(body)


@pytest.mark.parametrize(
    "messages",
    [
        '[{"role":"user","content":"a","content":"b"}]',
        '[{"role":"user","role":"system","content":"a"}]',
        '[{"role":"user","content":[{"type":"text","text":"a","text":"b"}]}]',
        '[{"role":"assistant","tool_calls":[{"function":{"arguments":"a","arguments":"b"}}]}]',
    ],
)
def test_a_duplicate_in_a_message_is_refused_once_segments_are_read(messages: str) -> None:
    body = b'{"model":"coder","messages":' + messages.encode() + b"}"
    facts = WIRE.read(body).facts
    with pytest.raises(MalformedRequest, match=r"messages\.0.* twice"):
        facts.read_segments()


def test_unknown_fields_roles_and_parts_refuse_nothing() -> None:
    parts = [{"type": "hologram", "payload": {"text": "seen"}}, 5, None, "bare"]
    found = texts(messages=[{"role": "wizard", "content": parts, "x": True}], brand_new={"a": [1]})
    assert found["messages.0.content.0.payload.text"] == (Zone.USER, "seen")
    assert found["messages.0.content.3"] == (Zone.USER, "bare")


def test_the_output_limit_is_the_larger_of_the_two_names() -> None:
    assert read(max_tokens=10, max_completion_tokens=20).facts.output_tokens_limit == 20
    assert read(max_tokens=10, max_completion_tokens=None).facts.output_tokens_limit == 10


def test_a_tool_is_known_by_every_name_an_upstream_may_read() -> None:
    tools = [
        {"type": "function", "name": "outer", "function": {"name": "inner"}},
        {"type": "custom", "custom": {"name": "patch"}},
        {"type": "web_search"},
        {"type": "function", "name": "responses_shaped"},
    ]
    facts = read(tools=tools, functions=[{"name": "legacy"}]).facts
    assert facts.tool_names == (
        "outer",
        "inner",
        "patch",
        "web_search",
        "responses_shaped",
        "legacy",
    )


def test_ten_thousand_tools_are_read_and_one_more_is_refused() -> None:
    tools = [{"type": "web_search"}] * 10_000
    assert len(read(tools=tools).facts.tool_names) == 10_000
    with pytest.raises(MalformedRequest, match="more than 10000 tools"):
        read(tools=[*tools, tools[0]])


def test_every_kind_of_text_has_its_zone() -> None:
    found = texts(
        messages=[
            {"role": "developer", "content": "rules"},
            {"role": "user", "name": "ann", "content": [{"type": "text", "text": "q"}]},
            {"role": "assistant", "content": "a", "reasoning_content": "r", "refusal": "no"},
            {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "out"}]},
            {"role": "function", "name": "f", "content": "old out"},
        ],
        response_format={"type": "json_schema", "json_schema": {"description": "shape"}},
        prediction={"type": "content", "content": "guess"},
    )
    assert found == {
        "messages.0.content": (Zone.SYSTEM, "rules"),
        "messages.1.name": (Zone.USER, "ann"),
        "messages.1.content.0.text": (Zone.USER, "q"),
        "messages.2.content": (Zone.ASSISTANT, "a"),
        "messages.2.reasoning_content": (Zone.ASSISTANT, "r"),
        "messages.2.refusal": (Zone.ASSISTANT, "no"),
        "messages.3.content.0.text": (Zone.TOOL_RESULT, "out"),
        "messages.4.name": (Zone.TOOL_RESULT, "f"),
        "messages.4.content": (Zone.TOOL_RESULT, "old out"),
        "response_format.json_schema.description": (Zone.USER, "shape"),
        "prediction.content": (Zone.USER, "guess"),
    }


def test_reading_segments_twice_gives_the_same() -> None:
    facts = read(tools=[{"type": "function", "function": {"name": "a"}}]).facts
    assert facts.read_segments() == facts.read_segments()
