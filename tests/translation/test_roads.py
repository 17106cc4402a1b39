"""Each vendor that LiteLLM reaches, on both wires, by the real LiteLLM, to strict stand-ins."""

import json
from typing import Any

import pytest

from providers.errors import UnsupportedFeature
from providers.translated import DROPPED_HEADER
from tests.fakes.translation import CHAT, MESSAGES, RESPONSES, ask, call, event, read_all, target
from tests.fakes.vendor import TokenUsage, ToolCall

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore"),  # LiteLLM's own, of every kind
]

CHINESE = ("qwen", "deepseek", "moonshot", "zhipu")
CHAT_UPSTREAMS = (*CHINESE, "openai")
USAGE = TokenUsage(input=10, output=7, cache_read=30, reasoning=2)
CALLS = (ToolCall("read_file", {"path": "a b.py"}), ToolCall("read_file", {"path": "ü.py"}))


def arguments(told: Any) -> list[Any]:
    return [json.loads(each["arguments"]) for each in told.calls]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("wire", [CHAT, MESSAGES])
@pytest.mark.parametrize("kind", CHAT_UPSTREAMS)
async def test_tools_usage_and_reasoning_survive_on_the_road_to(
    sender, vendor, kind, wire, streaming
):
    vendor.says("Let me look.", reasoning="Which file?")
    vendor.behaves(tool_calls=CALLS)
    vendor.uses(USAGE)

    told = await ask(sender, call(wire, target(kind, vendor.url), streaming=streaming))

    assert vendor.refusals == []
    assert told.text == "Let me look."
    assert told.reasoning == "Which file?"
    assert [each["id"] for each in told.calls] == ["call_0", "call_1"]
    assert arguments(told) == [{"path": "a b.py"}, {"path": "ü.py"}]
    assert told.finish == ("tool_calls" if wire is CHAT else "tool_use")
    assert told.ended
    assert told.model == "m-1"
    if wire is CHAT:
        assert told.usage["prompt_tokens"] == 40
        assert told.usage["prompt_tokens_details"]["cached_tokens"] == 30
        assert told.usage["completion_tokens"] == 7
        assert told.usage["completion_tokens_details"]["reasoning_tokens"] == 2
    else:
        assert told.usage["input_tokens"] == 10
        assert told.usage["cache_read_input_tokens"] == 30
        assert told.usage["output_tokens"] == 7


@pytest.mark.parametrize("wire", [CHAT, MESSAGES])
@pytest.mark.parametrize("kind", CHINESE)
async def test_the_request_has_the_vendors_path_key_and_fields_on_the_road_to(
    sender, vendor, kind, wire
):
    await ask(sender, call(wire, target(kind, vendor.url), streaming=True, temperature=0.5))

    seen = vendor.calls[-1]
    assert seen.path == "/v1/chat/completions"
    assert seen.header("authorization") == "Bearer vendor-key"
    body = seen.json()
    assert body["model"] == "m-1"
    assert body["max_tokens"] == 9
    assert body["temperature"] == 0.5
    assert body["stream_options"] == {"include_usage": True}
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]
    assert body["tools"][0]["function"]["name"] == "read_file"


