"""Mistral's fill-in-the-middle: a completion's request, a chat's reply, usage unasked."""

import json

from gateway.exchange import Edit
from gateway.wire.base import Event
from gateway.wire.mistral_fim import MistralFim
from policy.types import Operation
from providers.base import WireName

WIRE = MistralFim(estimate=lambda model, text_bytes: text_bytes)
BODY = json.dumps({"model": "coder", "prompt": "a", "suffix": "b", "stream": True}).encode()


def test_its_name_is_the_configurations() -> None:
    assert (WIRE.name, WIRE.path) == (WireName.MISTRAL_FIM, "/v1/fim/completions")


def test_it_is_a_text_completion() -> None:
    facts = WIRE.read(BODY).facts
    assert (facts.operation, facts.streaming) == (Operation.TEXT_COMPLETION, True)
    assert [part.path for part in facts.read_segments()] == ["prompt", "suffix"]


def test_nothing_is_added_that_mistral_would_refuse() -> None:
    edited = WIRE.edit(WIRE.read(BODY), upstream_model="codestral", ask_for_usage=True)
    assert edited.edits == (Edit("model", "model_name", 7, 11),)
    assert not edited.asked_for_usage
    assert b"stream_options" not in edited.body


def test_its_reply_is_read_as_chat() -> None:
    seen = WIRE.observer(WIRE.read(BODY).facts, asked_for_usage=False)
    choice = {"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3}
    event = b"data: " + json.dumps({"choices": [choice], "usage": usage}).encode() + b"\n\n"
    assert seen.observe_event(event) is Event.ENDING
    assert seen.facts.usage is not None
    assert seen.facts.usage.output_tokens == 1
