"""A Gemini client answered by vendors that speak something else, by the real LiteLLM."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.base import UpstreamCall
from providers.errors import ProviderRejected, ReplyCut, UnsupportedFeature
from providers.translated import DROPPED_HEADER
from tests.fakes.translation import read_all, target
from tests.fakes.translation_gemini import GEMINI, ask_gemini, gemini_call, understand_gemini
from tests.fakes.vendor import Ending, FakeVendor, TokenUsage, ToolCall

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore"),  # LiteLLM's own, of every kind
]

CHINESE = ("qwen", "deepseek", "moonshot", "zhipu")
USAGE = TokenUsage(input=10, output=7, cache_read=30, reasoning=2)
CALLS = (ToolCall("read_file", {"path": "a b.py"}), ToolCall("read_file", {"path": "ü.py"}))


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("kind", [*CHINESE, "openai", "anthropic"])
async def test_text_calls_usage_and_reasoning_survive_the_road_to(sender, vendor, kind, streaming):
    vendor.says("Let me look.", reasoning="Which file?")
    vendor.behaves(tool_calls=CALLS, usage=USAGE)
    told = await ask_gemini(sender, target(kind, vendor.url), streaming=streaming)
    assert vendor.refusals == []
    assert told.text == "Let me look."
    assert told.reasoning == "Which file?"
    assert [json.loads(each["arguments"]) for each in told.calls] == [
        {"path": "a b.py"},
        {"path": "ü.py"},
    ]
    assert len({each["id"] for each in told.calls}) == 2
    assert told.finish == "STOP"
    assert told.usage["promptTokenCount"] == 40
    assert told.usage["cachedContentTokenCount"] == 30
    thoughts = told.usage.get("thoughtsTokenCount", 0)
    assert told.usage["candidatesTokenCount"] + thoughts == 7
    assert told.usage["totalTokenCount"] == 47


@pytest.mark.parametrize("wire", ["openai_chat", "anthropic_messages"])
@pytest.mark.parametrize("streaming", [False, True])
async def test_an_engine_of_the_house_serves(sender, engine, wire, streaming):
    engine.calls_tools(*CALLS)
    told = await ask_gemini(sender, target(f"in_house:{wire}", engine.url), streaming=streaming)
    assert engine.refusals == []
    assert len(told.calls) == 2


async def test_the_request_is_chat_in_the_vendors_words(sender, vendor):
    config = {"temperature": 0.5, "topP": 0.9, "topK": 3, "maxOutputTokens": 9}
    calling = {"functionCallingConfig": {"mode": "ANY"}}
    reply = await sender.send(
        gemini_call(target("qwen", vendor.url), generationConfig=config, toolConfig=calling)
    )
    await read_all(reply)
    body = vendor.calls[-1].json()
    assert vendor.calls[-1].path == "/v1/chat/completions"
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.5, 0.9, 9)
    assert body["tool_choice"] == "required"
    assert dict(reply.headers)[DROPPED_HEADER] == b"generationConfig.topK"


TURNS: list[dict[str, Any]] = [
    {
        "role": "user",
        "parts": [
            {"text": "look"},
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
        ],
    },
    {
        "role": "model",
        "parts": [
            {"text": "hm", "thought": True, "thoughtSignature": "U0lHTkFUVVJF"},
            {
                "functionCall": {"name": "read_file", "args": {"path": "a"}},
                "thoughtSignature": "U0lHTkFUVVJF",
            },
            {"functionCall": {"name": "read_file", "args": {"path": "b"}}},
        ],
    },
    {
        "role": "user",
        "parts": [
            {"functionResponse": {"name": "read_file", "response": {"output": "A"}}},
            {"functionResponse": {"name": "read_file", "response": {"output": "B"}}},
        ],
    },
]


@pytest.mark.parametrize("kind", ["qwen", "moonshot", "zhipu", "openai", "anthropic"])
async def test_a_conversation_with_images_and_parallel_results_is_taken_by(sender, vendor, kind):
    reply = await sender.send(gemini_call(target(kind, vendor.url), contents=TURNS))
    await read_all(reply)
    assert vendor.refusals == []
    sent = vendor.calls[-1].body
    assert b"iVBORw0KGgo=" in sent
    assert sent.index(b'"A"') < sent.index(b'"B"')
    assert b"U0lHTkFUVVJF" not in sent
    assert b"contents.thoughtSignature" in dict(reply.headers)[DROPPED_HEADER]


async def test_results_stand_in_the_order_of_their_calls(sender, vendor):
    await ask_gemini(sender, target("qwen", vendor.url), contents=TURNS)
    _, _, called, *results = vendor.calls[-1].json()["messages"]
    ids = [each["id"] for each in called["tool_calls"]]
    assert [(each["tool_call_id"], each["content"]) for each in results] == [
        (ids[0], "A"),
        (ids[1], "B"),
    ]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    ("finish", "expected"),
    [("length", "MAX_TOKENS"), ("content_filter", "SAFETY"), ("stop", "STOP")],
)
async def test_finish_reasons_are_carried_over(sender, vendor, finish, expected, streaming):
    vendor.says("words", finish=finish)
    told = await ask_gemini(sender, target("qwen", vendor.url), streaming=streaming)
    assert told.finish == expected


@pytest.mark.parametrize("ending", [Ending.CLEAN, Ending.CLOSE, Ending.INSIDE_CHUNK])
@pytest.mark.parametrize("kind", ["qwen", "deepseek", "anthropic"])
async def test_a_stream_that_breaks_off_never_looks_whole(sender, vendor, kind, ending):
    vendor.calls_tool("read_file", {"path": "a.py"}, text="Let me")
    vendor.cuts_after(events=6, ending=ending)
    reply = await sender.send(gemini_call(target(kind, vendor.url), streaming=True))
    pieces: list[bytes] = []

    async def read() -> None:
        while data := await reply.body.read():
            pieces.append(data)

    with pytest.raises(ReplyCut):
        await read()
    assert b"Let" in b"".join(pieces)
    assert not any(
        mark in b"".join(pieces) for mark in (b"finishReason", b"functionCall", b"usage")
    )


async def test_arguments_that_are_no_object_are_a_cut(sender, vendor):
    vendor.calls_tool("read_file", '{"path": ')
    reply = await sender.send(gemini_call(target("qwen", vendor.url), streaming=True))
    with pytest.raises(ReplyCut, match="no JSON object"):
        await read_all(reply)


async def test_a_refusal_of_the_vendors_is_not_in_the_clients_protocol(sender, vendor):
    vendor.fails(400, message="too long")
    with pytest.raises(ProviderRejected) as refused:
        await ask_gemini(sender, target("qwen", vendor.url))
    assert not refused.value.same_protocol


@pytest.mark.parametrize("tool", [{"googleSearch": {}}, {"code_execution": {}}])
async def test_tools_that_only_google_runs_are_refused_before_anything_leaves(sender, vendor, tool):
    with pytest.raises(UnsupportedFeature, match=r"tools\.0"):
        await ask_gemini(sender, target("qwen", vendor.url), tools=[tool])
    assert vendor.calls == []


async def test_counts_are_not_translated(sender, vendor):
    to = target("qwen", vendor.url)
    count = UpstreamCall(GEMINI, to, b'{"contents":[]}', (), streaming=False, counting=True)
    with pytest.raises(UnsupportedFeature):
        await sender.send(count)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(cuts=st.lists(st.integers(1, 2500), max_size=6).map(sorted))
async def test_the_answer_is_the_same_however_the_vendors_bytes_are_cut(
    sender, vendor: FakeVendor, cuts: list[int]
):
    vendor.says("Let me look: größe.", reasoning="Which?")
    vendor.behaves(tool_calls=CALLS, usage=USAGE)
    whole = await ask_gemini(sender, target("qwen", vendor.url), streaming=True)

    def chop(body: bytes) -> list[bytes]:
        ends = [*cuts, len(body)]
        return [body[a:b] for a, b in zip([0, *ends], ends, strict=False) if body[a:b]]

    vendor.chops(chop)
    reply = await sender.send(gemini_call(target("qwen", vendor.url), streaming=True))
    again = understand_gemini(await read_all(reply), streaming=True)
    vendor.recovers()
    assert (again.text, again.reasoning, again.calls) == (whole.text, whole.reasoning, whole.calls)
    assert (again.finish, again.usage) == (whole.finish, whole.usage)