async def test_only_listed_headers_leave(sender, vendor):
    await ask(sender, call(CHAT, target("qwen", vendor.url)))
    assert {name for name, _ in vendor.calls[-1].headers} == {
        "host",
        "accept",
        "accept-encoding",
        "authorization",
        "content-length",
        "content-type",
        "user-agent",
    }
    assert vendor.calls[-1].header("user-agent") == "gatehouse"
    assert vendor.calls[-1].header("accept-encoding") == "identity"


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("wire", [CHAT, MESSAGES])
async def test_an_engine_that_speaks_only_messages_serves(sender, engine, wire, streaming):
    engine.says("Let me look.", reasoning="Which file?")
    engine.behaves(tool_calls=CALLS)
    engine.uses(TokenUsage(input=10, output=7, cache_read=30, cache_write_5m=4, cache_write_1h=1))
    to = target("in_house:anthropic_messages", engine.url)

    told = await ask(sender, call(wire, to, streaming=streaming))

    assert engine.refusals == []
    assert engine.calls[-1].path == "/v1/messages"
    assert engine.calls[-1].header("x-api-key") is None
    assert engine.calls[-1].header("authorization") is None
    assert (told.text, told.reasoning) == ("Let me look.", "Which file?")
    assert arguments(told) == [{"path": "a b.py"}, {"path": "ü.py"}]
    assert told.finish == ("tool_calls" if wire is CHAT else "tool_use")
    if wire is CHAT:
        assert told.usage["prompt_tokens"] == 45
        assert told.usage["prompt_tokens_details"]["cached_tokens"] == 30
        assert told.usage["prompt_tokens_details"]["cache_creation_tokens"] == 5
        assert "completion_tokens_details" not in told.usage  # LiteLLM's own estimate
    else:
        assert told.usage["input_tokens"] == 10
        assert told.usage["cache_read_input_tokens"] == 30
        assert told.usage["cache_creation_input_tokens"] == 5
        assert told.usage["cache_creation"]["ephemeral_1h_input_tokens"] == 1
        assert told.signature


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("wire", [CHAT, MESSAGES])
async def test_an_engine_that_speaks_only_chat_serves(sender, engine, wire, streaming):
    engine.calls_tools(*CALLS)
    told = await ask(
        sender, call(wire, target("in_house:openai_chat", engine.url), streaming=streaming)
    )
    assert engine.refusals == []
    assert engine.calls[-1].path == "/v1/chat/completions"
    assert engine.calls[-1].header("authorization") is None
    assert arguments(told) == [{"path": "a b.py"}, {"path": "ü.py"}]


async def test_anthropic_gets_its_own_key_header_and_version(sender, vendor):
    await ask(sender, call(CHAT, target("anthropic", vendor.url)))
    seen = vendor.calls[-1]
    assert seen.path == "/v1/messages"
    assert seen.header("x-api-key") == "vendor-key"
    assert seen.header("anthropic-version") == "2023-06-01"
    assert seen.json()["max_tokens"] == 9


@pytest.mark.parametrize(
    ("kind", "finish", "wire", "expected"),
    [
        ("deepseek", "length", CHAT, "length"),
        ("deepseek", "length", MESSAGES, "max_tokens"),
        ("qwen", "content_filter", MESSAGES, "refusal"),
        ("qwen", "stop", MESSAGES, "end_turn"),
        ("anthropic", "max_tokens", CHAT, "length"),
        ("anthropic", "refusal", CHAT, "content_filter"),
        ("anthropic", "pause_turn", MESSAGES, "pause_turn"),
    ],
)
async def test_stop_reasons_are_carried_over(sender, vendor, kind, finish, wire, expected):
    vendor.says("words", finish=finish)
    to = target(kind, vendor.url)
    told = [await ask(sender, call(wire, to, streaming=each)) for each in (False, True)]
    assert [each.finish for each in told] == [expected, expected]


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **more.pop("choice", {})}
    return event(
        id="c", object="chat.completion.chunk", created=5, model="m-1", choices=[choice], **more
    )


FIGURES = {"prompt_tokens": 40, "completion_tokens": 7, "total_tokens": 47}
DIALECTS = {
    "deepseek": [
        chunk({"role": "assistant", "content": "Hi"}),
        chunk(
            {"content": ""},
            "stop",
            usage={**FIGURES, "prompt_cache_hit_tokens": 30, "prompt_cache_miss_tokens": 10},
        ),
    ],
    "moonshot": [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hi"}),
        chunk({}, "stop", choice={"usage": {**FIGURES, "cached_tokens": 30}}),
    ],
    "zhipu": [
        chunk({"role": "assistant", "content": "Hi"}),
        chunk(
            {"role": "assistant", "content": ""},
            "stop",
            usage={**FIGURES, "prompt_tokens_details": {"cached_tokens": 30}},
        ),
    ],
    "qwen": [
        chunk({"role": "assistant", "content": "Hi"}),
        chunk({"content": ""}, "stop"),
        event(
            id="c",
            object="chat.completion.chunk",
            created=5,
            model="m-1",
            choices=[],
            usage={**FIGURES, "prompt_tokens_details": {"cached_tokens": 30}},
        ),
    ],
}


