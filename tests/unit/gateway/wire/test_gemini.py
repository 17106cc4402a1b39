"""The Gemini wire: what a path says, what is read and refused, and what is said back."""

import json
from typing import Any

import pytest

from gateway.errors import LedgerUnavailable, MalformedRequest, NotAuthenticated
from gateway.exchange import Assistant, Edit
from gateway.wire.base import Denial
from gateway.wire.gemini import Action, Gemini, GeminiFamily, google_error
from policy.types import Operation, RequestFacts

FAMILY = GeminiFamily(lambda model, size: size)
CONTENTS = [{"role": "user", "parts": [{"text": "hi"}]}]
DENIAL = Denial("model_access", "policy_denied", "Gatehouse: no (rule x)", "gh-1")


def at(path: str, query: bytes = b"") -> Gemini:
    wire = FAMILY.wire_at(path, query)
    assert isinstance(wire, Gemini)
    return wire


def wire(action: Action = Action.GENERATE, model: str = "coder") -> Gemini:
    return Gemini(lambda model, size: size, model, action, "sse")


def facts_of(action: Action = Action.GENERATE, **body: Any) -> RequestFacts:
    return wire(action).read(json.dumps({"contents": CONTENTS, **body}).encode()).facts


def refusal_of(body: object, action: Action = Action.GENERATE) -> str:
    with pytest.raises(MalformedRequest) as refused:
        wire(action).read(json.dumps(body).encode())
    return refused.value.message


@pytest.mark.parametrize(
    "base",
    [
        "/v1beta",
        "/v1",
        "/v1beta1/publishers/google",
        "/v1beta1/projects/p-1/locations/europe-west4/publishers/google",
        "/v1/projects/p-1/locations/global/publishers/google",
    ],
)
@pytest.mark.parametrize("action", Action)
def test_model_and_action_are_read_from_every_form_of_path(base: str, action: Action) -> None:
    made = at(f"{base}/models/coder:{action}")
    assert (made.model, made.action) == ("coder", action)


@pytest.mark.parametrize("model", ["team/coder", "qwen3:32b", "a:b/c:d", "..", "Coder", "модель"])
def test_a_model_is_named_by_all_that_stands_before_the_last_colon(model: str) -> None:
    assert at(f"/v1beta/models/{model}:generateContent").model == model


def test_another_publisher_is_the_first_half_of_the_models_name() -> None:
    path = "/v1/projects/p/locations/l/publishers/team/models/coder:generateContent"
    assert at(path).model == "team/coder"


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta/models/coder",
        "/v1beta/models/coder:embedContent",
        "/v1beta/models/coder:GenerateContent",
        "/v1beta/models/coder:generateContent/",
        "/v1beta/models/:generateContent",
        "/v1beta/models/coder:",
        "/v2/models/coder:generateContent",
        "/v1beta/tunedModels/coder:generateContent",
        "/v1beta/Models/coder:generateContent",
        "/v1beta/models/coder\n:generateContent",
        "/v1/projects/p/publishers/google/models/coder:generateContent",
        "//v1beta/models/coder:generateContent",
    ],
)
def test_no_other_path_is_its_own(path: str) -> None:
    assert FAMILY.wire_at(path, b"") is None


@pytest.mark.parametrize(
    ("query", "is_array"),
    [(b"alt=sse", False), (b"", True), (b"$alt=sse&x=1", False), (b"alt=json", True)],
)
def test_a_stream_is_an_array_unless_events_are_asked_for(query: bytes, is_array: bool) -> None:
    made = at("/v1beta/models/coder:streamGenerateContent", query)
    assert made.read(json.dumps({"contents": CONTENTS}).encode()).facts.streaming
    assert (made.framing is not None) == is_array


@pytest.mark.parametrize("query", [b"alt=proto", b"alt=sse&alt=json", b"alt=sse&$alt=media"])
def test_another_form_of_answer_is_refused(query: bytes) -> None:
    made = at("/v1beta/models/coder:streamGenerateContent", query)
    with pytest.raises(MalformedRequest, match="'alt'"):
        made.read(json.dumps({"contents": CONTENTS}).encode())


