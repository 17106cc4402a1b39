"""What all forms of notes share: the first words of an answer, and notes that come back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange import Edit
from gateway.wire.anthropic_messages import AnthropicMessages
from gateway.wire.anthropic_messages_note import MessagesNotes
from gateway.wire.base import Reading
from gateway.wire.note import note_of
from gateway.wire.note_form import FirstWords, change_event, in_document, without_notes
from gateway.wire.openai_chat_note import ChatNotes
from gateway.wire.places import NoPlace, Place, member
from policy.types import Notice

NOTE = note_of([Notice("codex-leaves", 'use "Qoder" für alle')], "gh-01KAJ0T6M0ABCDEFGHJKMNPQRS")
WIRE = AnthropicMessages(lambda model, size: size)


def told(source: Place) -> list[Place]:
    text = member(source, "text")
    return [] if text is None else [text]


def event(text: str) -> bytes:
    return b"data: " + json.dumps({"text": text}).encode() + b"\n\n"


def read_back(*events: bytes) -> str:
    return "".join(json.loads(each[6:])["text"] for each in events)


def test_a_stream_gets_its_note_before_the_first_word_and_nothing_behind() -> None:
    note = FirstWords(NOTE, told)
    events = [event(text) for text in ("", "\n", "\n Hi", " there")]
    passed = [each if note.is_over else note.pass_on(each) for each in events]
    assert (passed[:2], passed[3:]) == (events[:2], events[3:])
    assert read_back(*passed) == "\n\n " + NOTE + "Hi there"
    assert note.is_written
    assert note.is_over


@pytest.mark.parametrize(
    "first", [event("<think>"), b'data: {"text":"a","text":"b"}\n\n', b'data: {"text":\n\n']
)
def test_a_stream_that_begins_otherwise_gets_none(first: bytes) -> None:
    note = FirstWords(NOTE, told)
    assert note.pass_on(first) == first
    assert (note.is_over, note.is_written) == (True, False)


def test_a_comment_is_passed_on() -> None:
    note = FirstWords(NOTE, told)
    assert note.pass_on(b": keep-alive\n\n") == b": keep-alive\n\n"
    assert not note.is_over


def test_data_in_several_lines_is_left_alone() -> None:
    note = FirstWords(NOTE, told)
    spread = b'data: {"text":\ndata: "Hi"}\n\n'
    assert note.pass_on(spread) == spread
    assert (note.is_over, note.is_written) == (True, False)
    with pytest.raises(NoPlace):
        change_event(spread, b'{"text":\n"Hi"}', [])


def test_a_document_gets_its_note_or_stays() -> None:
    noted = in_document(b' {"text": "\\u00fc"} ', told, NOTE)
    assert noted is not None
    assert json.loads(noted)["text"] == NOTE + "ü"
    assert in_document(b'{"text": " "}', told, NOTE) is None
    assert in_document(b"none", told, NOTE) is None


def asked(messages: Any, **more: Any) -> Reading:
    """A request as most SDKs write it: with blanks, and escapes where it is not ASCII."""
    return WIRE.read(json.dumps({"model": "m", "messages": messages, **more}).encode())


def spoken(reading: Reading) -> Any:
    return json.loads(reading.body)["messages"]


def test_a_note_is_taken_out_of_a_text_and_a_part() -> None:
    parts = [{"type": "text", "text": NOTE + "Hi"}, {"type": "tool_use", "id": "t", "input": {}}]
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": NOTE + "Hello"},
        {"role": "assistant", "content": parts},
    ]
    reading = asked(messages, system="be kind")
    clean, edits = without_notes(MessagesNotes(), reading)
    assert spoken(clean)[1:] == [
        {"role": "assistant", "content": "Hello"},
        {"role": "assistant", "content": [{**parts[0], "text": "Hi"}, parts[1]]},
    ]
    size = len(json.dumps(NOTE)) - 2
    assert edits == (
        Edit("messages.1.content", "warning_removed", size, 0),
        Edit("messages.2.content.0.text", "warning_removed", size, 0),
    )
    assert clean.facts is reading.facts


def test_members_stand_where_the_cleaned_body_has_them() -> None:
    reading = asked([{"role": "assistant", "content": NOTE + "Hello"}], system="be kind")
    clean, _ = without_notes(MessagesNotes(), reading)
    found = {key: json.loads(clean.body[a:b]) for key, (a, b) in clean.members.items()}
    assert found == json.loads(clean.body)
    edited = WIRE.edit(clean, upstream_model="other", ask_for_usage=False)
    assert json.loads(edited.body) == {**json.loads(clean.body), "model": "other"}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": NOTE + "what is this?"},
        {"role": "assistant", "content": "You were told:\n" + NOTE},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": NOTE}]},
        {"role": "user", "content": [{"type": "tool_result", "content": NOTE + "done"}]},
    ],
)
def test_what_others_say_stays(message: Any) -> None:
    reading = asked([message])
    assert without_notes(MessagesNotes(), reading) == (reading, ())


USE = {"type": "tool_use", "id": "t", "name": "read", "input": {}}
NOTHING = {"type": "text", "text": NOTE.strip()}


@pytest.mark.parametrize(
    ("content", "left"),
    [
        (NOTE.strip(), "..."),
        (NOTE, "..."),
        ([NOTHING], [{"type": "text", "text": "..."}]),
        ([NOTHING, USE], [USE]),
        ([USE, NOTHING], [USE]),
        ([USE, NOTHING, USE], [USE, USE]),
        ([NOTHING, NOTHING], [{"type": "text", "text": "..."}]),
    ],
)
def test_a_message_that_held_nothing_else_stays_valid(content: Any, left: Any) -> None:
    clean, edits = without_notes(
        MessagesNotes(), asked([{"role": "assistant", "content": content}])
    )
    assert spoken(clean)[0]["content"] == left
    assert edits


def test_an_odd_message_is_left_as_it_is() -> None:
    said = json.dumps(NOTE + "Hi")
    body = f'{{"model":"m","messages":[{{"role":"assistant","content":{said},"role":"x"}}]}}'
    reading = WIRE.read(body.encode())
    assert without_notes(MessagesNotes(), reading) == (reading, ())


@given(
    st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text(min_size=1))),
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": ")]),
)
def test_everything_else_stays_byte_for_byte(
    said: list[tuple[str, str]], escaped: bool, separators: tuple[str, str]
) -> None:
    def written(note: str) -> bytes:
        messages = [
            {"role": role, "content": (note if role == "assistant" else "") + "x" + text}
            for role, text in said
        ]
        tree = {"model": "m", "messages": messages}
        return json.dumps(tree, ensure_ascii=escaped, separators=separators).encode()

    clean, edits = without_notes(ChatNotes(), WIRE.read(written(NOTE)))
    assert clean.body == written("")
    assert len(edits) == sum(role == "assistant" for role, _ in said)
