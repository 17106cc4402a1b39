"""Whole messages: thinking, text and calls of one chat document."""

import json
from typing import Any

import pytest

from providers.translation.ending import Ending
from providers.translation.messages_reply import BadArguments, messages_document

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def reply(finish: str = "stop", **message: Any) -> dict[str, Any]:
    return {"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def as_message(value: dict[str, Any], **more: Any) -> dict[str, Any]:
    document = messages_document(value, reply_id=None, model="m", ending=Ending(), **more)
    return json.loads(document)


def test_a_message_holds_thinking_text_and_calls():
    told = as_message(
        reply("tool_calls", content="Yes.", reasoning_content="hm", tool_calls=[CALL])
    )
    assert told["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "Yes."},
        {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}},
    ]
    assert told["stop_reason"] == "tool_use"


def test_signatures_are_kept_only_from_anthropics_kind():
    thought = {"type": "thinking", "thinking": "hm", "signature": "SIG"}
    value = reply(content="Yes.", reasoning_content="hm", thinking_blocks=[thought])
    assert as_message(value)["content"][0]["signature"] == ""
    assert as_message(value, signed=True)["content"][0] == thought


@pytest.mark.parametrize("arguments", ["{", "[]", "5", "null"])
def test_arguments_that_are_no_object_are_no_message(arguments):
    call = {**CALL, "function": {"name": "f", "arguments": arguments}}
    with pytest.raises(BadArguments):
        as_message(reply("tool_calls", tool_calls=[call]))


def test_arguments_cut_short_by_the_limit_are_empty_and_the_limit_is_told():
    call = {**CALL, "function": {"name": "f", "arguments": '{"a'}}
    told = as_message(reply("length", tool_calls=[call]))
    assert told["content"][0]["input"] == {}
    assert told["stop_reason"] == "max_tokens"