@pytest.mark.parametrize("model", ["x" * 257, "a\x00b", "a\u200bb"])
def test_a_model_that_no_one_could_read_is_refused(model: str) -> None:
    with pytest.raises(MalformedRequest, match="the model in the path"):
        wire(model=model).read(json.dumps({"contents": CONTENTS}).encode())


@pytest.mark.parametrize(
    ("segments", "what"),
    [
        (f"projects/{'p' * 257}/locations/l/publishers/google/models/coder", "project"),
        (f"projects/p/locations/{'l' * 257}/publishers/google/models/coder", "location"),
        (f"projects/p/locations/l/publishers/{'x' * 257}/models/coder", "model"),
        (f"publishers/google/models/{'m' * 257}", "model"),
        ("projects/a\u200bb/locations/l/publishers/google/models/coder", "project"),
    ],
)
def test_no_segment_of_the_path_is_longer_than_a_name(segments: str, what: str) -> None:
    made = at(f"/v1/{segments}:generateContent")
    with pytest.raises(MalformedRequest, match=f"the {what} in the path must be 1 to 256"):
        made.read(json.dumps({"contents": CONTENTS}).encode())


def test_segments_as_long_as_a_name_are_read() -> None:
    name = "x" * 256
    made = at(f"/v1/projects/{name}/locations/{name}/publishers/google/models/{name}:countTokens")
    assert made.read(json.dumps({"contents": CONTENTS}).encode()).facts.model == name


def test_a_request_gives_its_facts_in_either_spelling() -> None:
    camel = facts_of(generationConfig={"maxOutputTokens": 9, "candidateCount": 2})
    snake = facts_of(generation_config={"max_output_tokens": 9, "candidate_count": 2})
    assert (camel.output_tokens_limit, camel.answers) == (9, 2)
    assert (snake.output_tokens_limit, snake.answers) == (9, 2)
    assert (camel.model, camel.streaming, camel.operation) == ("coder", False, Operation.CHAT)
    assert facts_of(Action.COUNT).operation is Operation.COUNT_TOKENS


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "'contents' is missing"),
        ({"contents": None}, "'contents' is missing"),
        ({"contents": CONTENTS, "generationConfig": []}, "generationConfig must be an object"),
        ({"contents": CONTENTS, "generationConfig": {"maxOutputTokens": "9"}}, "maxOutputTokens"),
        ({"contents": CONTENTS, "generationConfig": {"candidateCount": 9}}, "from 1 to 8"),
        ({"contents": CONTENTS, "tools": [{"functionDeclarations": [{}]}]}, "has no name"),
        ({"contents": CONTENTS, "cachedContent": "cachedContents/x"}, "has not seen"),
        ({"contents": CONTENTS, "model": "other"}, "must name the model of the path"),
        (
            {"contents": CONTENTS, "systemInstruction": {}, "system_instruction": {}},
            "once in camelCase and once in snake_case",
        ),
        (
            {"contents": CONTENTS, "generationConfig": {"topP": 1, "top_p": 2}},
            "once in camelCase and once in snake_case",
        ),
        (
            {"contents": CONTENTS, "tools": [{"googleSearch": {}, "google_search": {}}]},
            "once in camelCase and once in snake_case",
        ),
    ],
)
def test_a_request_that_two_readers_would_not_read_alike_is_refused(
    body: object, told: str
) -> None:
    assert told in refusal_of(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"contents":[],"contents":[]}',
        b'{"contents":[],"generationConfig":{"maxOutputTokens":1,"maxOutputTokens":9}}',
        b'{"contents":[],"generationConfig":NaN}',
        b"[]",
        b"",
    ],
)
def test_duplicates_and_what_is_no_object_are_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        wire().read(body)


