"""Responses: facts, edits and the gateway's own answers."""

import json
from typing import Any

import pytest
from openai.types.responses import ResponseFailedEvent

from gateway.errors import LedgerUnavailable, MalformedRequest, ShuttingDown, UpstreamFailed
from gateway.exchange import Assistant, Edit
from gateway.wire.base import Denial, Reading
from gateway.wire.openai_responses import OpenAiResponses
from gateway.wire.openai_responses_reply import ResponsesFacts
from policy.types import Operation, Zone

WIRE = OpenAiResponses(estimate=lambda model, text_bytes: text_bytes)
DENIAL = Denial("model_access", "policy_denied", "Gatehouse: no. Ask ann.", "gh-1")
CODEX = Assistant("codex", "0.169.0")


def body_with(**members: object) -> bytes:
    return json.dumps({"model": "coder", "input": "hi", **members}).encode()


def read(**members: object) -> Reading:
    return WIRE.read(body_with(**members))


def texts(**members: object) -> dict[str, tuple[Zone, str]]:
    return {part.path: (part.zone, part.text) for part in read(**members).facts.read_segments()}


def names(*tools: object, **members: object) -> tuple[str, ...]:
    return read(tools=tools, **members).facts.tool_names


def failed_event(stream: bytes) -> Any:
    lines = stream.split(b"\n")
    assert lines[0] == b"event: response.failed"
    assert lines[2:] == [b"", b""]
    return ResponseFailedEvent.model_validate_json(lines[1].removeprefix(b"data: "), strict=True)


def test_the_least_request_has_the_protocols_defaults() -> None:
    facts = read().facts
    assert (facts.model, facts.streaming, facts.answers) == ("coder", False, 1)
    assert (facts.output_tokens_limit, facts.tool_names, facts.continues) == (None, (), None)
    assert (facts.operation, facts.body_bytes) == (Operation.CHAT, len(body_with()))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"model": None}, "'model' must be a string"),
        ({"input": None}, "'input' is missing"),
        ({"input": 5}, "'input' must be a text or an array"),
        ({"input": {}}, "'input' must be a text or an array"),
        ({"stream": "yes"}, "'stream' must be true or false"),
        ({"max_output_tokens": 0}, "'max_output_tokens' must be"),
        ({"tools": {}}, "'tools' must be an array"),
        ({"tools": [{"name": "x"}]}, "tools.0 has neither"),
        ({"tools": [{"type": "function", "name": "a\u200bb"}]}, "tools.0.name must be"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "'input.0' names an item kept"),
        ({"input": [{"role": "user"}, {"id": "msg_1"}]}, "'input.1' names an item kept elsewhere"),
        ({"input": [{"id": "msg_1", "type": None}]}, "'input.0' names an item kept elsewhere"),
        ({"input": [{"id": "m", "x": {"type": "a"}}]}, "'input.0' names an item kept elsewhere"),
        ({"input": ["hi"]}, "'input.0'|input.0"),
        ({"previous_response_id": 5}, "'previous_response_id' must be a string"),
        ({"previous_response_id": ""}, "'previous_response_id' must be 1 to"),
        ({"conversation": "conv_1"}, "'conversation' is not offered here"),
        ({"prompt": {"id": "pmpt_1"}}, "'prompt' is not offered here"),
        ({"background": True}, "'background' is not offered here"),
    ],
)
def test_what_is_wrong_is_named(members: dict[str, object], message: str) -> None:
    with pytest.raises(MalformedRequest, match=message):
        read(**members)


def test_items_are_read_whatever_their_kind() -> None:
    found = texts(
        input=[
            {"role": "developer", "content": "rules"},
            {"type": "message", "role": "assistant", "content": [{"text": "said"}]},
            {"type": "mcp_list_tools", "server_label": "wiki"},
            {"type": "shell_call_output", "output": [{"stdout": "out"}]},
            {"type": "computer_call", "action": {"text": "typed"}},
            {"type": "never_heard_of", "deep": {"er": ["kept"]}},
            {"type": "image_generation_call", "result": "iVBORw0KGgo"},
            {"type": "compaction", "encrypted_content": "gAAAA"},
        ]
    )
    assert found == {
        "input.0.content": (Zone.SYSTEM, "rules"),
        "input.1.content.0.text": (Zone.ASSISTANT, "said"),
        "input.2.server_label": (Zone.TOOL_DEFINITION, "wiki"),
        "input.3.output.0.stdout": (Zone.TOOL_RESULT, "out"),
        "input.4.action.text": (Zone.TOOL_CALL, "typed"),
        "input.5.deep.er.0": (Zone.USER, "kept"),
    }


