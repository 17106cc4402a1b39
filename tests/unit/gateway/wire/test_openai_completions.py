"""Plain completions: what an answer is, and what is none."""

import json

import pytest

from gateway.wire.base import Event, NotAReply
from gateway.wire.openai_completions import CompletionObserver, OpenAiCompletions
from providers.base import WireName

WIRE = OpenAiCompletions(estimate=lambda model, text_bytes: text_bytes)


def observer(answers: int = 1) -> CompletionObserver:
    return CompletionObserver(answers, asked_for_usage=False)


def chunk(text: object, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"id": "c", "model": "m", "choices": [choice]}).encode() + b"\n\n"


def document(**choice: object) -> bytes:
    return json.dumps({"id": "c", "model": "m", "choices": [{"index": 0, **choice}]}).encode()


def test_its_name_is_the_configurations() -> None:
    assert (WIRE.name, WIRE.path) == (WireName.OPENAI_COMPLETIONS, "/v1/completions")


def test_the_observer_expects_as_many_answers_as_were_asked_for() -> None:
    facts = WIRE.read(b'{"model":"m","prompt":["a","b"],"stream":true}').facts
    seen = WIRE.observer(facts, asked_for_usage=False)
    assert seen.observe_event(chunk("", "stop")) is not Event.ENDING


@pytest.mark.parametrize("text", ["a", ["odd"], {"odd": 1}])
def test_a_chunk_with_text_is_substance_whatever_it_is(text: object) -> None:
    seen = observer()
    assert seen.observe_event(chunk(text)) is Event.SUBSTANCE
    assert seen.facts.output_bytes > 0


def test_a_chunk_without_text_says_nothing_yet() -> None:
    seen = observer()
    assert seen.observe_event(chunk("")) is Event.PREAMBLE
    assert seen.observe_event(chunk(None)) is Event.PREAMBLE


def test_text_after_text_is_recognised_without_reading_it_and_counted() -> None:
    seen = observer()
    assert not seen.repeats(chunk("one"))
    seen.observe_event(chunk("one"))
    assert seen.repeats(chunk("seven"))
    assert seen.facts.output_bytes == len("one" + "seven")
    assert not seen.repeats(chunk("", "stop"))
    assert not seen.repeats(chunk('"quoted"'))


def test_a_document_is_whole_with_its_stop_reason() -> None:
    seen = observer()
    seen.observe_document(document(text="a + b", finish_reason="stop"))
    assert (seen.facts.is_whole, seen.facts.output_bytes) == (True, 5)


def test_a_document_without_a_stop_reason_is_not_whole() -> None:
    seen = observer()
    seen.observe_document(document(text="a"))
    assert not seen.facts.is_whole


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b'{"choices":[]}',
        document(message={"content": "an answer of chat"}, finish_reason="stop"),
        b'{"error":{"message":"no"}}',
    ],
)
def test_what_is_no_completion_is_told(body: bytes) -> None:
    with pytest.raises(NotAReply):
        observer().observe_document(body)
