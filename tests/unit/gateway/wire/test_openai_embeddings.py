"""Embeddings: facts of texts and tokens, and a reply that is passed on as it came."""

import json

import pytest

from gateway.errors import MalformedRequest
from gateway.wire.openai_embeddings import OpenAiEmbeddings
from policy.types import Operation, RequestFacts
from providers.base import WireName

WIRE = OpenAiEmbeddings(estimate=lambda model, text_bytes: text_bytes)


def facts_of(**members: object) -> RequestFacts:
    return WIRE.read(json.dumps({"model": "embedder", "input": "hi", **members}).encode()).facts


def test_its_name_is_the_configurations() -> None:
    assert (WIRE.name, WIRE.path) == (WireName.OPENAI_EMBEDDINGS, "/v1/embeddings")


def test_nothing_is_streamed_and_nothing_written() -> None:
    facts = facts_of(stream=True)
    assert (facts.operation, facts.streaming) == (Operation.EMBEDDINGS, False)
    assert (facts.output_tokens_limit, facts.answers) == (None, 1)
    assert WIRE.keep_alive is None


@pytest.mark.parametrize(
    ("given", "tokens"), [("four", 6), (["a", "b"], 10), ([1, 2, 3], 3), ([[1], [2, 3]], 3)]
)
def test_texts_are_estimated_and_tokens_counted(given: object, tokens: int) -> None:
    assert facts_of(input=given).input_tokens_estimate == tokens


@pytest.mark.parametrize("given", [None, 5, {}, [], [[]]])
def test_an_input_of_another_kind_is_refused(given: object) -> None:
    with pytest.raises(MalformedRequest, match="'input'"):
        facts_of(input=given)


def test_what_an_engine_may_read_instead_of_the_input_is_seen_too() -> None:
    found = facts_of(content="b", messages=[{"role": "user", "content": "c"}]).read_segments()
    assert [(each.path, each.text) for each in found] == [
        ("input", "hi"),
        ("content", "b"),
        ("messages.0.content", "c"),
    ]


def test_options_that_shape_the_reply_go_through_untouched() -> None:
    body = b'{"model":"e","input":"a","encoding_format":"base64","dimensions":256}'
    edited = WIRE.edit(WIRE.read(body), upstream_model="e", ask_for_usage=True)
    assert edited.body is body


def test_the_reply_must_hold_vectors() -> None:
    seen = WIRE.observer(facts_of(), asked_for_usage=False)
    seen.observe_document(b'{"data":[{"embedding":"zczMPQ=="}],"usage":{"prompt_tokens":2}}')
    assert seen.facts.is_whole
