"""What every endpoint of OpenAI's form does alike: edits, refusals, errors, the end of a cut."""

import json

import openai
import openai.types
import pytest

from gateway.errors import (
    GatewayError,
    LedgerUnavailable,
    MalformedRequest,
    NotAuthenticated,
    ShuttingDown,
    UpstreamFailed,
)
from gateway.exchange import Assistant, Edit
from gateway.wire.base import Denial, Reading
from gateway.wire.mistral_fim import MistralFim
from gateway.wire.openai_completions import OpenAiCompletions
from gateway.wire.openai_form import OpenAiForm
from policy.types import Identity

CALLER = Identity("ada", "web", frozenset({"developer"}), "key_1")
WIRE = OpenAiCompletions(estimate=lambda model, text_bytes: text_bytes)


def read(**members: object) -> Reading:
    return WIRE.read(json.dumps({"model": "coder", "prompt": "x =", **members}).encode())


def edited(reading: Reading, model: str = "coder") -> tuple[bytes, tuple[Edit, ...], bool]:
    edited = WIRE.edit(reading, upstream_model=model, ask_for_usage=True)
    return edited.body, edited.edits, edited.asked_for_usage


def test_a_body_that_needs_no_edit_is_the_clients_own() -> None:
    reading = read(stream=True, stream_options={"include_usage": True})
    assert edited(reading) == (reading.body, (), False)
    assert edited(reading)[0] is reading.body


def test_a_model_of_the_same_name_keeps_its_spelling() -> None:
    body = b'{"mod\\u0065l":"c\\u006fder","prompt":"x"}'
    assert edited(WIRE.read(body))[0] == body


def test_the_model_is_replaced_in_place() -> None:
    body = b'\n{ "prompt" : "x" , "model" : "c\\u006fder" , "x": 1.50 }\n'
    assert edited(WIRE.read(body), 'a"b/\u00e9') == (
        '\n{ "prompt" : "x" , "model" : "a\\"b/\u00e9" , "x": 1.50 }\n'.encode(),
        (Edit("model", "model_name", 12, 9),),
        False,
    )


@pytest.mark.parametrize(
    ("given", "wanted", "edit"),
    [
        (
            '"stream":true',
            '"stream":true,"stream_options":{"include_usage":true}',
            Edit("stream_options", "usage_option", 0, 40),
        ),
        (
            '"stream":true,"stream_options": null',
            '"stream":true,"stream_options": {"include_usage":true}',
            Edit("stream_options", "usage_option", 4, 22),
        ),
        (
            '"stream_options":{ },"stream":true',
            '"stream_options":{"include_usage":true },"stream":true',
            Edit("stream_options.include_usage", "usage_option", 0, 20),
        ),
        (
            '"stream_options":{ "x":1},"stream":true',
            '"stream_options":{"include_usage":true, "x":1},"stream":true',
            Edit("stream_options.include_usage", "usage_option", 0, 21),
        ),
        (
            '"stream":true,"stream_options":{"x":"}","include\\u005fusage" : false }',
            '"stream":true,"stream_options":{"x":"}","include\\u005fusage" : true }',
            Edit("stream_options.include_usage", "usage_option", 5, 4),
        ),
        (
            '"stream":true,"stream_options":{"include_usage":null}',
            '"stream":true,"stream_options":{"include_usage":true}',
            Edit("stream_options.include_usage", "usage_option", 4, 4),
        ),
    ],
)
def test_usage_is_asked_for_in_place(given: str, wanted: str, edit: Edit) -> None:
    head, tail = '{"model":"coder",', ',"prompt":"x"}'
    reading = WIRE.read(f"{head}{given}{tail}".encode())
    assert edited(reading) == (f"{head}{wanted}{tail}".encode(), (edit,), True)


def test_usage_is_not_asked_for_when_nothing_streams_or_nobody_wants_it() -> None:
    assert edited(read(stream=False))[2] is False
    streamed = read(stream=True)
    assert not WIRE.edit(streamed, upstream_model="coder", ask_for_usage=False).asked_for_usage


DENIAL = Denial("model_access", "policy_denied", 'No.\nRule: x \u2028 "q"', "01AUDIT")


def test_a_denial_is_a_400_that_the_sdk_reads() -> None:
    answer = WIRE.phrase_denial(DENIAL, Assistant())
    assert (answer.status, answer.headers) == (400, ((b"content-type", b"application/json"),))
    error = json.loads(answer.body)["error"]
    assert error == {
        "message": DENIAL.message,
        "type": "invalid_request_error",
        "param": None,
        "code": "policy_denied",
    }
    assert openai.types.ErrorObject.model_validate(error).code == "policy_denied"


def test_a_short_rate_limit_is_a_429_that_says_when() -> None:
    denial = Denial("rate", "rate_limited", "Slow down.", "01AUDIT", retry_after_seconds=7)
    answer = WIRE.phrase_denial(denial, Assistant())
    assert answer.status == 429
    assert (b"retry-after", b"7") in answer.headers
    assert json.loads(answer.body)["error"]["code"] == "rate_limited"


@pytest.mark.parametrize(
    ("error", "status", "kind", "headers"),
    [
        (MalformedRequest("bad"), 400, "invalid_request_error", {b"x-should-retry": b"false"}),
        (
            NotAuthenticated("key", identity=CALLER),
            401,
            "authentication_error",
            {b"x-should-retry": b"false"},
        ),
        (GatewayError("bug"), 500, "server_error", {}),
        (LedgerUnavailable("no"), 503, "server_error", {}),
        (ShuttingDown("bye"), 503, "server_error", {b"retry-after": b"2"}),
        (
            UpstreamFailed("busy", status=429, code="busy", retry_after_seconds=9),
            429,
            "rate_limit_error",
            {b"retry-after": b"9"},
        ),
    ],
)
def test_a_failure_has_openais_form(
    error: GatewayError, status: int, kind: str, headers: dict[bytes, bytes]
) -> None:
    answer = WIRE.phrase_error(error, "01AUDIT")
    told = openai.types.ErrorObject.model_validate(json.loads(answer.body)["error"])
    assert (answer.status, told.type, told.code) == (status, kind, error.code)
    assert told.message == f"{error.message} (audit id 01AUDIT)"
    assert dict(answer.headers) == {b"content-type": b"application/json", **headers}


def test_a_cut_stream_ends_with_an_error_and_the_marker_but_no_stop_reason() -> None:
    cut = WIRE.phrase_cut("upstream_stream_cut", 'broke "off"\n\ndata: x', "01AUDIT")
    error, marker, rest = cut.split(b"\n\n")
    assert (marker, rest) == (b"data: [DONE]", b"")
    told = json.loads(error.removeprefix(b"data: "))
    assert told["error"]["type"] == "upstream_error"
    assert told["error"]["code"] == "upstream_stream_cut"
    assert b"finish_reason" not in cut


def test_this_protocol_cannot_be_asked_for_a_count() -> None:
    with pytest.raises(NotImplementedError):
        WIRE.phrase_count(1)


def test_every_wire_of_this_form_has_the_same_end() -> None:
    assert WIRE.end_marker == b"data: [DONE]\n\n"
    assert not WIRE.counting
    assert issubclass(MistralFim, OpenAiForm)