@pytest.mark.parametrize("wire", [CHAT, MESSAGES])
@pytest.mark.parametrize("kind", CHINESE)
async def test_usage_is_found_where_this_vendor_puts_it(sender, vendor, kind, wire):
    stream = b"".join(DIALECTS[kind]) + b"data: [DONE]\n\n"
    vendor.answers(200, stream, content_type="text/event-stream")
    told = await ask(sender, call(wire, target(kind, vendor.url), streaming=True))
    assert told.text == "Hi"
    if wire is CHAT:
        assert (told.usage["prompt_tokens"], told.usage["completion_tokens"]) == (40, 7)
        assert told.usage["prompt_tokens_details"]["cached_tokens"] == 30
    else:
        assert (told.usage["input_tokens"], told.usage["output_tokens"]) == (10, 7)
        assert told.usage["cache_read_input_tokens"] == 30


@pytest.mark.parametrize("wire", [CHAT, MESSAGES, RESPONSES])
async def test_the_tier_that_the_vendor_tells_is_told_on(sender, vendor, wire):
    to = target("openai", vendor.url)
    said = chunk({"role": "assistant", "content": "Hi"}, service_tier="auto")
    end = chunk({}, "stop", service_tier="flex", usage=FIGURES)
    vendor.answers(200, said + end + b"data: [DONE]\n\n", content_type="text/event-stream")
    streamed = await read_all(await sender.send(call(wire, to, streaming=True)))
    assert b'"service_tier":"flex"' in streamed

    message = {"role": "assistant", "content": "Hi"}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    whole = {"id": "c", "model": "m-1", "choices": choices, "usage": FIGURES}
    body = json.dumps({**whole, "service_tier": "flex"}).encode()
    vendor.answers(200, body, content_type="application/json")
    assert b'"service_tier":"flex"' in await read_all(await sender.send(call(wire, to)))


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("kind", CHAT_UPSTREAMS)
async def test_usage_that_the_vendor_did_not_send_is_not_made_up(sender, vendor, kind, streaming):
    vendor.uses(None)
    to = target(kind, vendor.url)
    assert (await ask(sender, call(CHAT, to, streaming=streaming))).usage is None
    missing = {"input_tokens": 0, "output_tokens": 0, "gatehouse_missing": True}
    assert (await ask(sender, call(MESSAGES, to, streaming=streaming))).usage == missing


async def test_usage_nobody_asked_for_is_not_told(sender, vendor):
    wanted = call(CHAT, target("qwen", vendor.url), streaming=True, stream_options=None)
    assert b'"usage"' not in await read_all(await sender.send(wanted))


# What is lost, and said to be lost (architecture notes, table of section 3).


async def test_fields_that_cannot_come_along_are_named(sender, vendor):
    wanted = call(
        MESSAGES,
        target("deepseek", vendor.url),
        top_k=5,
        metadata={"user_id": "u"},
        some_beta=1,
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    )
    reply = await sender.send(wanted)
    dropped = dict(reply.headers)[DROPPED_HEADER].decode().split(",")
    assert sorted(dropped) == ["cache_control", "metadata", "some_beta", "top_k"]
    assert await read_all(reply)
    assert vendor.refusals == []


async def test_messages_to_openai_leave_as_chat_with_their_own_limit(sender, vendor):
    await ask(sender, call(MESSAGES, target("openai", vendor.url)))
    assert vendor.calls[-1].path == "/v1/chat/completions"
    assert vendor.calls[-1].json()["max_tokens"] == 9


