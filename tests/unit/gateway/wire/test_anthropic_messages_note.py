"""Where a note goes in Anthropic's messages, and where there is no room for one."""

import json
from typing import Any

import pytest

from gateway.wire.anthropic_messages import AnthropicMessages
from gateway.wire.anthropic_messages_note import MessagesNotes
from gateway.wire.note import note_of
from policy.types import Notice

NOTE = note_of([Notice("codex-leaves", "Codex leaves")], "gh-01KAJ0T6M0ABCDEFGHJKMNPQRS")
WIRE = AnthropicMessages(lambda model, size: size)
NOTES = MessagesNotes()
FORMAT = {"type": "json_schema", "schema": {}}


def room(*roles: str, **more: Any) -> bool:
    messages = [{"role": role, "content": "hi"} for role in roles or ("user",)]
    return NOTES.has_room(
        WIRE.read(json.dumps({"model": "m", "messages": messages} | more).encode())
    )


@pytest.mark.parametrize("more", [{}, {"output_config": {"effort": "high"}}, {"thinking": {}}])
def test_an_ordinary_answer_has_room(more: dict[str, Any]) -> None:
    assert room(**more)
    assert room("user", "assistant", "user", "system", **more)


@pytest.mark.parametrize("more", [{"output_config": {"format": FORMAT}}, {"output_format": FORMAT}])
def test_an_answer_with_a_schema_to_keep_has_none(more: dict[str, Any]) -> None:
    assert not room(**more)


def test_an_answer_that_goes_on_from_words_has_none() -> None:
    assert not room("user", "assistant")


def event(kind: str, **members: Any) -> bytes:
    data = json.dumps({"type": kind, **members})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def text(said: str, index: int = 1) -> bytes:
    return event("content_block_delta", index=index, delta={"type": "text_delta", "text": said})


def test_the_note_stands_behind_thoughts_and_no_block_is_renumbered() -> None:
    note = NOTES.in_stream(NOTE)
    events = [
        event("message_start", message={"content": []}),
        event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""}),
        event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"}),
        event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "s"}),
        event("content_block_start", index=1, content_block={"type": "text", "text": ""}),
        event("ping"),
    ]
    assert [note.pass_on(each) for each in events] == events
    assert note.pass_on(text("Hi")) == text(NOTE + "Hi")
    assert note.is_over


def test_a_block_may_open_with_its_words() -> None:
    note = NOTES.in_stream(NOTE)
    opened = event("content_block_start", index=0, content_block={"type": "text", "text": "Hi"})
    noted = note.pass_on(opened)
    assert json.loads(noted.split(b"data: ")[1])["content_block"]["text"] == NOTE + "Hi"


def test_a_call_has_no_words() -> None:
    note = NOTES.in_stream(NOTE)
    piece = {"type": "input_json_delta", "partial_json": '"text"'}
    call = event("content_block_delta", index=0, delta=piece)
    assert note.pass_on(call) == call
    assert not note.is_written


def test_a_whole_answer_is_told_in_its_first_words() -> None:
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hi"}]
    noted = NOTES.in_document(json.dumps({"content": content}).encode(), NOTE)
    assert noted is not None
    told = json.loads(noted)["content"]
    assert told == [content[0], {"type": "text", "text": NOTE + "Hi"}]
    call = {"content": [{"type": "tool_use", "input": {"text": "Hi"}}]}
    assert NOTES.in_document(json.dumps(call).encode(), NOTE) is None