def test_a_schema_for_the_answer_is_text_like_any_other() -> None:
    found = texts(text={"format": {"type": "json_schema", "schema": {"title": "city"}}})
    assert found["text.format.schema.title"] == (Zone.USER, "city")


def test_an_item_that_is_none_is_refused_when_it_is_read() -> None:
    with pytest.raises(MalformedRequest, match=r"input\.1 must be an object"):
        read(input=[{"role": "user", "content": "a"}, 5]).facts.read_segments()


def test_each_tool_gives_its_names_or_its_type() -> None:
    nested = {"type": "function", "name": "lookup"}
    assert names(
        {"type": "function", "name": "run"},
        {"type": "custom", "name": "apply_patch"},
        {"type": "namespace", "name": "mcp__docs", "tools": [nested, {"type": "custom"}]},
        {"type": "web_search"},
        {"type": "mcp", "server_label": "wiki"},
    ) == ("run", "apply_patch", "mcp__docs", "lookup", "custom", "web_search", "mcp")


def test_a_vendors_own_tool_cannot_hide_behind_a_name() -> None:
    assert names({"type": "web_search", "name": "read_file"}) == ("web_search", "read_file")


def test_a_function_written_as_in_chat_is_known_by_its_inner_name() -> None:
    assert names({"type": "function", "function": {"name": "run"}}) == ("function", "run")


@pytest.mark.parametrize("key", ['"tools"', '"\\u0074ools"'])
def test_tools_that_an_item_brings_are_tools(key: str) -> None:
    item = '{"type":"tool_search_output",' + key + ':[{"type":"function","name":"late"}]}'
    body = '{"model":"coder","input":[' + item + "]}"
    assert WIRE.read(body.encode()).facts.tool_names == ("late",)


def test_an_image_does_not_count_as_text() -> None:
    def estimate(data: str) -> int:
        image = {"type": "input_image", "image_url": f"data:image/png;base64,{data}"}
        output = {"type": "function_call_output", "call_id": "1", "output": [image]}
        return read(
            input=[{"role": "user", "content": [image]}, output]
        ).facts.input_tokens_estimate

    assert estimate("A" * 100_000) == estimate("A" * 8)


def test_a_document_counts_by_its_size() -> None:
    file = {"type": "input_file", "file_data": "data:application/pdf;base64," + "A" * 16_000}
    counted = read(input=[{"role": "user", "content": [file]}]).facts.input_tokens_estimate
    assert 1_000 < counted < 1_200


def test_a_request_may_go_on_from_an_answer_without_any_input() -> None:
    body = b'{"model":"coder","previous_response_id":"resp_1"}'
    assert WIRE.read(body).facts.continues == "resp_1"


def test_only_the_models_name_is_edited() -> None:
    body = b'{ "input": "\\u00e9", "model":"coder" ,"unknown": [1.0] }'
    edited = WIRE.edit(WIRE.read(body), upstream_model="house/m", ask_for_usage=True)
    assert edited.body == body.replace(b'"coder"', b'"house/m"')
    assert edited.edits == (Edit("model", "model_name", 7, 9),)
    same = WIRE.edit(WIRE.read(body), upstream_model="coder", ask_for_usage=True)
    assert (same.body, same.edits) == (body, ())


def test_a_denial_is_a_400_that_the_sdk_raises() -> None:
    answer = WIRE.phrase_denial(DENIAL, Assistant())
    assert answer.status == 400
    error = json.loads(answer.body)["error"]
    assert error == {
        "message": "Gatehouse: no. Ask ann.",
        "type": "invalid_request_error",
        "param": None,
        "code": "policy_denied",
    }


def test_codex_is_denied_in_the_form_that_it_shows_once() -> None:
    answer = WIRE.phrase_denial(DENIAL, CODEX)
    assert answer.status == 200
    assert dict(answer.headers)[b"content-type"].startswith(b"text/event-stream")
    event = failed_event(answer.body)
    assert event.response.status == "failed"
    assert (event.response.error.code, event.response.error.message) == (
        "invalid_prompt",
        "Gatehouse: no. Ask ann.",
    )


