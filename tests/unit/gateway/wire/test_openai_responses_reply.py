"""A response as it passes: kinds of events, odd ones too, and figures in disjoint classes."""

import json
from typing import Any

import pytest

from gateway.exchange import Usage
from gateway.wire.base import Event, NotAReply
from gateway.wire.openai_responses_reply import ResponsesFacts, ResponsesObserver

USAGE = {
    "input_tokens": 50,
    "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 5},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 4},
}


def event(kind: str | None, name: str = "", **members: Any) -> bytes:
    value = members if kind is None else {"type": kind, **members}
    lead = f"event: {name or kind}\n" if name or kind else ""
    return f"{lead}data: {json.dumps(value)}\n\n".encode()


def seen(*events: bytes) -> tuple[list[Event], ResponsesFacts]:
    observer = ResponsesObserver()
    kinds = [observer.observe_event(each) for each in events]
    assert isinstance(observer.facts, ResponsesFacts)
    return kinds, observer.facts


def read(**members: Any) -> ResponsesFacts:
    observer = ResponsesObserver()
    observer.observe_document(json.dumps({"id": "resp_1", "output": [], **members}).encode())
    assert isinstance(observer.facts, ResponsesFacts)
    return observer.facts


DELTA = event("response.output_text.delta", delta="hé", output_index=0)
CREATED = event("response.created", response={"id": "resp_1", "model": "m", "created_at": 7})
COMPLETED = event("response.completed", response={"status": "completed", "usage": USAGE})


def test_a_stream_opens_speaks_and_ends() -> None:
    kinds, facts = seen(CREATED, event("response.in_progress"), DELTA, COMPLETED)
    assert kinds == [Event.PREAMBLE, Event.PREAMBLE, Event.SUBSTANCE, Event.ENDING]
    assert (facts.response_id, facts.response_model, facts.created_at) == ("resp_1", "m", 7)
    assert (facts.is_whole, facts.finish_reason, facts.events) == (True, "completed", 4)
    assert facts.output_bytes == 3


def test_usage_is_in_disjoint_classes_whose_sum_is_what_was_told() -> None:
    _, facts = seen(COMPLETED)
    assert facts.usage == Usage(
        input_tokens=15,
        cache_read_tokens=30,
        cache_write_5m_tokens=5,
        output_tokens=9,
        reasoning_tokens=4,
    )
    assert facts.usage.total_tokens == 59


@pytest.mark.parametrize("usage", [None, {}, "many", {"input_tokens": -3}, [1]])
def test_a_usage_of_nothing_is_none(usage: object) -> None:
    assert read(usage=usage).usage is None


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
def test_an_incomplete_answer_is_whole_and_says_why(reason: str) -> None:
    response = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    kinds, facts = seen(DELTA, event("response.incomplete", response=response))
    assert kinds[-1] is Event.ENDING
    assert (facts.is_whole, facts.finish_reason) == (True, reason)


def test_comments_and_heartbeats_say_nothing() -> None:
    kinds, _ = seen(b": ping\n\n", event("keepalive"), CREATED, b": ping\n\n", DELTA, b": p\n\n")
    assert kinds == [Event.PREAMBLE] * 4 + [Event.SUBSTANCE] * 2


def test_a_stream_without_its_end_is_not_whole() -> None:
    _, facts = seen(CREATED, DELTA, event("response.output_item.done", item={}))
    assert not facts.is_whole
    assert facts.finish_reason is None


def test_a_marker_that_openai_does_not_send_is_an_end_but_no_stop_reason() -> None:
    kinds, facts = seen(DELTA, b"data: [DONE]\n\n")
    assert (kinds[-1], facts.is_whole) == (Event.END, False)
    kinds, facts = seen(DELTA, COMPLETED, b"data: [DONE]\n\n")
    assert (kinds[-1], facts.is_whole) == (Event.END, True)


@pytest.mark.parametrize(
    ("failing", "code"),
    [
        (event("error", code="boom", message="it broke", sequence_number=3), "boom"),
        (event("error", error={"code": "boom", "message": "it broke"}), "boom"),
        (event(None, error={"code": "boom", "message": "it broke"}), "boom"),
        (event(None, name="error", code=500, message="it broke"), None),
        (
            event("response.failed", response={"error": {"code": "boom", "message": "it broke"}}),
            "boom",
        ),
    ],
)
def test_a_failure_is_one_in_each_of_its_forms(failing: bytes, code: str | None) -> None:
    kinds, facts = seen(CREATED, DELTA, failing)
    assert kinds[-1] is Event.FAILURE
    assert (facts.failure, facts.failure_code, facts.is_whole) == ("it broke", code, False)


@pytest.mark.parametrize("code", ["context_length_exceeded", "invalid_prompt"])
def test_a_request_that_is_refused_in_the_stream_is_no_failure_of_the_upstreams(code: str) -> None:
    refusing = event("error", code=code, message="Too long.")
    assert seen(CREATED, refusing)[0][-1] is Event.REFUSAL
    assert seen(CREATED, DELTA, refusing)[0][-1] is Event.FAILURE


