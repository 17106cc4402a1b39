"""An engine that speaks one protocol answers clients of another, unasked and unprepared."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import pytest
import pytest_asyncio

from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.vendor import Ending, FakeVendor, TokenUsage, ToolCall

CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{url}", wires: [openai_responses] }}
  annex: {{ kind: in_house, base_url: "{annex}", wires: [openai_chat] }}
models:
  codex: {{ targets: [house/m-1] }}
  coder: {{ targets: [annex/m-1] }}
teams:
  default: {{ models: [codex, coder], data_class: internal }}
"""
pytestmark = pytest.mark.asyncio(loop_scope="session")
TOOL = {"name": "read_file", "description": "Reads.", "input_schema": {"type": "object"}}


@dataclass(frozen=True, slots=True)
class Site:
    """A gateway before an engine that speaks responses alone and one that only chats."""

    gateway: RunningGateway
    house: FakeVendor
    annex: FakeVendor

    async def end(self) -> dict[str, Any]:
        """The end of the newest exchange, once it is in the ledger."""
        return await self.gateway.until_closed(self.gateway.kinds().count("admitted"))

    def openai(self) -> openai.AsyncOpenAI:
        http = openai.DefaultAsyncHttpxClient(trust_env=False)
        base_url = f"{self.gateway.base_url}/v1"
        key = self.gateway.developer_key
        return openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0, http_client=http)

    def anthropic(self) -> anthropic.AsyncAnthropic:
        http = anthropic.DefaultAsyncHttpxClient(trust_env=False)
        base_url, key = self.gateway.base_url, self.gateway.developer_key
        return anthropic.AsyncAnthropic(
            base_url=base_url, api_key=key, max_retries=0, http_client=http
        )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One gateway for all: the translator beside it takes seconds to start."""
    async with FakeVendor(key=None) as house, FakeVendor(key=None) as annex:
        text = CONFIGURATION.format(url=house.url, annex=annex.url)
        async with running_gateway(tmp_path_factory.mktemp("site"), text) as gateway:
            yield Site(gateway, house, annex)


@pytest.fixture
def site(running: Site) -> Site:
    """The same for every test, with a vendor that does as at first."""
    running.house.recovers()
    running.house.calls_tools(ToolCall("read_file", {"path": "a.py"}), text="Let me look.")
    running.house.uses(TokenUsage(input=10, output=7, cache_read=30, reasoning=2))
    return running


async def test_a_messages_client_is_streamed_a_call_and_the_ledger_has_its_figures(site):
    async with site.anthropic() as client:
        asked = client.messages.stream(
            model="codex",
            max_tokens=100,
            tools=[TOOL],
            messages=[{"role": "user", "content": "What is in a.py?"}],
        )
        async with asked as stream:
            message = await stream.get_final_message()
        end = await site.end()
    said, called = message.content
    assert (said.text, called.input) == ("Let me look.", {"path": "a.py"})
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (10, 30)
    assert (end["outcome"], site.house.refusals) == ("complete", [])
    assert site.house.calls[-1].json()["store"] is False


async def test_a_chat_client_is_answered_whole(site):
    async with site.openai() as client:
        reply = await client.chat.completions.create(
            model="codex", messages=[{"role": "user", "content": "What is in a.py?"}]
        )
    (choice,) = reply.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    assert choice.message.tool_calls[0].id == "call_0"
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (40, 7)


async def test_a_cut_answer_is_an_error_to_a_messages_client(site):
    site.house.cuts_after(events=8, ending=Ending.CLEAN)
    async with site.anthropic() as client:
        asked = client.messages.stream(
            model="codex", max_tokens=100, messages=[{"role": "user", "content": "Hi"}]
        )
        with pytest.raises(anthropic.APIStatusError):
            async with asked as stream:
                await stream.get_final_message()
        end = await site.end()
    assert end["outcome"] == "cut"


async def test_a_messages_client_is_answered_by_an_engine_that_speaks_chat_only(site):
    site.annex.calls_tool("read_file", {"path": "a.py"}, text="Let me look.")
    answer = await site.gateway.messages(
        tools=[{"name": "read_file", "input_schema": {"type": "object"}}]
    )
    end = await site.end()

    assert answer.status_code == 200, answer.text
    said, called = answer.json()["content"]
    assert said["text"] == "Let me look."
    assert (called["name"], called["input"]) == ("read_file", {"path": "a.py"})
    assert answer.json()["stop_reason"] == "tool_use"
    assert site.annex.calls[-1].path.endswith("/chat/completions")
    assert end["outcome"] == "complete"