def test_a_count_may_hold_the_whole_request_it_asks_about() -> None:
    inner = {"model": "models/coder", "contents": CONTENTS, "tools": [{"codeExecution": {}}]}
    body = json.dumps({"generateContentRequest": inner}).encode()
    reading = wire(Action.COUNT).read(body)
    assert reading.facts.tool_names == ("codeExecution",)
    (segment, _) = (*reading.facts.read_segments(), None)
    assert segment is not None
    assert segment.path == "generateContentRequest.contents.0.parts.0.text"
    edited = wire(Action.COUNT).edit(reading, upstream_model="m-2", ask_for_usage=True)
    assert json.loads(edited.body)["generateContentRequest"]["model"] == "models/m-2"
    assert "not both" in refusal_of(
        {"contents": CONTENTS, "generateContentRequest": inner}, Action.COUNT
    )


def test_a_new_model_stands_in_the_path_and_the_body_stays_as_it_is() -> None:
    reading = wire().read(json.dumps({"contents": CONTENTS}).encode())
    edited = wire().edit(reading, upstream_model="gemini-3.8-pro", ask_for_usage=True)
    assert edited.body is reading.body
    assert edited.edits == (Edit("url.model", "model_name", 5, 14),)
    same = wire().edit(reading, upstream_model="coder", ask_for_usage=True)
    assert (same.body, same.edits) == (reading.body, ())


@pytest.mark.parametrize("named", ["coder", "models/coder", "publishers/google/models/coder"])
def test_a_model_that_the_body_repeats_is_changed_there_too(named: str) -> None:
    body = json.dumps({"model": named, "contents": CONTENTS, "unknown": 1.50}).encode()
    edited = wire().edit(wire().read(body), upstream_model="m-2", ask_for_usage=False)
    assert edited.body == body.replace(b'coder"', b'm-2"')
    assert [edit.path for edit in edited.edits] == ["url.model", "model"]


def test_nothing_is_said_in_a_silence_and_nothing_marks_an_end() -> None:
    assert wire(Action.STREAM).keep_alive is None
    assert wire(Action.STREAM).end_marker == b""


def test_a_denial_is_a_400_in_googles_form() -> None:
    answer = wire().phrase_denial(DENIAL, Assistant())
    error = json.loads(answer.body)["error"]
    assert answer.status == error["code"] == 400
    assert (error["status"], error["message"]) == ("INVALID_ARGUMENT", DENIAL.message)
    assert error["details"][0]["reason"] == "policy_denied"
    assert (b"x-should-retry", b"false") in answer.headers


def test_a_short_rate_limit_is_a_429_that_says_when() -> None:
    limited = Denial("rates", "rate_limited", "Gatehouse: slow down", "gh-1", 7)
    answer = wire().phrase_denial(limited, Assistant())
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"][1]["retryDelay"] == "7s"
    assert (b"retry-after", b"7") in answer.headers


def test_failures_bear_googles_words() -> None:
    stranger = wire().phrase_error(NotAuthenticated(), "gh-1")
    assert json.loads(stranger.body)["error"]["status"] == "UNAUTHENTICATED"
    full = wire().phrase_error(LedgerUnavailable("the disk is full"), "gh-1")
    error = json.loads(full.body)["error"]
    assert (error["code"], error["status"]) == (503, "UNAVAILABLE")
    assert error["message"] == "the disk is full (audit id gh-1)"
    assert google_error(418, "m", "c")["status"] == "INVALID_ARGUMENT"


def test_a_cut_stream_ends_with_the_protocols_error_and_no_finish_reason() -> None:
    event = wire(Action.STREAM).phrase_cut("upstream_stream_cut", "it broke off", "gh-1")
    assert event.startswith(b"data: ")
    assert event.endswith(b"\n\n")
    assert b"finishReason" not in event
    assert json.loads(event[6:])["error"]["message"] == "it broke off (audit id gh-1)"


def test_a_count_is_phrased() -> None:
    assert wire(Action.COUNT).phrase_count(12) == b'{"totalTokens":12}'
