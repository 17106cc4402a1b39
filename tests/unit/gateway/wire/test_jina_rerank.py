"""Rerank: every document is read together with the query."""

import json

import pytest

from gateway.errors import MalformedRequest
from gateway.wire.jina_rerank import JinaRerank
from policy.types import Operation, RequestFacts
from providers.base import WireName

WIRE = JinaRerank(estimate=lambda model, text_bytes: text_bytes)
REQUEST = {"model": "ranker", "query": "q", "documents": ["a", "b"]}


def facts_of(**members: object) -> RequestFacts:
    return WIRE.read(json.dumps({**REQUEST, **members}).encode()).facts


def test_its_name_is_the_configurations() -> None:
    assert (WIRE.name, WIRE.path) == (WireName.JINA_RERANK, "/v1/rerank")


def test_nothing_is_streamed_and_nothing_written() -> None:
    facts = facts_of(stream=True, top_n=1)
    assert (facts.operation, facts.streaming) == (Operation.RERANK, False)
    assert (facts.output_tokens_limit, facts.answers) == (None, 1)


def test_the_query_is_read_once_for_every_document() -> None:
    assert facts_of(query="12345678", documents=["a"] * 3).input_tokens_estimate == 3 * 10 + 15


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"query": None}, "'query' must be a text"),
        ({"query": 5}, "'query' must be a text"),
        ({"query": [1, 2]}, "'query' must be a text"),
        ({"documents": "a"}, "'documents' must be an array"),
        ({"documents": None}, "'documents' must be an array"),
        ({"documents": []}, "'documents' must be a list of texts that is not empty"),
        ({"top_n": 0}, "'top_n' must be a whole number"),
        ({"model": ""}, "'model'"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(members: dict[str, object], message: str) -> None:
    with pytest.raises(MalformedRequest, match=message):
        facts_of(**members)


@pytest.mark.parametrize("absent", ["query", "documents"])
def test_a_missing_field_is_refused_by_its_name(absent: str) -> None:
    given = {name: value for name, value in REQUEST.items() if name != absent}
    with pytest.raises(MalformedRequest, match=f"'{absent}'"):
        WIRE.read(json.dumps(given).encode())


def test_query_and_documents_are_texts_with_their_paths() -> None:
    documents = ["a", {"text": "b", "title": "t"}]
    found = facts_of(query={"text": "q"}, documents=documents).read_segments()
    assert [(each.path, each.text) for each in found] == [
        ("query.text", "q"),
        ("documents.0", "a"),
        ("documents.1.text", "b"),
        ("documents.1.title", "t"),
    ]


def test_the_reply_must_hold_ranks() -> None:
    seen = WIRE.observer(facts_of(), asked_for_usage=False)
    seen.observe_document(b'{"results":[{"index":1,"relevance_score":0.9}]}')
    assert seen.facts.is_whole


def test_a_list_that_would_fill_the_memory_is_refused_unread() -> None:
    documents = b"[" + b'"ab",' * 100_000 + b'"ab"]'
    with pytest.raises(MalformedRequest, match="'documents' holds more than 100000 texts"):
        WIRE.read(b'{"model":"m","query":"q","documents":' + documents + b"}")
