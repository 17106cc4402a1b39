"""Gemini's fields in both spellings, and lists that may be one object."""

import json

import msgspec
import pytest

from gateway.errors import MalformedRequest
from gateway.wire.gemini_fields import each_of, generation_config, members, tool_names


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def test_an_object_is_read_under_one_spelling() -> None:
    assert members(raw({"top_p": 1, "topK": 2}), "x").keys() == {"topP", "topK"}
    with pytest.raises(MalformedRequest, match="twice"):
        members(raw({"top_p": 1, "topP": 1}), "x")


def test_an_object_stands_for_a_list_of_one() -> None:
    assert [path for path, _ in each_of(raw([{}, {}]), "tools")] == ["tools.0", "tools.1"]
    assert [path for path, _ in each_of(raw({}), "tools")] == ["tools"]
    with pytest.raises(MalformedRequest, match="must be an array"):
        list(each_of(raw("x"), "tools"))


def test_tools_are_known_by_their_names_and_googles_own_by_their_types() -> None:
    tools = [
        {"function_declarations": [{"name": "read"}, {"name": "write"}], "google_search": {}},
        {"codeExecution": {}, "urlContext": None},
    ]
    assert list(tool_names({"tools": raw(tools)}, "")) == [
        "read",
        "write",
        "googleSearch",
        "codeExecution",
    ]
    assert list(tool_names({"tools": raw(None)}, "")) == list(tool_names({}, "")) == []


def test_what_is_asked_of_the_answer_may_be_missing() -> None:
    assert generation_config({}, "") == {}
    assert generation_config({"generationConfig": raw(None)}, "") == {}
