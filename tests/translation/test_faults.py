"""Cut streams, odd chunks, refusals and smuggled arguments, by the real LiteLLM."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.errors import (
    ProviderBusy,
    ProviderCredentials,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    ReplyCut,
    UnsupportedFeature,
)
from tests.fakes.translation import (
    CHAT,
    MESSAGES,
    ask,
    call,
    event,
    read_all,
    read_until_cut,
    target,
)
from tests.fakes.vendor import Ending, FakeVendor, TokenUsage, ToolCall
from tests.fakes.vendor_script import cut_by

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore"),  # LiteLLM's own, of every kind
]

KINDS = ("qwen", "deepseek", "moonshot", "zhipu", "openai", "anthropic")
WIRES = (CHAT, MESSAGES)


def looks_whole(data: bytes) -> bool:
    ends = (b'"finish_reason":"', b"[DONE]", b"message_delta", b"message_stop", b'"usage":{"prompt')
    return any(each in data for each in ends)


@pytest.mark.parametrize("ending", [Ending.CLEAN, Ending.CLOSE, Ending.INSIDE_CHUNK])
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_stream_that_breaks_off_never_looks_whole(sender, vendor, kind, wire, ending):
    vendor.calls_tool("read_file", {"path": "a.py"}, text="Let me")
    vendor.cuts_after(events=6, ending=ending)
    found, cut = await read_until_cut(sender, call(wire, target(kind, vendor.url), streaming=True))
    assert isinstance(cut, ReplyCut)
    assert cut.target == f"{kind}/m-1"
    assert not looks_whole(found)
    assert b"Let" in found


@pytest.mark.parametrize("kind", ["deepseek", "qwen"])
async def test_an_end_marker_alone_is_no_end(sender, vendor, kind):
    stream = event(
        id="c", created=5, model="m-1", choices=[{"index": 0, "delta": {"content": "x"}}]
    )
    vendor.answers(200, stream + b"data: [DONE]\n\n", content_type="text/event-stream")
    found, cut = await read_until_cut(sender, call(CHAT, target(kind, vendor.url), streaming=True))
    assert isinstance(cut, ReplyCut)
    assert not looks_whole(found)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", ["deepseek", "qwen", "anthropic"])
async def test_an_answer_is_whole_once_its_stop_reason_was_seen(sender, vendor, kind, wire):
    vendor.behaves(omits_end=True)
    told = await ask(sender, call(wire, target(kind, vendor.url), streaming=True))
    assert told.ended
    assert told.finish in ("stop", "end_turn")


@pytest.mark.parametrize("kind", ["deepseek", "qwen"])
async def test_a_stream_need_not_be_called_one(sender, vendor, kind):
    choices = [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}]
    stream = event(id="c", created=5, model="m-1", choices=choices)
    vendor.answers(200, stream + b"data: [DONE]\n\n", content_type="text/plain")
    told = await ask(sender, call(CHAT, target(kind, vendor.url), streaming=True))
    assert (told.text, told.finish) == ("x", "stop")


@pytest.mark.parametrize("body", [b"<html>hi</html>", b"", b"{}"])
@pytest.mark.parametrize("content_type", ["text/html", "application/json", "text/event-stream"])
async def test_a_stream_that_is_none_is_cut_at_its_start(sender, vendor, body, content_type):
    vendor.answers(200, body, content_type=content_type)
    found, cut = await read_until_cut(
        sender, call(CHAT, target("qwen", vendor.url), streaming=True)
    )
    assert found == b""
    assert isinstance(cut, ReplyCut | ProviderUnavailable)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", ["deepseek", "qwen", "anthropic"])
async def test_an_error_event_in_the_middle_is_a_cut(sender, vendor, kind, wire):
    vendor.behaves(error_event_at=4)
    found, cut = await read_until_cut(sender, call(wire, target(kind, vendor.url), streaming=True))
    assert isinstance(cut, ReplyCut)
    assert "overloaded" in cut.message
    assert not looks_whole(found)


@pytest.mark.parametrize("kind", ["deepseek", "qwen", "anthropic"])
async def test_silence_in_the_middle_is_a_timeout(impatient, vendor, kind):
    vendor.cuts_after(events=4, ending=Ending.STALL)
    _, cut = await read_until_cut(impatient, call(CHAT, target(kind, vendor.url), streaming=True))
    assert isinstance(cut, ProviderTimeout)


@pytest.mark.parametrize("kind", ["deepseek", "qwen", "anthropic"])
async def test_silence_before_the_answer_is_a_timeout(impatient, vendor, kind):
    vendor.behaves(silent=True)
    with pytest.raises(ProviderTimeout):
        await impatient.send(call(CHAT, target(kind, vendor.url)))


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("kind", ["deepseek", "qwen", "anthropic"])
@pytest.mark.parametrize(
    ("status", "kind_of_error"),
    [
        (400, ProviderRejected),
        (401, ProviderCredentials),
        (403, ProviderCredentials),
        (404, ProviderRejected),
        (413, ProviderRejected),
        (422, ProviderRejected),
        (429, ProviderBusy),
        (500, ProviderUnavailable),
        (503, ProviderUnavailable),
        (529, ProviderBusy),
    ],
)
async def test_a_refusal_is_told_by_its_status(
    sender, vendor, kind, streaming, status, kind_of_error
):
    vendor.fails(status, message="the vendor's words", retry_after="7")
    with pytest.raises(ProviderError) as caught:
        await sender.send(call(CHAT, target(kind, vendor.url), streaming=streaming))
    assert type(caught.value) is kind_of_error
    assert len(vendor.calls) == 1  # nobody below us asks again
    if isinstance(caught.value, ProviderBusy):
        assert caught.value.retry_after_seconds == 7.0
    if isinstance(caught.value, ProviderRejected):
        assert caught.value.status == status
        assert caught.value.same_protocol is False
        assert json.loads(caught.value.body)["error"]["message"] == "the vendor's words"


async def test_an_error_never_holds_the_key_a_trace_or_the_prompt(sender, vendor):
    vendor.answers(400, b"<html>Traceback</html>", content_type="text/html")
    secret = [{"role": "user", "content": "the secret prompt"}]
    with pytest.raises(ProviderRejected) as caught:
        await sender.send(call(CHAT, target("deepseek", vendor.url), messages=secret))
    told = f"{caught.value!r} {caught.value.message} {caught.value.body!r}"
    for forbidden in ("vendor-key", "Traceback", "secret prompt", "litellm"):
        assert forbidden not in told


@pytest.mark.parametrize("kind", ["deepseek", "qwen", "anthropic"])
@pytest.mark.parametrize("body", [b"<html>hi</html>", b"", b"[]", b"{}"])
async def test_an_answer_that_is_none_is_no_answer(sender, vendor, kind, body):
    vendor.answers(200, body)
    with pytest.raises(ProviderUnavailable):
        await sender.send(call(CHAT, target(kind, vendor.url)))


@pytest.mark.parametrize("kind", ["deepseek", "qwen"])
async def test_a_whole_answer_without_stop_reason_is_none(sender, vendor, kind):
    message = {"role": "assistant", "content": "half"}
    half = {"id": "c", "model": "m", "choices": [{"index": 0, "message": message}]}
    vendor.answers(200, json.dumps(half).encode())
    with pytest.raises(ProviderUnavailable, match="stop reason"):
        await sender.send(call(CHAT, target(kind, vendor.url)))


@pytest.mark.parametrize("kind", ["deepseek", "qwen", "anthropic"])
async def test_nobody_there_is_unavailable(sender, kind):
    with pytest.raises(ProviderUnavailable):
        await sender.send(call(CHAT, target(kind, "http://127.0.0.1:9")))


@pytest.mark.parametrize("kind", ["deepseek", "qwen", "anthropic"])
async def test_a_redirect_is_not_followed(sender, vendor, kind):
    other = (("location", "http://127.0.0.1:9/elsewhere"),)
    vendor.answers(302, b"", headers=other)
    with pytest.raises(ProviderUnavailable, match="302"):
        await sender.send(call(CHAT, target(kind, vendor.url)))


@pytest.mark.parametrize("kind", ["deepseek", "qwen", "anthropic"])
async def test_the_vendor_is_left_when_the_caller_leaves(sender, vendor, kind):
    vendor.says("so many words that it takes a while")
    vendor.holds(before_event=6)
    reply = await sender.send(call(MESSAGES, target(kind, vendor.url), streaming=True))
    await reply.body.read()
    await reply.body.aclose()
    await vendor.calls[-1].until_gone()


# Any chunking of the upstream's bytes.

ARGUMENTS = json.dumps({"path": 'a "b"\\ü\n.py', "content": "def f():\n    return '€'\n" * 3})


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", ["deepseek", "qwen", "anthropic"])
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=6))
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_chunking_keeps_every_argument_figure_and_stop_reason(sender, kind, wire, sizes):
    async with FakeVendor() as vendor:
        vendor.says("Wörter und 漢字.", reasoning="hm, so")
        vendor.behaves(tool_calls=(ToolCall("read_file", ARGUMENTS), ToolCall("read_file", "{}")))
        vendor.uses(TokenUsage(input=5, output=6, cache_read=7))
        vendor.chops(cut_by(sizes))
        told = await ask(sender, call(wire, target(kind, vendor.url), streaming=True))
    assert (told.text, told.reasoning) == ("Wörter und 漢字.", "hm, so")
    assert [each["arguments"] for each in told.calls] == [ARGUMENTS, "{}"]
    assert told.finish == ("tool_calls" if wire is CHAT else "tool_use")
    figures = {name: told.usage.get(name) for name in ("prompt_tokens", "input_tokens")}
    assert figures == {
        "prompt_tokens": 12 if wire is CHAT else None,
        "input_tokens": None if wire is CHAT else 5,
    }


@pytest.mark.parametrize("kind", ["deepseek", "qwen"])
async def test_a_stream_byte_by_byte_is_the_same(sender, vendor, kind):
    vendor.behaves(tool_calls=(ToolCall("read_file", ARGUMENTS),))
    whole = await ask(sender, call(MESSAGES, target(kind, vendor.url), streaming=True))
    vendor.chops(cut_by([1]))
    single = await ask(sender, call(MESSAGES, target(kind, vendor.url), streaming=True))
    assert (single.calls, single.text, single.usage) == (whole.calls, whole.text, whole.usage)


TRICKY = {
    "the end marker as text": ("a ", "[DONE]", " \ndata: [DONE]\n", "\\[DONE]"),
    "equal pieces": ("----",) * 150,
    "white space": ("a", " ", "\n", "\n\n", "\t", "b"),
    "special tokens": ("<|", "im_end", "|>", "</s>", "<think>", "x", "</think>", "y"),
    "separators": ("a\u2028b", "\u0085", "\x0b", "c\r\nd", "\x1c", "\x00"),
}


@pytest.mark.parametrize("name", TRICKY)
@pytest.mark.parametrize("kind", ["deepseek", "qwen", "anthropic"])
async def test_text_that_litellm_stumbles_over_arrives(sender, vendor, kind, name):
    vendor.says(pieces=TRICKY[name])
    told = await ask(sender, call(MESSAGES, target(kind, vendor.url), streaming=True))
    assert told.text == "".join(TRICKY[name])
    assert told.ended


@pytest.mark.parametrize("kind", ["deepseek", "qwen", "anthropic"])
async def test_arguments_that_name_the_end_marker_arrive(sender, vendor, kind):
    wanted = {"path": "[DONE]", "content": "data: [DONE]\n\n"}
    vendor.behaves(tool_calls=(ToolCall("read_file", wanted),))
    told = await ask(sender, call(CHAT, target(kind, vendor.url), streaming=True))
    assert json.loads(told.calls[0]["arguments"]) == wanted


async def test_a_document_that_opens_with_think_tags_is_told_as_reasoning(sender, vendor):
    """LiteLLM takes them for an engine's reasoning; in a stream it leaves them in the text."""
    vendor.says("<think>hm</think>Yes.")
    told = await ask(sender, call(CHAT, target("qwen", vendor.url)))
    assert (told.reasoning, told.text) == ("hm", "Yes.")