def test_words_in_events_without_numbers_are_counted_without_parsing() -> None:
    def said(text: str) -> bytes:
        return event("response.output_text.delta", item_id="m", delta=text)

    observer = ResponsesObserver()
    assert observer.observe_event(said("one")) is Event.SUBSTANCE
    assert observer.repeats(said("two and three"))
    assert not observer.repeats(said('fo"ur'))
    assert not observer.repeats(COMPLETED)
    assert isinstance(observer.facts, ResponsesFacts)
    assert (observer.facts.output_bytes, observer.facts.events) == (len("onetwo and three"), 2)
    observer.observe_event(COMPLETED)
    assert not observer.repeats(said("five"))


def test_a_failure_without_a_word_is_still_one() -> None:
    kinds, facts = seen(event("response.failed", response={}))
    assert kinds == [Event.FAILURE]
    assert facts.failure


def test_what_came_in_deltas_is_not_counted_twice() -> None:
    item = {"type": "function_call", "name": "run", "arguments": '{"a":1}'}
    added = event("response.output_item.added", output_index=1, item={"type": "function_call"})
    delta = event("response.function_call_arguments.delta", output_index=1, delta='{"a":1}')
    done = event("response.output_item.done", output_index=1, item=item)
    _, told = seen(added, delta, done)
    assert told.output_bytes == 7
    _, at_once = seen(added, done)
    assert at_once.output_bytes == len("run") + len('"{\\"a\\":1}"')


@pytest.mark.parametrize(
    "odd",
    [
        event("response.output_text.delta", delta={"text": "hi"}),
        event("response.output_item.done", item=5, output_index="x"),
        event("response.created", response="resp_1"),
        event("response.brand_new", anything=[1]),
        b"data: not json\n\n",
        b"data: [1]\n\n",
    ],
)
def test_an_odd_event_passes(odd: bytes) -> None:
    kinds, facts = seen(DELTA, odd, COMPLETED)
    assert kinds == [Event.SUBSTANCE, Event.SUBSTANCE, Event.ENDING]
    assert facts.is_whole


def test_an_end_with_members_of_odd_types_is_still_an_end() -> None:
    response = {"id": 5, "status": "completed", "created_at": "now", "usage": USAGE}
    kinds, facts = seen(DELTA, event("response.completed", response=response))
    assert (kinds[-1], facts.is_whole) == (Event.ENDING, True)
    assert facts.usage is not None


def test_a_document_tells_the_same() -> None:
    facts = read(model="m", status="completed", usage=USAGE, created_at=7)
    assert (facts.response_id, facts.response_model, facts.is_whole) == ("resp_1", "m", True)
    assert facts.usage is not None
    assert facts.usage.total_tokens == 59


def test_a_document_of_odd_items_counts_by_its_size() -> None:
    facts = read(output=[{"type": "x", "name": 5, "content": "abc"}])
    assert (facts.is_whole, facts.output_bytes > 3) == (True, True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"id":"x"}',
        b'{"error":{"message":"no"}}',
        b'{"output":[],"status":"failed","error":{"message":"no"}}',
        b'{"output":[],"status":"cancelled"}',
        b'{"choices":[{"message":{"content":"hi"}}]}',
    ],
)
def test_what_is_no_response_is_none(body: bytes) -> None:
    with pytest.raises(NotAReply):
        ResponsesObserver().observe_document(body)


def test_an_answer_that_is_still_being_made_is_not_whole() -> None:
    assert not read(status="queued").is_whole


def test_what_is_written_for_an_hour_stands_apart() -> None:
    details = {
        "cached_tokens": 30,
        "cache_write_tokens": 15,
        "cache_creation_token_details": {"ephemeral_1h_input_tokens": 10},
    }
    usage = {"input_tokens": 50, "input_tokens_details": details, "output_tokens": 9}
    assert read(usage=usage, status="completed").usage == Usage(5, 30, 5, 10, 9)


SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
SAYS = {"type": "message", "content": [{"type": "output_text", "text": "hi"}]}


def test_the_tier_is_the_one_that_the_end_tells() -> None:
    asked = event("response.created", response={"id": "resp_1", "service_tier": "auto"})
    served = {"status": "completed", "service_tier": "priority", "usage": USAGE}
    _, facts = seen(asked, DELTA, event("response.completed", response=served))
    assert facts.service_tier == "priority"
    assert read(service_tier="flex").service_tier == "flex"
    assert read(service_tier=7, status="completed").service_tier is None


def test_the_tools_that_the_vendor_ran_are_counted_once() -> None:
    done = [
        event("response.output_item.done", output_index=place, item=item)
        for place, item in enumerate((SEARCH, SEARCH, SAYS, {"type": "code_interpreter_call"}))
    ]
    output = [SEARCH, SEARCH, SAYS, {"type": "code_interpreter_call"}]
    end = event("response.completed", response={"status": "completed", "output": output})
    _, facts = seen(CREATED, *done, end)
    assert facts.vendor_tools == {"web_search": 2, "code_interpreter": 1}


def test_the_tools_of_a_whole_response_are_counted_however_oddly_it_is_written() -> None:
    assert read(output=[SAYS, SEARCH]).vendor_tools == {"web_search": 1}
    odd = [{**SAYS, "name": 7}, SEARCH, {"type": 9}, 4, None]
    assert read(output=odd).vendor_tools == {"web_search": 1}
    item = event("response.output_item.done", output_index="x", item=SEARCH)
    assert seen(item)[1].vendor_tools == {"web_search": 1}