@pytest.mark.parametrize(
    ("kind", "wire", "field", "value"),
    [
        ("anthropic", CHAT, "logit_bias", {"5": 1}),
        ("anthropic", CHAT, "n", 2),
        ("zhipu", CHAT, "response_format", {"type": "json_object"}),
        ("zhipu", CHAT, "parallel_tool_calls", False),
        ("zhipu", CHAT, "n", 2),
        ("zhipu", MESSAGES, "output_format", {"type": "json_schema", "schema": {"type": "object"}}),
        ("qwen", CHAT, "functions", [{"name": "f"}]),
        ("qwen", CHAT, "tools", [{"type": "custom", "custom": {"name": "f"}}]),
        ("qwen", CHAT, "audio", {"voice": "x"}),
        ("qwen", MESSAGES, "tools", [{"type": "web_search_20250305", "name": "web_search"}]),
        ("qwen", MESSAGES, "mcp_servers", [{"url": "https://example.com"}]),
    ],
)
async def test_what_changes_tools_safety_or_limits_is_refused_by_name(
    sender, vendor, kind, wire, field, value
):
    named = {"output_format": "response_format"}.get(field, field)
    with pytest.raises(UnsupportedFeature, match=f"^{named}") as caught:
        await sender.send(call(wire, target(kind, vendor.url), **{field: value}))
    assert caught.value.target == f"{kind}/m-1"
    assert vendor.calls == []


async def test_what_says_only_the_usual_is_not_refused(sender, vendor):
    usual = {
        "n": 1,
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "response_format": {"type": "text"},
        "logit_bias": {},
        "seed": None,
    }
    reply = await sender.send(call(CHAT, target("zhipu", vendor.url), **usual))
    assert DROPPED_HEADER not in dict(reply.headers)


async def test_a_limit_is_brought_to_the_name_the_vendor_knows(sender, vendor):
    wanted = call(CHAT, target("zhipu", vendor.url), max_tokens=None, max_completion_tokens=77)
    await ask(sender, wanted)
    assert vendor.calls[-1].json()["max_tokens"] == 77


async def test_moonshot_is_told_in_words_that_a_tool_is_required(sender, vendor):
    reply = await sender.send(call(CHAT, target("moonshot", vendor.url), tool_choice="required"))
    assert "tool_choice" not in vendor.calls[-1].json()
    assert len(vendor.calls[-1].json()["messages"]) == 3
    assert b"tool_choice" in dict(reply.headers)[DROPPED_HEADER]


async def test_an_image_that_litellm_would_drop_is_refused(sender, vendor):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "QUJD" * 30}}
    content = [{"type": "text", "text": "What is it?"}, image]
    with pytest.raises(UnsupportedFeature, match="image"):
        await sender.send(
            call(
                CHAT,
                target("deepseek", vendor.url),
                messages=[{"role": "user", "content": content}],
            )
        )
    assert vendor.calls == []


@pytest.mark.parametrize("kind", ["qwen", "anthropic"])
async def test_an_inline_image_arrives(sender, vendor, kind):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "QUJD" * 30}}
    content = [{"type": "text", "text": "What is it?"}, image]
    wanted = call(CHAT, target(kind, vendor.url), messages=[{"role": "user", "content": content}])
    await ask(sender, wanted)
    assert b"QUJD" * 30 in vendor.calls[-1].body


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x.png", "file:///etc/passwd", "/etc/passwd"])
async def test_nobody_here_fetches_an_image_for_a_request(sender, vendor, url):
    content = [{"type": "image_url", "image_url": {"url": url}}]
    with pytest.raises(UnsupportedFeature, match="base64"):
        await sender.send(
            call(
                CHAT,
                target("anthropic", vendor.url),
                messages=[{"role": "user", "content": content}],
            )
        )


async def test_a_schema_that_litellm_trims_is_named(sender, engine):
    tool = {"name": "f", "parameters": {"type": "object", "additionalProperties": False}}
    reply = await sender.send(
        call(
            CHAT,
            target("in_house:openai_chat", engine.url),
            tools=[{"type": "function", "function": tool}],
        )
    )
    assert dict(reply.headers)[DROPPED_HEADER] == b"tools"