async def test_interleaved_parallel_calls_keep_their_arguments(sender, vendor):
    def part(index: int, **call_part: Any) -> bytes:
        delta = {"tool_calls": [{"index": index, **call_part}]}
        choices = [{"index": 0, "delta": delta, "finish_reason": None}]
        return event(id="c", created=5, model="m-1", choices=choices)

    def opening(index: int) -> bytes:
        function = {"name": "read_file", "arguments": ""}
        return part(index, id=f"call_{index}", type="function", function=function)

    pieces = [opening(0), opening(1)]
    for text in ('{"path": ', '"x"}'):
        pieces += [part(at, function={"arguments": text}) for at in (1, 0)]
    last = [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]
    pieces += [event(id="c", created=5, model="m-1", choices=last), b"data: [DONE]\n\n"]
    vendor.answers(200, b"".join(pieces), content_type="text/event-stream")
    for wire in WIRES:
        told = await ask(sender, call(wire, target("deepseek", vendor.url), streaming=True))
        assert [each["arguments"] for each in told.calls] == ['{"path": "x"}'] * 2


# Nothing of a body becomes an argument of the SDK (S9).

CONTROLS: dict[str, Any] = {
    "api_base": "http://127.0.0.1:9",
    "base_url": "http://127.0.0.1:9",
    "api_key": "stolen",
    "api_version": "x",
    "headers": {"x-evil": "1"},
    "extra_headers": {"x-evil": "1"},
    "extra_body": {"evil": 1},
    "extra_query": {"evil": "1"},
    "default_headers": {"x-evil": "1"},
    "organization": "evil",
    "model_list": [{"model_name": "m", "litellm_params": {"model": "evil"}}],
    "litellm_params": {"api_base": "http://127.0.0.1:9"},
    "litellm_embedding_config": {"api_base": "http://127.0.0.1:9"},
    "metadata": {"evil": 1},
    "litellm_metadata": {"evil": 1},
    "mock_response": "evil",
    "mock_tool_calls": [],
    "fallbacks": ["openai/evil"],
    "context_window_fallback_dict": {"m": "evil"},
    "custom_llm_provider": "evil",
    "client": "evil",
    "timeout": 0.0001,
    "num_retries": 5,
    "max_retries": 5,
    "drop_params": True,
    "additional_drop_params": ["tools"],
    "allowed_openai_params": ["evil"],
    "provider_specific_header": {"x": 1},
    "cache": {"no-cache": True},
    "caching": True,
    "no-log": True,
    "logger_fn": "evil",
    "hooks": "evil",
    "tenant_id": "evil",
    "aws_region_name": "evil",
    "vertex_credentials": "/etc/passwd",
    "user_continue_message": {"role": "user", "content": "evil"},
    "ensure_alternating_roles": True,
    "prompt_id": "evil",
    "input_cost_per_token": 1,
    "shared_session": "evil",
    "enable_json_schema_validation": True,
    "deployment_id": "evil",
    "functions_unsupported_model": "evil",
    "thinking_blocks": [],
}


