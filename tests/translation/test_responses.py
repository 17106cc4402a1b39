"""A client of OpenAI's responses, answered by upstreams that speak something else."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.errors import ProviderBusy, ProviderRejected, ReplyCut, UnsupportedFeature
from providers.translated import DROPPED_HEADER
from tests.fakes.translation import (
    RESPONSES,
    ask,
    call,
    event,
    read_all,
    target,
    understand,
)
from tests.fakes.vendor import Ending, FakeVendor, TokenUsage, ToolCall

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore"),  # LiteLLM's own, of every kind
]

CHAT_UPSTREAMS = ("qwen", "deepseek", "moonshot", "zhipu", "openai")
CALLS = (ToolCall("read_file", {"path": "a b.py"}), ToolCall("read_file", {"path": "ü.py"}))
USAGE = TokenUsage(input=10, output=7, cache_read=30, reasoning=2)
PATCH = {"type": "custom", "name": "apply_patch", "description": "Edits."}
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object"}}
DOCS = {"type": "namespace", "name": "mcp__docs", "description": "Pages.", "tools": [LOOK]}
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64," + "QUJD" * 30}


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("kind", CHAT_UPSTREAMS)
async def test_tools_usage_and_reasoning_survive_on_the_road_to(sender, vendor, kind, streaming):
    vendor.says("Let me look.", reasoning="Which file?")
    vendor.behaves(tool_calls=CALLS)
    vendor.uses(USAGE)

    told = await ask(sender, call(RESPONSES, target(kind, vendor.url), streaming=streaming))

    assert vendor.refusals == []
    assert (told.text, told.reasoning, told.finish) == ("Let me look.", "Which file?", "completed")
    assert [each["id"] for each in told.calls] == ["call_0", "call_1"]
    written = [json.loads(each["arguments"]) for each in told.calls]
    assert written == [{"path": "a b.py"}, {"path": "ü.py"}]
    assert (told.model, told.reply_id[:5]) == ("m-1", "resp_")
    assert (told.usage["input_tokens"], told.usage["output_tokens"]) == (40, 7)
    assert told.usage["input_tokens_details"]["cached_tokens"] == 30
    assert told.usage["output_tokens_details"]["reasoning_tokens"] == 2


async def test_the_request_leaves_as_a_chat_request(sender, vendor):
    await ask(sender, call(RESPONSES, target("qwen", vendor.url), streaming=True))
    body = vendor.calls[-1].json()
    assert vendor.calls[-1].path == "/v1/chat/completions"
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]
    assert (body["model"], body["max_tokens"]) == ("m-1", 9)
    assert body["tools"][0]["function"]["name"] == "read_file"


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("wire", ["openai_chat", "anthropic_messages"])
async def test_an_engine_of_the_house_serves_whatever_it_speaks(sender, engine, wire, streaming):
    engine.says("Let me look.", reasoning="Which file?")
    engine.behaves(tool_calls=CALLS)
    to = target(f"in_house:{wire}", engine.url)
    told = await ask(sender, call(RESPONSES, to, streaming=streaming))
    assert engine.refusals == []
    assert (told.text, told.reasoning, len(told.calls)) == ("Let me look.", "Which file?", 2)


async def test_anthropic_is_not_asked_to_think_and_is_shown_the_results(sender, vendor):
    history = [
        {"role": "user", "content": "Hi"},
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"},
        {"type": "function_call", "call_id": "1", "name": "read_file", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": [IMAGE]},
    ]
    wanted = call(
        RESPONSES,
        target("anthropic", vendor.url),
        input=history,
        reasoning={"effort": "high"},
    )
    reply = await sender.send(wanted)
    body = vendor.calls[-1].json()
    assert vendor.refusals == []
    assert "thinking" not in body
    assert b"QUJD" * 30 in vendor.calls[-1].body
    assert body["messages"][1]["content"][0]["type"] == "tool_use"
    dropped = dict(reply.headers)[DROPPED_HEADER].decode().split(",")
    assert {"reasoning.effort", "input.reasoning"} <= set(dropped)
    assert b"gAAAA" not in vendor.calls[-1].body


@pytest.mark.parametrize("streaming", [False, True])
async def test_plain_tools_and_namespaces_come_back_as_they_were(sender, vendor, streaming):
    vendor.calls_tools(
        ToolCall("apply_patch", {"input": "*** Begin Patch"}), ToolCall("mcp__docs__look", {})
    )
    wanted = call(RESPONSES, target("qwen", vendor.url), streaming=streaming, tools=[PATCH, DOCS])
    data = await read_all(await sender.send(wanted))
    understand(RESPONSES, data, streaming=streaming)
    offered = [each["function"]["name"] for each in vendor.calls[-1].json()["tools"]]
    assert offered == ["apply_patch", "mcp__docs__look"]
    document = json.loads(data.strip().split(b"data: ")[-1])
    patched, looked = (document["response"] if streaming else document)["output"]
    assert (patched["type"], patched["input"]) == ("custom_tool_call", "*** Begin Patch")
    assert (looked["namespace"], looked["name"]) == ("mcp__docs", "look")


@pytest.mark.parametrize(
    ("kind", "finish", "expected"),
    [
        ("deepseek", "length", "max_output_tokens"),
        ("qwen", "content_filter", "content_filter"),
        ("qwen", "stop", "completed"),
        ("anthropic", "max_tokens", "max_output_tokens"),
        ("anthropic", "refusal", "content_filter"),
        ("anthropic", "stop_sequence", "completed"),
    ],
)
async def test_stop_reasons_are_carried_over(sender, vendor, kind, finish, expected):
    vendor.says("words", finish=finish)
    to = target(kind, vendor.url)
    told = [await ask(sender, call(RESPONSES, to, streaming=each)) for each in (False, True)]
    assert [each.finish for each in told] == [expected, expected]


@pytest.mark.parametrize("streaming", [False, True])
async def test_usage_that_the_vendor_did_not_send_is_not_made_up(sender, vendor, streaming):
    vendor.uses(None)
    told = await ask(sender, call(RESPONSES, target("qwen", vendor.url), streaming=streaming))
    assert told.usage is None


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("tools", [{"type": "web_search"}], "tools.0.type: web_search is a tool"),
        ("previous_response_id", "resp_1", "previous_response_id: .* send the whole conversation"),
        ("input", [{"type": "compaction", "encrypted_content": "x"}], "input.0.type"),
    ],
)
async def test_what_would_change_tools_or_the_conversation_is_refused_by_name(
    sender, vendor, field, value, named
):
    with pytest.raises(UnsupportedFeature, match=named) as caught:
        await sender.send(call(RESPONSES, target("qwen", vendor.url), **{field: value}))
    assert caught.value.target == "qwen/m-1"
    assert vendor.calls == []


async def test_a_tool_that_the_configuration_lets_go_is_left_out_and_named(sender, vendor):
    to = target("qwen", vendor.url)
    to = replace(to, vendor=replace(to.vendor, may_drop_tools=frozenset({"web_search"})))
    reply = await sender.send(call(RESPONSES, to, tools=[LOOK, {"type": "web_search"}]))
    assert b"tools.web_search" in dict(reply.headers)[DROPPED_HEADER]
    assert len(vendor.calls[-1].json()["tools"]) == 1


# What breaks, and what is cut anyhow.


def looks_whole(data: bytes) -> bool:
    ends = (b"response.completed", b"response.incomplete", b'"status":"completed"')
    return any(each in data for each in (*ends, b"arguments.done", b"tool_call_input.done"))


async def read_until_cut(sender: Any, wanted: Any) -> bytes:
    found: list[bytes] = []

    async def read() -> None:
        reply = await sender.send(wanted)
        while data := await reply.body.read():
            found.append(data)

    with pytest.raises(ReplyCut):
        await read()
    return b"".join(found)


@pytest.mark.parametrize("ending", [Ending.CLEAN, Ending.CLOSE, Ending.INSIDE_CHUNK])
@pytest.mark.parametrize("kind", ["qwen", "deepseek", "anthropic"])
async def test_a_call_that_breaks_off_is_never_done(sender, vendor, kind, ending):
    vendor.calls_tool("read_file", {"path": "a.py"})
    vendor.cuts_after(events=5, ending=ending)
    found = await read_until_cut(sender, call(RESPONSES, target(kind, vendor.url), streaming=True))
    assert b"function_call_arguments.delta" in found
    assert not looks_whole(found)


async def test_an_error_event_in_the_middle_is_a_cut(sender, vendor):
    vendor.behaves(error_event_at=4)
    found = await read_until_cut(
        sender, call(RESPONSES, target("qwen", vendor.url), streaming=True)
    )
    assert not looks_whole(found)


@pytest.mark.parametrize(("status", "kind"), [(400, ProviderRejected), (429, ProviderBusy)])
async def test_a_refusal_is_told_by_its_status(sender, vendor, status, kind):
    vendor.fails(status, message="no such model")
    with pytest.raises(kind):
        await sender.send(call(RESPONSES, target("qwen", vendor.url)))


async def events_in_pieces(sender: Any, vendor: FakeVendor, chop: Any) -> bytes:
    vendor.chops(chop)
    wanted = call(RESPONSES, target("deepseek", vendor.url), streaming=True)
    return await read_all(await sender.send(wanted))


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event(id="c", created=5, model="m-1", choices=[choice])


COMPACT = (
    chunk({"content": "ü☀"})
    + chunk({"tool_calls": [{"index": 0, "id": "1", "function": {"name": "f", "arguments": "{"}}]})
    + chunk({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}, "tool_calls")
    + b"data: [DONE]\n\n"
)


async def test_a_stream_split_at_any_byte_gives_the_same_events(sender, vendor):
    vendor.answers(200, COMPACT, content_type="text/event-stream")
    whole = await events_in_pieces(sender, vendor, lambda data: [data])
    assert understand(RESPONSES, whole, streaming=True).calls[0]["arguments"] == "{}"
    for at in range(1, len(COMPACT)):
        split = await events_in_pieces(sender, vendor, lambda data, at=at: [data[:at], data[at:]])
        assert split == whole, at


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=200))
async def test_any_chunking_gives_the_same_response(sender, sizes):
    def chop(data: bytes) -> list[bytes]:
        found, at = [], 0
        for size in sizes:
            found.append(data[at : at + size])
            at += size
        return [each for each in (*found, data[at:]) if each]

    async with FakeVendor() as vendor:
        vendor.says("Let me look at ü.", reasoning="Hm, hm.")
        vendor.behaves(tool_calls=CALLS)
        told = understand(RESPONSES, await events_in_pieces(sender, vendor, chop), streaming=True)
    assert (told.text, told.reasoning) == ("Let me look at ü.", "Hm, hm.")
    assert [json.loads(each["arguments"]) for each in told.calls] == [
        {"path": "a b.py"},
        {"path": "ü.py"},
    ]
