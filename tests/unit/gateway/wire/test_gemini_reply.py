"""What an observer makes of Gemini's answers; the captured streams are in tests/wire/gemini."""

import json
from typing import Any

import pytest

from gateway.exchange import Usage
from gateway.wire.base import Event, NotAReply
from gateway.wire.gemini_reply import GeminiObserver


def event(**value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\r\n\r\n"


def candidate(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": list(parts)}, **more}


def usage_of(**figures: int) -> Usage | None:
    observer = GeminiObserver(1)
    observer.observe_event(event(candidates=[], usageMetadata=figures))
    return observer.facts.usage


def test_usage_is_told_in_disjoint_classes() -> None:
    usage = usage_of(
        promptTokenCount=100,
        cachedContentTokenCount=60,
        toolUsePromptTokenCount=5,
        candidatesTokenCount=7,
        thoughtsTokenCount=3,
        totalTokenCount=115,
    )
    assert usage == Usage(45, 60, 0, 0, 10, 3)


def test_thoughts_that_are_counted_among_the_candidates_are_counted_once() -> None:
    usage = usage_of(
        promptTokenCount=10, candidatesTokenCount=7, thoughtsTokenCount=3, totalTokenCount=17
    )
    assert usage == Usage(10, 0, 0, 0, 7, 3)


def test_later_figures_hold_and_missing_ones_take_nothing_back() -> None:
    observer = GeminiObserver(1)
    observer.observe_event(event(usageMetadata={"promptTokenCount": 10, "candidatesTokenCount": 1}))
    observer.observe_event(event(usageMetadata={"candidatesTokenCount": 4}))
    assert observer.facts.usage == Usage(10, 0, 0, 0, 4, 0)


def test_a_stream_begins_with_what_it_says_and_ends_with_its_finish_reason() -> None:
    observer = GeminiObserver(1)
    seen = [
        observer.observe_event(event(usageMetadata={"promptTokenCount": 1})),
        observer.observe_event(event(candidates=[candidate({"text": ""})])),
        observer.observe_event(event(candidates=[candidate({"text": "a"})])),
        observer.observe_event(event(candidates=[candidate(finishReason="STOP")])),
        observer.observe_event(event(usageMetadata={"promptTokenCount": 2})),
    ]
    assert seen == [Event.PREAMBLE, Event.PREAMBLE, Event.SUBSTANCE, Event.ENDING, Event.ENDING]
    assert observer.facts.is_whole


@pytest.mark.parametrize(
    "part",
    [
        {"functionCall": {"name": "f"}},
        {"executableCode": {"code": "x"}},
        {"codeExecutionResult": {"output": "x"}},
        {"inlineData": {"data": "AAAA"}},
        {"text": "x", "thought": True},
    ],
)
def test_every_kind_of_part_is_substance(part: dict[str, Any]) -> None:
    observer = GeminiObserver(1)
    assert observer.observe_event(event(candidates=[candidate(part)])) is Event.SUBSTANCE


def test_comments_and_end_markers_do_not_reach_the_client() -> None:
    observer = GeminiObserver(1)
    assert observer.observe_event(b": keep-alive\n\n") is Event.WITHHELD
    assert observer.observe_event(b"data: [DONE]\n\n") is Event.WITHHELD
    assert not observer.facts.is_whole


@pytest.mark.parametrize(
    "failing",
    [
        event(error={"code": 503, "message": "overloaded"}),
        b'{"error": {"code": 503, "message": "overloaded"}}\n\n',
        b'[{"error": {"code": 503, "message": "overloaded"}}]\r\n\r\n',
    ],
)
def test_an_error_is_a_failure_in_the_upstreams_own_words(failing: bytes) -> None:
    observer = GeminiObserver(1)
    assert observer.observe_event(failing) is Event.FAILURE
    assert observer.facts.failure == "overloaded"


@pytest.mark.parametrize("word", ["", "FINISH_REASON_UNSPECIFIED", None])
def test_a_finish_reason_that_says_nothing_is_none(word: str | None) -> None:
    observer = GeminiObserver(1)
    observer.observe_event(event(candidates=[candidate({"text": "a"}, finishReason=word)]))
    assert not observer.facts.is_whole


def test_a_document_without_candidates_is_no_answer_but_a_blocked_prompt_is() -> None:
    for body in (b"{}", b"[]", b"<html>", b'{"error":{"message":"no"}}', b'{"candidates":[]}'):
        with pytest.raises(NotAReply):
            GeminiObserver(1).observe_document(body)
    observer = GeminiObserver(1)
    observer.observe_document(b'{"promptFeedback":{"blockReason":"SAFETY"}}')
    assert (observer.facts.is_whole, observer.facts.finish_reason) == (True, "SAFETY")


def test_a_document_with_fewer_candidates_than_were_asked_for_is_whole() -> None:
    observer = GeminiObserver(2)
    observer.observe_document(json.dumps({"candidates": [candidate(finishReason="STOP")]}).encode())
    assert observer.facts.is_whole


def test_the_tier_is_told_beside_the_figures() -> None:
    observer = GeminiObserver(1)
    told = {"promptTokenCount": 1, "serviceTier": "flex"}
    observer.observe_event(event(candidates=[candidate({"text": "a"})], usageMetadata=told))
    assert observer.facts.service_tier == "flex"


@pytest.mark.parametrize("first", [{"webSearchQueries": ["a"]}, {}, None])
def test_googles_searches_are_counted_as_the_last_chunk_tells_them(first: object) -> None:
    observer = GeminiObserver(1)
    whole = {"webSearchQueries": ["a", "b"], "groundingChunks": []}
    observer.observe_event(event(candidates=[candidate({"text": "a"}, groundingMetadata=first)]))
    assert observer.facts.vendor_tools == ({"web_search": 1} if first else {})
    observer.observe_event(event(candidates=[candidate(groundingMetadata=whole)]))
    odd = {"webSearchQueries": 7}
    observer.observe_event(event(candidates=[candidate(finishReason=7, groundingMetadata=odd)]))
    assert observer.facts.vendor_tools == {"web_search": 2}