@pytest.mark.parametrize("kind", ["deepseek", "qwen", "anthropic", "in_house:openai_chat"])
@pytest.mark.parametrize("wire", WIRES)
async def test_no_control_argument_comes_from_a_body(sender, kind, wire):
    key = None if kind.startswith("in_house") else "vendor-key"
    async with FakeVendor(key=key) as vendor:
        told = await ask(sender, call(wire, target(kind, vendor.url), **CONTROLS))
        sent, fields = vendor.calls[-1].body, vendor.calls[-1].json()
    assert vendor.refusals == []
    assert len(vendor.calls) == 1
    assert told.text == "Hello from the stand-in."
    assert b"evil" not in sent
    assert b"stolen" not in sent
    assert not fields.keys() & CONTROLS.keys()
    assert all("evil" not in name for name, _ in vendor.calls[-1].headers)


@pytest.mark.parametrize("wire", WIRES)
async def test_no_control_argument_comes_from_inside_a_body(sender, vendor, wire):
    nested = {**CONTROLS, "evil": "evil"}
    content = [{"type": "text", "text": "Hi", **nested}]
    tool: dict[str, Any] = {"name": "read_file", "input_schema": {"type": "object"}, **nested}
    if wire is CHAT:
        function = {"name": "read_file", "parameters": {"type": "object"}, **nested}
        tool = {"type": "function", "function": function, **nested}
    wanted = call(
        wire,
        target("qwen", vendor.url),
        messages=[{"role": "user", "content": content, **nested}],
        tools=[tool],
        thinking={"type": "enabled", "budget_tokens": 5, **nested},
    )
    await read_all(await sender.send(wanted))
    assert vendor.refusals == []
    for forbidden in (b"evil", b"stolen", b"127.0.0.1:9", b"passwd"):
        assert forbidden not in vendor.calls[-1].body


