"""Text is found wherever it stands, and what is no text is left out."""

import json

import msgspec
import pytest

from gateway.errors import MalformedRequest
from gateway.wire import segments, splice
from policy.types import Segment, Zone


def found(value: object) -> list[tuple[str, str]]:
    raw = msgspec.Raw(json.dumps(value))
    return [(part.path, part.text) for part in segments.search(raw, "x", Zone.USER)]


def test_strings_are_found_in_the_order_they_stand() -> None:
    value = {"a": ["one", {"b": "two"}], "c": 5, "d": None, "e": True, "f": "three"}
    assert found(value) == [("x.a.0", "one"), ("x.a.1.b", "two"), ("x.f", "three")]


def test_a_single_string_is_its_own_segment() -> None:
    assert found("text \u00e9\n") == [("x", "text \u00e9\n")]


@pytest.mark.parametrize(
    "value",
    [
        {"type": "text", "id": "1", "tool_call_id": "2", "media_type": "image/png"},
        {"type": "thinking", "signature": "AAAA"},
        {"type": "redacted_thinking", "data": "AAAA"},
        {"type": "base64", "media_type": "image/png", "data": "AAAA"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": 1}},
        {"type": "image_url", "image_url": "data:image/png;base64,AAAA"},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ],
)
def test_what_is_no_text_is_left_out(value: object) -> None:
    assert found(value) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"id": "x" * 300}, "x" * 300),
        ({"type": {"text": "hidden"}}, "hidden"),
        ({"type": "text", "data": "hidden"}, "hidden"),
        ({"image_url": {"url": "https://example.com/?q=hidden"}}, "https://example.com/?q=hidden"),
        ({"image_url": {"url": "data:text/plain,hidden"}}, "data:text/plain,hidden"),
        ({"type": "tool_use", "input": {"type": "hidden"}}, "hidden"),
        ({"type": "tool_use", "input": {"x": {"signature": "hidden"}}}, "hidden"),
    ],
)
def test_text_in_the_place_of_structure_is_found(value: object, text: str) -> None:
    assert [each for _, each in found(value)] == [text]


def test_what_lies_too_deep_comes_as_json_text() -> None:
    value: object = "deep"
    for _ in range(segments.MOST_LEVELS + 5):
        value = {"a": value}
    [(path, text)] = found(value)
    assert path == "x" + ".a" * segments.MOST_LEVELS
    assert text == '{"a": {"a": {"a": {"a": {"a": "deep"}}}}}'


def test_deep_nesting_costs_no_recursion() -> None:
    raw = msgspec.Raw(b"[" * 600 + b'"deep"' + b"]" * 600)
    [part] = segments.search(raw, "x", Zone.USER)
    assert "deep" in part.text


def test_a_message_without_or_with_an_unknown_role_is_the_users() -> None:
    raw = msgspec.Raw(b'[{"content":"a"},{"role":"wizard","content":"b"}]')
    assert [part.zone for part in segments.of_messages(raw)] == [Zone.USER, Zone.USER]


def test_a_role_spelt_with_escapes_is_the_same_role() -> None:
    raw = msgspec.Raw(b'[{"role":"\\u0073ystem","content":"a"}]')
    assert [part.zone for part in segments.of_messages(raw)] == [Zone.SYSTEM]


@pytest.mark.parametrize("message", [b"5", b'"hi"', b"[]", b"null", b'{"role":5,"content":"a"}'])
def test_a_message_of_another_shape_is_refused(message: bytes) -> None:
    with pytest.raises(MalformedRequest):
        list(segments.of_messages(msgspec.Raw(b"[" + message + b"]")))


def test_a_tool_definition_gives_its_words_and_its_schema_as_written() -> None:
    text = b'{"type":"x","name":"f","description":"d\\u00e9","input_schema":{ "a" : 1.50 },"n":5}'
    parts = segments.of_tool(splice.members(msgspec.Raw(text), "t"), "t")
    assert list(parts) == [
        Segment("t.name", Zone.TOOL_DEFINITION, "f"),
        Segment("t.description", Zone.TOOL_DEFINITION, "dé"),
        Segment("t.input_schema", Zone.TOOL_DEFINITION, '{ "a" : 1.50 }'),
    ]
