"""A note is begun where it is due and read, goes into one answer, and is settled by its end."""

import json
from dataclasses import replace as altered
from typing import Any

import msgspec
import orjson
import pytest

from gateway.exchange import Assistant, Exchange, Outcome, ReplyEdit
from gateway.notes import Note, Notes
from gateway.told import InProcessToldSessions
from gateway.wire import NOTE_FORMS
from gateway.wire.base import Reading
from gateway.wire.note import note_of
from gateway.wire.openai_chat import OpenAiChat
from policy.types import Allow, DataClass, Notice
from providers.base import WireName
from tests.fakes.ledger import an_exchange

WIRE = OpenAiChat(lambda model, size: size)
AUDIT_ID = "gh-01KAJ0T6M0ABCDEFGHJKMNPQRS"
LEAVES, OLD = Notice("leaves", "Codex leaves"), Notice("too-old", "update it")
ALLOW = Allow(("house/m",), DataClass.INTERNAL, notices=(LEAVES, OLD))
TOOLS = [{"type": "function", "function": {"name": "read_file", "parameters": {}}}]


def asked(*said: str, **more: Any) -> Reading:
    """A question; `said` is what the model has said before."""
    earlier = [{"role": "assistant", "content": each} for each in said]
    messages = [*earlier, {"role": "user", "content": "hi"}]
    body = {"model": "coder", "messages": messages, "tools": TOOLS, **more}
    return WIRE.read(orjson.dumps(body))


def exchange(reading: Reading, **more: Any) -> Exchange:
    made = an_exchange(AUDIT_ID, "web")
    made.assistant = Assistant("codex", "0.200.0", "session-1")
    made.facts = reading.facts
    for name, value in more.items():
        setattr(made, name, value)
    return made


@pytest.fixture
def notes() -> Notes:
    return Notes(NOTE_FORMS, InProcessToldSessions())


async def begun(notes: Notes, reading: Reading | None = None, **more: Any) -> Note | None:
    reading = reading or asked()
    return await notes.begin(exchange(reading, **more), ALLOW, reading, ())


async def test_a_note_tells_all_warnings_that_are_due(notes: Notes) -> None:
    note = await begun(notes)
    assert note is not None
    stream = note.into_stream()
    event = b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
    said = json.loads(stream.pass_on(event)[6:])["choices"][0]["delta"]["content"]
    assert said == note_of([LEAVES, OLD], AUDIT_ID) + "Hi"
    sizes = [len(note_of([each], AUDIT_ID)) for each in (LEAVES, OLD)]
    assert note.edits == (
        ReplyEdit("warning", "leaves", sizes[0]),
        ReplyEdit("warning", "too-old", sizes[1]),
    )


async def test_only_what_is_due_is_told(notes: Notes) -> None:
    only = altered(notes)
    reading = asked()
    allow = msgspec.structs.replace(ALLOW, notices=(LEAVES,))
    first = await only.begin(exchange(reading), allow, reading, ())
    assert first is not None
    second = await begun(only)
    assert second is not None
    document = second.into_document(
        b'{"choices":[{"message":{"role":"assistant","content":"Hi"}}]}'
    )
    said = json.loads(document)["choices"][0]["message"]["content"]
    assert said == note_of([OLD], AUDIT_ID) + "Hi"
    assert await begun(only) is None


async def test_an_answer_without_a_place_for_it_leaves_it_to_the_next(notes: Notes) -> None:
    note = await begun(notes)
    assert note is not None
    call = b'{"choices":[{"message":{"content":null,"tool_calls":[]}}]}'
    assert note.into_document(call) == call
    assert note.edits == ()
    note.settle(Outcome.COMPLETE)
    assert await begun(notes) is not None


@pytest.mark.parametrize(
    ("outcome", "is_told"),
    [
        (Outcome.COMPLETE, True),
        (Outcome.CLIENT_LEFT, True),  # somebody has read enough
        (Outcome.CUT, False),
        (Outcome.FAILED, False),
    ],
)
async def test_an_answer_that_broke_off_is_told_again(
    notes: Notes, outcome: Outcome, is_told: bool
) -> None:
    note = await begun(notes)
    assert note is not None
    note.into_stream().pass_on(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n')
    note.settle(outcome)
    assert (await begun(notes) is None) is is_told


async def test_side_calls_and_shaped_answers_get_no_note(notes: Notes) -> None:
    assert await begun(notes, asked(tools=[])) is None
    assert await begun(notes, asked(max_tokens=16)) is None
    assert not notes.told.is_in_use
    assert await begun(notes, asked(response_format={"type": "json_object"})) is None
    assert await begun(notes) is not None


async def test_protocols_without_a_place_for_notes_get_none(notes: Notes) -> None:
    assert await begun(notes, wire=WireName.OPENAI_COMPLETIONS) is None


async def test_no_warning_no_note(notes: Notes) -> None:
    reading = asked()
    allow = Allow(("house/m",), DataClass.INTERNAL, warnings=("reviewed until July",))
    assert await notes.begin(exchange(reading), allow, reading, ()) is None


async def test_a_body_that_holds_a_key_twice_inside_gets_none(notes: Notes) -> None:
    body = b'{"model":"m","messages":[{"role":"user","role":"user","content":"hi"}],"tools":%b}'
    assert await begun(notes, WIRE.read(body % orjson.dumps(TOOLS))) is None


def test_notes_are_taken_out_of_what_comes_back(notes: Notes) -> None:
    reading = asked(note_of([LEAVES], AUDIT_ID) + "Hi")
    clean, edits = notes.taken_out(WireName.OPENAI_CHAT, reading)
    assert clean.body == asked("Hi").body
    assert [each.kind for each in edits] == ["warning_removed"]


def test_a_conversation_without_notes_stays_the_same_object(notes: Notes) -> None:
    reading = asked("Hi")
    assert notes.taken_out(WireName.OPENAI_CHAT, reading) == (reading, ())
    told = asked(note_of([LEAVES], AUDIT_ID))
    assert notes.taken_out(WireName.OPENAI_EMBEDDINGS, told) == (told, ())