@pytest.mark.parametrize("depth", [150, 400])
@pytest.mark.parametrize("wire", WIRES)
async def test_a_request_nested_too_deeply_is_refused(sender, vendor, wire, depth):
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    tool: dict[str, Any] = {"name": "f", "input_schema": schema}
    if wire is CHAT:
        tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    with pytest.raises((UnsupportedFeature, ProviderRejected)):
        await sender.send(call(wire, target("deepseek", vendor.url), tools=[tool]))
    assert vendor.calls == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"[" * 100_000, b'{"messages": NaN}'])
async def test_a_body_that_is_no_object_is_rejected(sender, body):
    wanted = call(CHAT, target("qwen", "http://127.0.0.1:9"))
    with pytest.raises(ProviderRejected) as caught:
        await sender.send(msgspec.structs.replace(wanted, body=body))
    assert caught.value.status == 400


@pytest.mark.parametrize("wire", WIRES)
async def test_tokens_are_not_counted_here(sender, wire):
    wanted = call(wire, target("qwen", "http://127.0.0.1:9"))
    with pytest.raises(UnsupportedFeature):
        await sender.send(msgspec.structs.replace(wanted, counting=True))


async def test_what_litellm_makes_up_is_still_what_we_know_of(vendor, sender):
    """When this fails, LiteLLM has changed: look whether our own checks may go."""
    vendor.uses(None)
    vendor.cuts_after(events=3, ending=Ending.CLEAN)
    reply = await sender.send(call(CHAT, target("deepseek", vendor.url), streaming=True))
    chunks = [each async for each in reply.body._chunks]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["prompt_tokens"] > 0
