"""The road to Gemini, by the real LiteLLM."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from providers.errors import ReplyCut, UnsupportedFeature
from providers.translation.gemini_spelling import spelt
from tests.fakes.translation import CHAT, MESSAGES, ask, call, read_all, target, understand
from tests.fakes.vendor import Ending, TokenUsage, ToolCall
from tests.fakes.vendor_gemini import SIGNATURE, FakeGemini

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore"),  # LiteLLM's own, of every kind
]

IMAGE_ON_CHAT = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
IMAGE_ON_MESSAGES = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
}


def chat_tool_call(call_id: str, path: str) -> dict[str, Any]:
    function = {"name": "read_file", "arguments": json.dumps({"path": path})}
    return {"id": call_id, "type": "function", "function": function}


def tool_use(call_id: str, path: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "read_file", "input": {"path": path}}


def tool_result(call_id: str, text: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": text}


CALLS = (ToolCall("read_file", {"path": "a.py"}), ToolCall("read_file", {"path": "b.py"}))
USAGE = TokenUsage(input=6, cache_read=4, output=7, reasoning=2)


@pytest_asyncio.fixture(loop_scope="session")
async def gemini() -> AsyncIterator[FakeGemini]:
    async with FakeGemini() as stand_in:
        stand_in.says("Let me look.", reasoning="Which file?")
        stand_in.behaves(tool_calls=CALLS, usage=USAGE)
        yield stand_in


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("wire", [CHAT, MESSAGES])
async def test_tools_usage_and_reasoning_survive(sender, gemini, wire, streaming):
    told = await ask(sender, call(wire, target("gemini", gemini.url), streaming=streaming))
    assert (told.text, told.reasoning, told.signature) == ("Let me look.", "Which file?", "")
    assert [json.loads(each["arguments"]) for each in told.calls] == [
        {"path": "a.py"},
        {"path": "b.py"},
    ]
    assert told.finish == ("tool_calls" if wire is CHAT else "tool_use")
    assert told.usage["prompt_tokens" if wire is CHAT else "input_tokens"] == (
        10 if wire is CHAT else 6
    )
    assert told.usage["completion_tokens" if wire is CHAT else "output_tokens"] == 7


async def test_model_action_and_key_stand_where_google_wants_them(sender, gemini):
    await ask(sender, call(CHAT, target("gemini", gemini.url), streaming=True))
    seen = gemini.calls[-1]
    assert (seen.path, seen.query) == ("/v1/models/m-1:streamGenerateContent", "alt=sse")
    assert seen.header("x-goog-api-key") == "vendor-key"
    assert seen.header("authorization") is None


async def test_a_stream_without_a_finish_reason_is_cut(sender, gemini):
    gemini.cuts_after(events=3, ending=Ending.CLEAN)
    reply = await sender.send(call(CHAT, target("gemini", gemini.url), streaming=True))
    with pytest.raises(ReplyCut):
        await read_all(reply)


async def test_litellm_fetches_no_image_for_gemini(sender, gemini):
    content = [{"type": "image_url", "image_url": {"url": "https://example.com/x.png"}}]
    messages = [{"role": "user", "content": content}]
    with pytest.raises(UnsupportedFeature, match="base64"):
        await sender.send(call(CHAT, target("gemini", gemini.url), messages=messages))
    assert gemini.calls == []


TURNS = {
    CHAT: [
        {"role": "user", "content": [IMAGE_ON_CHAT, {"type": "text", "text": "look"}]},
        {"role": "assistant", "tool_calls": [chat_tool_call("c1", "a"), chat_tool_call("c2", "b")]},
        {"role": "tool", "tool_call_id": "c1", "content": "A"},
        {"role": "tool", "tool_call_id": "c2", "content": "B"},
    ],
    MESSAGES: [
        {"role": "user", "content": [IMAGE_ON_MESSAGES, {"type": "text", "text": "look"}]},
        {"role": "assistant", "content": [tool_use("c1", "a"), tool_use("c2", "b")]},
        {"role": "user", "content": [tool_result("c1", "A"), tool_result("c2", "B")]},
    ],
}


@pytest.mark.parametrize("model", ["gemini-2.5-pro", "gemini-3.8-flash"])
@pytest.mark.parametrize("wire", [CHAT, MESSAGES])
async def test_a_conversation_with_images_and_parallel_results_is_taken(
    sender, gemini, wire, model
):
    to = target("gemini", gemini.url, model=model)
    await ask(sender, call(wire, to, messages=TURNS[wire]))
    assert gemini.refusals == []
    body = spelt(gemini.calls[-1].json())
    asked, called, answered = body["contents"]
    assert asked["parts"][0]["inlineData"] == {"mimeType": "image/png", "data": "iVBORw0KGgo="}
    assert [part["functionCall"]["args"]["path"] for part in called["parts"]] == ["a", "b"]
    results = [part["functionResponse"]["response"] for part in answered["parts"]]
    assert results == [{"content": "A"}, {"content": "B"}]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("wire", [CHAT, MESSAGES])
async def test_a_signature_does_not_travel_in_the_id_of_a_call(sender, gemini, wire, streaming):
    reply = await sender.send(call(wire, target("gemini", gemini.url), streaming=streaming))
    data = await read_all(reply)
    assert SIGNATURE.encode() not in data
    ids = [each["id"] for each in understand(wire, data, streaming=streaming).calls]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,40}", each) for each in ids)
    assert len(set(ids)) == 2
