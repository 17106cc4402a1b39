"""Where a note goes in Gemini's answers, and where there is no room for one."""

import json
from typing import Any

import pytest

from gateway.wire.gemini import Action, Gemini
from gateway.wire.gemini_note import GeminiNotes
from gateway.wire.note import note_of
from gateway.wire.note_form import without_notes
from policy.types import Notice

NOTE = note_of([Notice("codex-leaves", "Codex leaves")], "gh-01KAJ0T6M0ABCDEFGHJKMNPQRS")
WIRE = Gemini(lambda model, size: size, "coder", Action.STREAM, "sse")
NOTES = GeminiNotes()
DECLARED = [{"functionDeclarations": [{"name": "read_file"}]}]


def room(*roles: str, **more: Any) -> bool:
    contents = [{"role": role, "parts": [{"text": "hi"}]} for role in roles or ("user",)]
    return NOTES.has_room(WIRE.read(json.dumps({"contents": contents, **more}).encode()))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"generationConfig": {"temperature": 1, "responseMimeType": "text/plain"}},
        {"generation_config": {"responseSchema": None}},
        {"tools": DECLARED},
        {"tools": [{"function_declarations": [{"name": "read_file"}]}]},
    ],
)
def test_an_ordinary_answer_has_room(more: dict[str, Any]) -> None:
    assert room(**more)
    assert room("user", "model", "user", **more)


@pytest.mark.parametrize(
    "more",
    [
        {"generationConfig": {"responseMimeType": "application/json"}},
        {"generationConfig": {"responseSchema": {"type": "OBJECT"}}},
        {"generation_config": {"response_json_schema": {"type": "object"}}},
        {"generationConfig": {"_responseJsonSchema": {"type": "object"}}},
        {"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}},
        {"tools": [*DECLARED, {"googleSearch": {}}]},
        {"tools": [{"google_search": {}}]},
    ],
)
def test_an_answer_with_a_form_to_keep_or_with_positions_has_none(more: dict[str, Any]) -> None:
    assert not room(**more)


def test_an_answer_that_goes_on_from_words_has_none() -> None:
    assert not room("user", "model")


def chunk(*parts: Any, **more: Any) -> bytes:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}
    return b"data: " + json.dumps({"candidates": [candidate]}).encode() + b"\n\n"


def test_thoughts_and_calls_are_no_words() -> None:
    note = NOTES.in_stream(NOTE)
    thought = {"text": "hm", "thought": True}
    events = [chunk(thought), chunk({"functionCall": {"name": "f", "args": {"text": "x"}}})]
    assert [note.pass_on(each) for each in events] == events
    said = {"text": "Hi", "thoughtSignature": "s"}
    assert note.pass_on(chunk(thought, said, finishReason="STOP")) == chunk(
        thought, {**said, "text": NOTE + "Hi"}, finishReason="STOP"
    )


def test_of_several_candidates_none_is_told() -> None:
    both = {"candidates": [{"content": {"parts": [{"text": each}]}} for each in ("a", "b")]}
    assert NOTES.in_document(json.dumps(both).encode(), NOTE) is None


def test_what_the_model_said_before_is_found_in_its_parts() -> None:
    contents = [
        {"role": "user", "parts": [{"text": NOTE}]},
        {"role": "model", "parts": [{"text": NOTE + "Hi"}, {"functionCall": {"name": "f"}}]},
    ]
    reading = WIRE.read(json.dumps({"contents": contents}).encode())
    assert [each.path for each in NOTES.said(reading)] == ["contents.1.parts.0.text"]
    count = Gemini(lambda model, size: size, "coder", Action.COUNT)
    counted = count.read(json.dumps({"generateContentRequest": {"contents": contents}}).encode())
    (said,) = NOTES.said(counted)
    assert said.path == "generateContentRequest.contents.1.parts.0.text"
    clean, _ = without_notes(NOTES, counted)
    assert json.loads(clean.body)["generateContentRequest"]["contents"][1]["parts"][0] == {
        "text": "Hi"
    }
