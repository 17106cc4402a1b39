"""Where a note goes in chat completions, and where there is no room for one."""

import json
from typing import Any

import pytest

from gateway.wire.note import note_of
from gateway.wire.openai_chat import OpenAiChat
from gateway.wire.openai_chat_note import ChatNotes
from policy.types import Notice

NOTE = note_of([Notice("codex-leaves", "Codex leaves")], "gh-01KAJ0T6M0ABCDEFGHJKMNPQRS")
WIRE = OpenAiChat(lambda model, size: size)
NOTES = ChatNotes()
SCHEMA = {"type": "json_schema", "json_schema": {"name": "title", "schema": {}}}


def room(*roles: str, **more: Any) -> bool:
    messages = [{"role": role, "content": "hi"} for role in roles or ("user",)]
    body = {"model": "m", "messages": messages, **more}
    return NOTES.has_room(WIRE.read(json.dumps(body).encode()))


@pytest.mark.parametrize(
    "more", [{}, {"response_format": {"type": "text"}}, {"response_format": None, "regex": None}]
)
def test_an_ordinary_answer_has_room(more: dict[str, Any]) -> None:
    assert room(**more)
    assert room("user", "assistant", "tool", **more)


@pytest.mark.parametrize(
    "more",
    [
        {"response_format": SCHEMA},
        {"response_format": {"type": "json_object"}},
        {"response_format": "odd"},
        {"guided_json": {}},
        {"structured_outputs": {"choice": ["a", "b"]}},
        {"grammar": "root ::= [0-9]"},
        {"logprobs": True},
        {"modalities": ["text", "audio"]},
    ],
)
def test_an_answer_with_a_form_to_keep_has_none(more: dict[str, Any]) -> None:
    assert not room(**more)


def test_an_answer_that_goes_on_from_words_has_none() -> None:
    assert not room("user", "assistant")


def chunk(**delta: Any) -> bytes:
    choices = [{"index": 0, "delta": delta}]
    return b"data: " + json.dumps({"choices": choices}).encode() + b"\n\n"


def test_reasoning_is_no_answer_and_a_call_has_no_words() -> None:
    note = NOTES.in_stream(NOTE)
    events = [chunk(role="assistant", content=""), chunk(reasoning_content="I think")]
    events += [chunk(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": "{}"}}])]
    events += [b'data: {"choices":[],"usage":{}}\n\n']
    assert [note.pass_on(each) for each in events] == events
    assert (note.is_written, note.is_over) == (False, False)
    assert note.pass_on(chunk(content="Hi")) == chunk(content=NOTE + "Hi")


def test_of_several_answers_none_is_told() -> None:
    both = b'data: {"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}\n\n'
    note = NOTES.in_stream(NOTE)
    assert note.pass_on(both) == both
    assert note.is_over
    assert not note.is_written


def test_a_whole_answer_is_told_in_its_message() -> None:
    reply = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}]}
    noted = NOTES.in_document(json.dumps(reply).encode(), NOTE)
    assert noted is not None
    assert json.loads(noted)["choices"][0]["message"]["content"] == NOTE + "Hi"


def test_what_was_said_before_is_found_in_texts_and_parts() -> None:
    messages = [
        {"role": "user", "content": NOTE},
        {"role": "assistant", "content": NOTE + "Hi"},
        {"role": "assistant", "content": [{"type": "text", "text": NOTE + "Ho"}]},
        {"role": "assistant", "content": None, "tool_calls": []},
    ]
    reading = WIRE.read(json.dumps({"model": "m", "messages": messages}).encode())
    paths = [each.path for each in NOTES.said(reading)]
    assert paths == ["messages.1.content", "messages.2.content.0.text"]
