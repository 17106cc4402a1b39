"""The facts of a plain completion, which two protocols ask for in the same words."""

import json

import pytest

from gateway.errors import MalformedRequest
from gateway.wire import plain_completion
from gateway.wire.base import Reading
from policy.types import Operation, Zone


def read(**given: object) -> Reading:
    body = json.dumps({"model": "coder", "prompt": "x = ", **given}).encode()
    return plain_completion.read(body, lambda model, text_bytes: text_bytes)


def test_the_least_request_has_the_protocols_defaults() -> None:
    facts = read().facts
    assert (facts.model, facts.streaming, facts.answers) == ("coder", False, 1)
    assert (facts.operation, facts.tool_names) == (Operation.TEXT_COMPLETION, ())
    assert (facts.output_tokens_limit, facts.input_tokens_estimate) == (None, 6)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"model": None}, "'model' must be a string"),
        ({"prompt": None}, "'prompt' must be a text, or a list of texts or of tokens"),
        ({"prompt": {"a": 1}}, "'prompt' must be a text"),
        ({"prompt": []}, "'prompt' must not be empty"),
        ({"suffix": ["a"]}, "'suffix' must be a string"),
        ({"stream": "yes"}, "'stream' must be true or false"),
        ({"stream_options": 5}, "'stream_options' must be an object"),
        ({"max_tokens": -1}, "'max_tokens' must be a whole number from 0 to 2147483647"),
        ({"max_tokens": 1.5}, "'max_tokens'"),
        ({"n": 0}, "'n' must be a whole number from 1 to 128"),
        ({"best_of": 129}, "'best_of' must be a whole number from 1 to 128"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(members: dict[str, object], message: str) -> None:
    with pytest.raises(MalformedRequest, match=message):
        read(**members)


@pytest.mark.parametrize(
    "members", ['"prompt":"a","prompt":"b"', '"prompt":"a","suffix":"b","suffix":"c"']
)
def test_a_duplicate_of_a_key_is_refused(members: str) -> None:
    body = b'{"model":"coder",' + members.encode() + b"}"
    with pytest.raises(MalformedRequest, match="twice"):
        plain_completion.read(body, lambda model, text_bytes: text_bytes)


def test_nothing_but_the_echo_may_be_asked_for() -> None:
    assert read(max_tokens=0, echo=True).facts.output_tokens_limit == 0


def test_every_prompt_is_answered_as_often_as_asked() -> None:
    assert read(prompt=["a", "b", "c"], n=2).facts.answers == 6
    assert read(prompt=[1, 2, 3], n=2).facts.answers == 2


def test_answers_that_are_written_and_thrown_away_count_too() -> None:
    assert read(n=2, best_of=5).facts.answers == 5
    assert read(n=2, best_of=5, stream=True).facts.answers == 2


def test_the_suffix_is_read_with_every_prompt() -> None:
    assert read(suffix="1234").facts.input_tokens_estimate == 6 + 6
    assert read(prompt=["a", "b"], suffix="1234").facts.input_tokens_estimate == 10 + 2 * 6
    assert read(prompt=[5, 6, 7], suffix=None).facts.input_tokens_estimate == 3


def test_every_text_has_its_path() -> None:
    given = {"suffix": "tail", "response_format": {"json_schema": {"description": "shape"}}}
    found = read(prompt=["a", "b"], **given).facts.read_segments()
    assert [(each.path, each.zone, each.text) for each in found] == [
        ("prompt.0", Zone.USER, "a"),
        ("prompt.1", Zone.USER, "b"),
        ("suffix", Zone.USER, "tail"),
        ("response_format.json_schema.description", Zone.USER, "shape"),
    ]