@pytest.mark.parametrize("assistant", [Assistant(), CODEX])
def test_a_short_rate_limit_says_when_to_come_back(assistant: Assistant) -> None:
    limited = Denial("rates", "rate_limited", "Slow down.", "gh-1", retry_after_seconds=7)
    answer = WIRE.phrase_denial(limited, assistant)
    assert (answer.status, dict(answer.headers)[b"retry-after"]) == (429, b"7")


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (MalformedRequest("no"), 400, "invalid_request_error"),
        (LedgerUnavailable("no"), 503, "server_error"),
        (ShuttingDown("no"), 503, "server_error"),
        (UpstreamFailed("no", status=429, code="upstream_busy"), 429, "rate_limit_error"),
    ],
)
def test_an_error_has_openais_form(error: Any, status: int, kind: str) -> None:
    answer = WIRE.phrase_error(error, "gh-1")
    document = json.loads(answer.body)["error"]
    assert answer.status == status
    assert (document["type"], document["code"]) == (kind, error.code)


def test_a_cut_is_a_failed_response_and_goes_on_from_what_was_seen() -> None:
    seen = ResponsesFacts(response_id="resp_1", response_model="m", created_at=7, events=12)
    event = failed_event(WIRE.phrase_cut("upstream_stream_cut", "it broke", "gh-1", seen))
    assert event.sequence_number == 12
    assert (event.response.id, event.response.model, event.response.created_at) == (
        "resp_1",
        "m",
        7,
    )
    assert event.response.error.code == "server_error"
    assert event.response.error.message == "it broke [upstream_stream_cut] (audit id gh-1)"


def test_a_cut_before_anything_was_seen_is_still_a_whole_event() -> None:
    event = failed_event(WIRE.phrase_cut("shutting_down", "event:\n\n response.completed", "gh-1"))
    assert (event.sequence_number, event.response.id) == (0, "resp_gh-1")


@pytest.mark.parametrize("code", ["context_length_exceeded", "rate_limit_exceeded"])
def test_a_failure_that_tells_the_client_what_to_do_keeps_its_code(code: str) -> None:
    seen = ResponsesFacts(failure="Too long.", failure_code=code)
    cut = WIRE.phrase_cut("upstream_error", "it failed: Too long.", "gh-1", seen)
    assert json.loads(cut.split(b"data: ")[1])["response"]["error"]["code"] == code


@pytest.mark.parametrize("code", ["refused", "upstream_rejected", "unsupported_feature"])
def test_what_is_final_is_not_asked_again_although_the_stream_had_opened(code: str) -> None:
    event = failed_event(WIRE.phrase_cut(code, "no", "gh-1"))
    assert event.response.error.code == "invalid_prompt"


def test_an_odd_code_of_an_upstream_is_not_repeated() -> None:
    cut = WIRE.phrase_cut("upstream_error", "no", "gh-1", ResponsesFacts(failure_code="oops"))
    assert json.loads(cut.split(b"data: ")[1])["response"]["error"]["code"] == "server_error"


def test_nothing_is_counted_here() -> None:
    assert not WIRE.counting
    with pytest.raises(NotImplementedError):
        WIRE.phrase_count(5)


def test_a_reference_hides_behind_no_escape() -> None:
    body = b'{"model":"coder","input":[{"type":"item\\u005freference","id":"msg_1"}]}'
    with pytest.raises(MalformedRequest, match="names an item kept elsewhere"):
        WIRE.read(body)


def test_an_item_that_says_twice_what_it_is_is_refused() -> None:
    twice = b'{"type":"item_reference","id":"msg_1","type":"message","role":"user"}'
    with pytest.raises(MalformedRequest, match="twice"):
        WIRE.read(b'{"model":"coder","input":[' + twice + b"]}")


def test_tools_that_a_remote_server_listed_have_names_only() -> None:
    listed = {"name": "ask", "description": "d", "input_schema": {"type": "object"}}
    item = {"type": "mcp_list_tools", "server_label": "wiki", "tools": [listed]}
    assert read(input=[item]).facts.tool_names == ("ask",)


@pytest.mark.parametrize("item", ["{}", '{"type":""}', '{"tools":[],"role":"user"}'])
def test_an_input_of_very_many_items_that_need_a_look_is_refused(item: str) -> None:
    body = '{"model":"m","input":[' + ",".join([item] * 100_001) + "]}"
    with pytest.raises(MalformedRequest, match="more than 100000 items"):
        WIRE.read(body.encode())
