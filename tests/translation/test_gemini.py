"""The road to Gemini, by the real LiteLLM."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from providers.errors import ReplyCut, UnsupportedFeature
from tests.fakes.translation import CHAT, MESSAGES, ask, call, read_all, target
from tests.fakes.vendor import Ending, TokenUsage, ToolCall
from tests.fakes.vendor_gemini import FakeGemini

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore"),  # LiteLLM's own, of every kind
]

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
