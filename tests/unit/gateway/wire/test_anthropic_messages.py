"""Anthropic's messages: facts, edits and the gateway's own answers."""

import json
from typing import Any

import pytest
from anthropic.types import (
    APIErrorObject,
    AuthenticationError,
    ErrorResponse,
    GatewayTimeoutError,
    InvalidRequestError,
    MessageTokensCount,
    NotFoundError,
    OverloadedError,
    RateLimitError,
)
from anthropic.types import PermissionError as ForbiddenError

from gateway.errors import (
    GatewayError,
    HeadersTooLarge,
    LedgerUnavailable,
    MalformedRequest,
    NotAuthenticated,
    RequestTimedOut,
    RequestTooLarge,
    ShuttingDown,
    UnsupportedMediaType,
    UpstreamFailed,
)
from gateway.exchange import Assistant, Edit
from gateway.wire.anthropic_messages import AnthropicCountTokens, AnthropicMessages
from gateway.wire.base import Denial, Reading
from policy.types import Identity, Operation, Zone

CALLER = Identity("ada", "web", frozenset({"developer"}), "key_1")
WIRE = AnthropicMessages(estimate=lambda model, text_bytes: text_bytes)
COUNTING = AnthropicCountTokens(estimate=lambda model, text_bytes: text_bytes)


def body_with(**members: object) -> bytes:
    messages = [{"role": "user", "content": "hi"}]
    return json.dumps({"model": "coder", "messages": messages, **members}).encode()


def read(**members: object) -> Reading:
    return WIRE.read(body_with(**members))


def texts(**members: object) -> dict[str, tuple[Zone, str]]:
    return {part.path: (part.zone, part.text) for part in read(**members).facts.read_segments()}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"model": ""}, "'model'"),
        ({"model": "a\u2066b"}, "'model'"),
        ({"messages": "hi"}, "'messages' must be an array"),
        ({"stream": "yes"}, "'stream' must be true or false"),
        ({"max_tokens": 0}, "'max_tokens'"),
        ({"max_tokens": 2**31}, "'max_tokens'"),
        ({"max_tokens": 1.5}, "'max_tokens'"),
        ({"tools": {"name": "a"}}, "'tools' must be an array"),
        ({"tools": [7]}, "tools.0 must be an object"),
        ({"tools": [{"description": "nameless"}]}, "tools.0 has neither a name nor a type"),
        ({"tools": [{"name": ["a"]}]}, "tools.0.name must be a string"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(members: dict[str, object], message: str) -> None:
    with pytest.raises(MalformedRequest, match=message):
        read(**members)


def test_a_duplicate_in_a_tool_is_refused() -> None:
    body = b'{"model":"coder","messages":[],"tools":[{"name":"a", "name":"b"}]}'
    with pytest.raises(MalformedRequest, match=r"tools\.0 holds the key 'name' twice"):
        WIRE.read(body)


@pytest.mark.parametrize(
    "messages",
    [
        '[{"role":"user","content":"a","content":"b"}]',
        '[{"role":"user","content":[{"type":"text","text":"a","text":"b"}]}]',
        '[{"role":"user","content":[{"type":"tool_result","content":[{"text":"a","text":"b"}]}]}]',
        '[{"role":"assistant","content":[{"type":"tool_use","input":{"x":1,"x":2}}]}]',
    ],
)
def test_a_duplicate_in_a_message_is_refused_once_segments_are_read(messages: str) -> None:
    facts = WIRE.read(b'{"model":"coder","messages":' + messages.encode() + b"}").facts
    with pytest.raises(MalformedRequest, match="twice"):
        facts.read_segments()


def test_a_tool_is_known_by_its_name_else_by_its_type() -> None:
    tools = [{"name": "Read"}, {"type": "bash_20250124", "name": "bash"}, {"type": "mcp_toolset"}]
    assert read(tools=tools).facts.tool_names == ("Read", "bash", "mcp_toolset")


def test_every_kind_of_text_has_its_zone() -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "AAAA"},
        {"type": "redacted_thinking", "data": "opaque"},
        {"type": "tool_use", "id": "1", "name": "Read", "input": {"type": "x", "a": ["b"]}},
        {"type": "server_tool_use", "id": "2", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "2", "content": [{"title": "t"}]},
    ]
    results = [
        {"type": "tool_result", "tool_use_id": "1", "content": "plain"},
        {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "part"}]},
        {"type": "document", "source": {"type": "text", "data": "page"}, "title": "name"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        {"type": "image", "source": {"type": "url", "url": "https://x/secret"}},
    ]
    found = texts(
        system=[{"type": "text", "text": "rules", "cache_control": {"type": "ephemeral"}}],
        messages=[
            {"role": "system", "content": "more rules"},
            {"role": "assistant", "content": blocks},
            {"role": "user", "content": results},
        ],
    )
    assert found == {
        "system.0.text": (Zone.SYSTEM, "rules"),
        "messages.0.content": (Zone.SYSTEM, "more rules"),
        "messages.1.content.0.thinking": (Zone.ASSISTANT, "hm"),
        "messages.1.content.2.name": (Zone.TOOL_CALL, "Read"),
        "messages.1.content.2.input.type": (Zone.TOOL_CALL, "x"),
        "messages.1.content.2.input.a.0": (Zone.TOOL_CALL, "b"),
        "messages.1.content.3.name": (Zone.TOOL_CALL, "web_search"),
        "messages.1.content.3.input.query": (Zone.TOOL_CALL, "q"),
        "messages.1.content.4.content.0.title": (Zone.TOOL_RESULT, "t"),
        "messages.2.content.0.content": (Zone.TOOL_RESULT, "plain"),
        "messages.2.content.1.content.0.text": (Zone.TOOL_RESULT, "part"),
        "messages.2.content.2.source.data": (Zone.USER, "page"),
        "messages.2.content.2.title": (Zone.USER, "name"),
        "messages.2.content.4.source.url": (Zone.USER, "https://x/secret"),
    }


