"""Where a note goes in responses: into every event that tells its text, and nowhere else."""

import json
from typing import Any

import pytest

from gateway.wire.note import note_of
from gateway.wire.openai_responses import OpenAiResponses
from gateway.wire.openai_responses_note import ResponsesNotes
from policy.types import Notice

NOTE = note_of([Notice("codex-leaves", "Codex leaves für immer")], "gh-01KAJ0T6M0ABCDEFGHJKMNPQRS")
WIRE = OpenAiResponses(lambda model, size: size)
NOTES = ResponsesNotes()


def room(**more: Any) -> bool:
    return NOTES.has_room(WIRE.read(json.dumps({"model": "m", "input": "hi", **more}).encode()))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"text": {"verbosity": "low"}},
        {"text": {"format": {"type": "text"}}},
        {"include": ["reasoning.encrypted_content"], "top_logprobs": 0},
    ],
)
def test_an_ordinary_answer_has_room(more: dict[str, Any]) -> None:
    assert room(**more)


@pytest.mark.parametrize(
    "more",
    [
        {"text": {"format": {"type": "json_schema", "name": "t", "schema": {}}}},
        {"text": {"format": {"type": "json_object"}}},
        {"include": ["message.output_text.logprobs"]},
        {"top_logprobs": 3},
    ],
)
def test_an_answer_with_a_form_to_keep_has_none(more: dict[str, Any]) -> None:
    assert not room(**more)


CITED = {"type": "url_citation", "url": "https://x.test", "start_index": 2, "end_index": 5}
FILE = {"type": "file_citation", "file_id": "f", "index": 1}
THOUGHT = {"id": "r", "type": "reasoning", "summary": []}
CALL = {"id": "c", "type": "function_call", "name": "f", "arguments": '{"text":"Hi"}'}


def part(text: str, *annotations: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": list(annotations)}


def message(*parts: Any, name: str = "m") -> dict[str, Any]:
    return {"id": name, "type": "message", "role": "assistant", "content": list(parts)}


def stream(*told: dict[str, Any]) -> list[bytes]:
    numbered = [{**each, "sequence_number": number} for number, each in enumerate(told)]
    return [f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in numbered]


def passed(events: list[bytes]) -> tuple[list[dict[str, Any]], bool]:
    note = NOTES.in_stream(NOTE)
    noted = [each if note.is_over else note.pass_on(each) for each in events]
    return [json.loads(each.split(b"data: ")[1]) for each in noted], note.is_written


def answer(first: str, cited: Any, second: str, pieces: tuple[str, ...]) -> list[bytes]:
    """Thoughts, a message of two parts, the first of them cited from, another one, a call."""
    spot = {"item_id": "m", "output_index": 1, "content_index": 0}
    texts = part(first, cited, FILE), part("again")
    other = message(part(second), name="n")
    return stream(
        {"type": "response.created", "response": {"output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": THOUGHT},
        {"type": "response.output_item.added", "output_index": 1, "item": message()},
        {"type": "response.content_part.added", **spot, "part": part("")},
        *({"type": "response.output_text.delta", **spot, "delta": each} for each in pieces),
        {"type": "response.output_text.annotation.added", **spot, "annotation": cited},
        {"type": "response.output_text.done", **spot, "text": first},
        {"type": "response.content_part.done", **spot, "part": texts[0]},
        {"type": "response.content_part.done", **spot, "content_index": 1, "part": texts[1]},
        {"type": "response.output_item.done", "output_index": 1, "item": message(*texts)},
        {"type": "response.output_item.done", "output_index": 2, "item": other},
        {"type": "response.output_item.done", "output_index": 3, "item": CALL},
        {
            "type": "response.completed",
            "response": {"output": [THOUGHT, message(*texts), other, CALL], "usage": None},
        },
    )


def test_every_event_that_tells_the_first_text_tells_the_note() -> None:
    moved = {name: CITED[name] + len(NOTE) for name in ("start_index", "end_index")}
    noted, is_written = passed(answer("\nHi there", CITED, "Ho", ("\n", "Hi", " there")))
    pieces = ("\n", NOTE + "Hi", " there")
    wanted = answer("\n" + NOTE + "Hi there", {**CITED, **moved}, "Ho", pieces)
    assert noted == [json.loads(each.split(b"data: ")[1]) for each in wanted]
    assert is_written


def test_a_text_that_comes_without_deltas_is_told_too() -> None:
    events = stream(
        {"type": "response.output_item.done", "output_index": 0, "item": message(part("Hi"))},
        {"type": "response.completed", "response": {"output": [message(part("Hi"))]}},
    )
    noted, is_written = passed(events)
    assert noted[0]["item"]["content"][0]["text"] == NOTE + "Hi"
    assert noted[1]["response"]["output"][0]["content"][0]["text"] == NOTE + "Hi"
    assert is_written


def test_calls_and_refusals_are_no_words() -> None:
    refusal = message({"type": "refusal", "refusal": "No."})
    events = stream(
        {"type": "response.output_item.done", "output_index": 0, "item": CALL},
        {"type": "response.output_item.done", "output_index": 1, "item": refusal},
        {"type": "response.completed", "response": {"output": [CALL, refusal]}},
    )
    noted, is_written = passed(events)
    assert noted == [json.loads(each.split(b"data: ")[1]) for each in events]
    assert not is_written


def test_a_text_for_a_program_is_left_alone() -> None:
    events = answer("<read>", CITED, "Ho", ("<", "read>"))
    assert passed(events) == ([json.loads(each.split(b"data: ")[1]) for each in events], False)


def test_a_whole_answer_is_told_once() -> None:
    response = {"output": [THOUGHT, message(part("Hi", CITED), part("again"))]}
    noted = NOTES.in_document(json.dumps(response).encode(), NOTE)
    assert noted is not None
    first, second = json.loads(noted)["output"][1]["content"]
    assert (first["text"], second["text"]) == (NOTE + "Hi", "again")
    assert first["annotations"][0]["end_index"] == CITED["end_index"] + len(NOTE)
    assert NOTES.in_document(json.dumps({"output": [CALL]}).encode(), NOTE) is None
    assert NOTES.in_document(b"[", NOTE) is None


def test_what_the_model_said_before_is_found_in_messages() -> None:
    said = [
        {"role": "user", "content": NOTE},
        message(part(NOTE + "Hi")),
        {"role": "assistant", "content": NOTE + "Ho"},
        CALL,
    ]
    reading = WIRE.read(json.dumps({"model": "m", "input": said}).encode())
    paths = [each.path for each in NOTES.said(reading)]
    assert paths == ["input.1.content.0.text", "input.2.content"]
