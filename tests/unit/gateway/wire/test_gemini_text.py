"""The text of a Gemini request: each piece with its zone, and attached bytes weighed apart."""

import json
from typing import Any

import msgspec
import pytest

from gateway.errors import MalformedRequest
from gateway.wire.gemini_text import estimate_input, read_segments
from gateway.wire.input_size import IMAGE_TOKENS
from policy.types import Zone


def members(**values: Any) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(json.dumps(value).encode()) for name, value in values.items()}


def told(**values: Any) -> list[tuple[str, Zone, str]]:
    found = read_segments(members(**values), "")
    return [(segment.path, segment.zone, segment.text) for segment in found]


def test_zones_follow_the_role_and_the_kind_of_part() -> None:
    contents = [
        {"parts": {"text": "one"}},
        {
            "role": "model",
            "parts": [{"text": "two"}, {"functionCall": {"name": "f", "args": {"a": "three"}}}],
        },
        {
            "role": "user",
            "parts": [{"function_response": {"name": "f", "response": {"data": "four"}}}],
        },
        {"role": "model", "parts": [{"executableCode": {"language": "PYTHON", "code": "five"}}]},
    ]
    assert told(contents=contents) == [
        ("contents.0.parts.text", Zone.USER, "one"),
        ("contents.1.parts.0.text", Zone.ASSISTANT, "two"),
        ("contents.1.parts.1.functionCall.name", Zone.TOOL_CALL, "f"),
        ("contents.1.parts.1.functionCall.args.a", Zone.TOOL_CALL, "three"),
        ("contents.2.parts.0.functionResponse.name", Zone.TOOL_RESULT, "f"),
        ("contents.2.parts.0.functionResponse.response.data", Zone.TOOL_RESULT, "four"),
        ("contents.3.parts.0.executableCode.language", Zone.TOOL_CALL, "PYTHON"),
        ("contents.3.parts.0.executableCode.code", Zone.TOOL_CALL, "five"),
    ]


def test_attached_bytes_and_signatures_are_no_text_but_unknown_members_are() -> None:
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": "AAAA", "displayName": "a.png"}},
        {"text": "x", "thought_signature": "c2ln"},
        {"fileData": {"fileUri": "https://example.com/x"}},
        {"novelty": {"deep": ["y"]}},
    ]
    found = told(contents=[{"role": "user", "parts": parts, "note": "z"}])
    assert [text for _, _, text in found] == ["a.png", "x", "https://example.com/x", "y", "z"]


def test_instructions_tools_and_schemas_are_text_too() -> None:
    found = told(
        contents=[],
        systemInstruction={"parts": [{"text": "one"}]},
        tools=[
            {"functionDeclarations": [{"name": "f", "description": "two"}]},
            {"mcpServers": ["three"]},
        ],
        generationConfig={"responseSchema": {"description": "four"}, "stopSequences": ["x"]},
    )
    assert [(zone, text) for _, zone, text in found] == [
        (Zone.SYSTEM, "one"),
        (Zone.TOOL_DEFINITION, "f"),
        (Zone.TOOL_DEFINITION, "two"),
        (Zone.TOOL_DEFINITION, "three"),
        (Zone.USER, "four"),
    ]


@pytest.mark.parametrize(
    "contents",
    [
        '[{"parts":[{"text":"a","text":"b"}]}]',
        '[{"parts":[{"inlineData":1,"inline_data":2}]}]',
        "[7]",
    ],
)
def test_a_part_that_two_readers_would_not_read_alike_is_refused(contents: str) -> None:
    with pytest.raises(MalformedRequest):
        read_segments({"contents": msgspec.Raw(contents.encode())}, "")


@pytest.mark.parametrize("key", ["inlineData", "inline_data"])
def test_an_image_counts_as_an_image_wherever_it_stands(key: str) -> None:
    plain = [{"parts": [{"text": "x"}]}]
    blob = {key: {"mimeType": "image/png", "data": "A" * 100_000}}
    nested = {"functionResponse": {"name": "f", "parts": [blob]}}
    for part in (blob, nested):
        with_image = [{"parts": [{"text": "x"}, part]}]
        grown = estimate_input(lambda _, size: size, "m", members(contents=with_image))
        grown -= estimate_input(lambda _, size: size, "m", members(contents=plain))
        assert IMAGE_TOKENS < grown < IMAGE_TOKENS + 200


def test_what_is_not_understood_counts_as_text() -> None:
    odd = [{"parts": [{"inlineData": ["A" * 1_000]}]}]
    assert estimate_input(lambda _, size: size, "m", members(contents=odd)) > 1_000
