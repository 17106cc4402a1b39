"""Watching a reply that is never streamed: what it used, and what is none."""

import json

import pytest

from gateway.exchange import Usage
from gateway.wire.base import Event, NotAReply
from gateway.wire.whole_reply import WholeObserver


def observed(**members: object) -> WholeObserver:
    seen = WholeObserver("data")
    seen.observe_document(json.dumps({"data": [], **members}).encode())
    return seen


@pytest.mark.parametrize(
    ("members", "read"),
    [
        ({"usage": {"prompt_tokens": 5, "total_tokens": 5}}, 5),
        ({"usage": {"total_tokens": 6}}, 6),
        ({"usage": {"input_tokens": 7}}, 7),
        ({"meta": {"tokens": {"input_tokens": 8}}}, 8),
        ({"meta": {"billed_units": {"total_tokens": 9}}}, 9),
        ({"usage": {"prompt_tokens": 0}, "meta": {"tokens": {"input_tokens": 3}}}, 3),
    ],
)
def test_usage_is_read_from_every_known_form(members: dict[str, object], read: int) -> None:
    assert observed(**members).facts.usage == Usage(input_tokens=read)


def test_what_a_judge_wrote_counts_as_output() -> None:
    seen = observed(usage={"prompt_tokens": 5, "completion_tokens": 2})
    assert seen.facts.usage == Usage(input_tokens=5, output_tokens=2)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"usage": None},
        {"usage": {"prompt_tokens": 0, "total_tokens": 0}},
        {"usage": {"prompt_tokens": "many"}},
        {"usage": [5]},
        {"meta": {"billed_units": {"search_units": 1}}},
        {"meta": 5},
    ],
)
def test_without_figures_there_is_no_usage_but_a_whole_answer(members: dict[str, object]) -> None:
    facts = observed(**members).facts
    assert (facts.usage, facts.is_whole, facts.output_bytes) == (None, True, 0)


def test_an_odd_id_is_read_past() -> None:
    facts = observed(id=7, model=None, usage={"prompt_tokens": 4}).facts
    assert (facts.response_id, facts.response_model) == (None, None)
    assert facts.usage == Usage(input_tokens=4)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'{"data":null}',
        b'{"data":{"a":1}}',
        b'{"data":"text"}',
        b'{"results":[]}',
        b'data: {"data":[]}\n\n',
        b'{"data":[',
    ],
)
def test_what_holds_no_list_is_told(body: bytes) -> None:
    seen = WholeObserver("data")
    with pytest.raises(NotAReply):
        seen.observe_document(body)
    assert not seen.facts.is_whole


def test_an_error_with_a_good_status_is_told() -> None:
    seen = WholeObserver("data")
    with pytest.raises(NotAReply, match="out of memory"):
        seen.observe_document(b'{"error":{"message":"out of memory"},"data":[]}')
    assert seen.facts.failure == "out of memory"


def test_an_event_is_none_of_this_protocol() -> None:
    seen = WholeObserver("data")
    assert seen.observe_event(b"data: {}\n\n") is Event.SUBSTANCE
    assert not seen.repeats(b"data: {}\n\n")
    assert not seen.facts.is_whole