def test_only_the_model_is_edited_and_usage_is_never_asked_for() -> None:
    body = b'{ "messages":[], "stream":true, "model" : "coder" }'
    edited = WIRE.edit(WIRE.read(body), upstream_model="claude", ask_for_usage=True)
    assert edited.body == b'{ "messages":[], "stream":true, "model" : "claude" }'
    assert edited.edits == (Edit("model", "model_name", 7, 8),)
    assert not edited.asked_for_usage


def test_a_body_that_needs_no_edit_is_the_clients_own() -> None:
    reading = read()
    assert WIRE.edit(reading, upstream_model="coder", ask_for_usage=True).body is reading.body


def test_a_count_reads_the_same_body_but_never_streams() -> None:
    facts = COUNTING.read(body_with(stream=True, max_tokens=5)).facts
    assert (facts.operation, facts.streaming) == (Operation.COUNT_TOKENS, False)
    assert facts.input_tokens_estimate == read().facts.input_tokens_estimate


def test_a_count_is_phrased_as_the_sdk_reads_it() -> None:
    body = COUNTING.phrase_count(123)
    assert MessageTokensCount.model_validate_json(body, strict=True).input_tokens == 123
    with pytest.raises(NotImplementedError):
        WIRE.phrase_count(123)


DENIAL = Denial("model_access", "policy_denied", 'No.\nRule: "x"', "01AUDIT")


def test_a_denial_is_a_451_that_says_not_to_retry() -> None:
    answer = WIRE.phrase_denial(DENIAL, Assistant("claude-code", user_agent="claude-cli/2.1.329"))
    assert answer.status == 451
    assert answer.headers == (
        (b"content-type", b"application/json"),
        (b"x-should-retry", b"false"),
    )
    told = ErrorResponse.model_validate_json(answer.body)
    assert told.error == ForbiddenError(type="permission_error", message=DENIAL.message)
    assert told.request_id == "01AUDIT"


@pytest.mark.parametrize(
    "assistant",
    [
        Assistant("litellm", user_agent="litellm/1.81.10"),
        Assistant(user_agent="my-app LiteLLM/1.0"),
        Assistant("aider"),
        Assistant(user_agent="Aider/0.86"),
    ],
)
def test_a_denial_is_a_400_for_who_retries_a_451_for_ever(assistant: Assistant) -> None:
    answer = WIRE.phrase_denial(DENIAL, assistant)
    assert answer.status == 400
    assert json.loads(answer.body)["error"]["type"] == "permission_error"


def test_a_short_rate_limit_is_a_429_that_says_when() -> None:
    denial = Denial("rate", "rate_limited", "Slow down.", "01AUDIT", retry_after_seconds=7)
    answer = WIRE.phrase_denial(denial, Assistant("litellm"))
    assert (answer.status, dict(answer.headers)[b"retry-after"]) == (429, b"7")
    assert isinstance(ErrorResponse.model_validate_json(answer.body).error, RateLimitError)
    assert b"x-should-retry" not in dict(answer.headers)


@pytest.mark.parametrize(
    ("error", "status", "kind", "is_final"),
    [
        (MalformedRequest("m"), 400, InvalidRequestError, True),
        (NotAuthenticated("m", identity=CALLER), 401, AuthenticationError, True),
        (UpstreamFailed("m", status=404), 404, NotFoundError, True),
        (RequestTimedOut("m"), 408, GatewayTimeoutError, False),
        (UnsupportedMediaType("m"), 415, InvalidRequestError, True),
        (HeadersTooLarge("m"), 431, InvalidRequestError, True),
        (GatewayError("m"), 500, APIErrorObject, False),
        (UpstreamFailed("m"), 502, APIErrorObject, False),
        (LedgerUnavailable("m"), 503, OverloadedError, False),
        (UpstreamFailed("m", status=504), 504, GatewayTimeoutError, False),
        (UpstreamFailed("m", status=529), 529, OverloadedError, False),
        (UpstreamFailed("m", status=429), 429, RateLimitError, False),
    ],
)
def test_a_failure_has_anthropics_form(
    error: GatewayError, status: int, kind: type[Any], is_final: bool
) -> None:
    answer = WIRE.phrase_error(error, "01AUDIT")
    told = ErrorResponse.model_validate_json(answer.body)
    assert isinstance(told.error, kind)
    assert told.error.message == "m (audit id 01AUDIT)"
    assert (answer.status, told.request_id) == (status, "01AUDIT")
    assert (dict(answer.headers).get(b"x-should-retry") == b"false") is is_final


def test_a_body_that_is_too_large_has_its_own_type() -> None:
    answer = WIRE.phrase_error(RequestTooLarge("m"), "01AUDIT")
    assert answer.status == 413
    assert json.loads(answer.body)["error"]["type"] == "request_too_large"


def test_a_failure_that_passes_says_when_to_ask_again() -> None:
    answer = WIRE.phrase_error(ShuttingDown("m"), "01AUDIT")
    assert dict(answer.headers)[b"retry-after"] == b"2"


def test_a_cut_stream_ends_with_an_error_event_and_nothing_else() -> None:
    cut = WIRE.phrase_cut("upstream_stream_cut", "broke\n\nevent: message_stop", "01AUDIT")
    name, data, *rest = cut.split(b"\n")
    assert (name, rest) == (b"event: error", [b"", b""])
    told = ErrorResponse.model_validate_json(data.removeprefix(b"data: "))
    assert isinstance(told.error, APIErrorObject)
    assert "upstream_stream_cut" in told.error.message
    assert told.request_id == "01AUDIT"
