"""One decision a turn, through a whole gateway: asked again, a denied turn is one denial."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.ledger_file import exchange_records
from tests.fakes.vendor import FakeVendor
from tests.fakes.waiting import until

CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{house}", wires: [openai_chat] }}
models:
  coder: {{ targets: [house/standin] }}
teams:
  default: {{ models: [coder], data_class: internal }}
"""
SAID = {"messages": [{"role": "user", "content": "hello"}]}
CODEX = {"user-agent": "codex_exec/0.169.0", "session-id": "s-1"}
CLAUDE = {"user-agent": "claude-cli/2.1.329 (external, cli)", "x-claude-code-session-id": "s-2"}
TOOLS = [{"name": "read", "input_schema": {"type": "object"}}]
MARKED = [
    {
        "role": "user",
        "content": [{"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}],
    }
]

Try = tuple[str, dict[str, Any]]
"""The path and the body of one try."""

CHAT: list[Try] = [
    ("/v1/chat/completions", {"model": "gpt-9", **SAID, **beside})
    for beside in (
        {"stream": True, "stream_options": {"include_usage": True}},
        {},
        {"stream": True},
        {"max_tokens": 5},
        {"tools": [{"type": "function", "function": {"name": "read", "parameters": {}}}]},
        {"metadata": {"a": "b"}},
    )
]
MESSAGES: list[Try] = [
    ("/v1/messages?beta=true", {"model": "gpt-9", "max_tokens": 9, **beside})
    for beside in (
        {"messages": MARKED, "stream": True, "context_management": {"edits": []}},
        {"messages": MARKED, "stream": True, "tools": TOOLS},
        {"messages": MARKED, "stream": True},
        {"messages": MARKED},
        {"messages": MARKED, "metadata": {"user_id": "u"}},
        {"messages": MARKED, "thinking": {"type": "adaptive"}},
    )
]
RESPONSES: list[Try] = [
    ("/v1/responses", {"model": "gpt-9", "input": "hello", "stream": True, **beside})
    for beside in (
        {"tools": [{"type": "web_search"}]},
        {},
        {"client_metadata": {"a": "b"}},
        {"stream": False},
        {"reasoning": {"effort": "low"}},
        {"max_output_tokens": 5},
    )
]
GEMINI: list[Try] = [
    (f"/v1beta/models/gpt-9:{action}", {"contents": [{"parts": [{"text": "hello"}]}], **beside})
    for action, beside in (
        ("streamGenerateContent?alt=sse", {}),
        ("generateContent", {}),
        ("streamGenerateContent", {"generationConfig": {"maxOutputTokens": 5}}),
        ("streamGenerateContent?alt=sse", {"tools": [{"googleSearch": {}}]}),
        ("generateContent", {"generationConfig": {"temperature": 0}}),
        ("streamGenerateContent?alt=sse", {}),
    )
]


@dataclass(frozen=True, slots=True)
class Site:
    gateway: RunningGateway
    house: FakeVendor

    async def ask(self, tries: list[Try], headers: dict[str, str]) -> list[httpx.Response]:
        async with self.gateway.client(**headers) as client:
            return [await client.post(path, json=body) for path, body in tries]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(FakeVendor(key=None))
        text = CONFIGURATION.format(house=house.url)
        yield Site(await stack.enter_async_context(running_gateway(tmp_path, text)), house)


def seen(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """An answer as its client has it, without what the server says of the moment."""
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize(
    ("tries", "headers", "status"),
    [
        (CHAT, {}, 400),
        (MESSAGES, CLAUDE, 451),
        (RESPONSES, CODEX, 200),
        (GEMINI, {"user-agent": "GeminiCLI-tui/0.61.0/pro (linux; x64; terminal)"}, 400),
    ],
)
async def test_a_denied_turn_asked_six_times_is_one_denial_and_one_answer(
    site: Site, tries: list[Try], headers: dict[str, str], status: int
) -> None:
    first, *again = [seen(answer) for answer in await site.ask(tries, headers)]
    (denied,) = site.gateway.records()
    assert again == [first] * 5
    assert first[0] == status
    assert denied["kind"] == "denied"
    assert first[1]["x-gatehouse-audit-id"] == denied["exchange_id"]
    assert denied["exchange_id"].encode() in first[2]
    async with site.gateway.client() as client:
        page = (await client.get("/metrics")).text
    assert 'gatehouse_policy_repeats_total{rule="model_access",team="default"} 5.0' in page
    assert site.house.calls == []


async def test_a_stop_leaves_the_count_beside_the_denial(tmp_path: Path) -> None:
    text = CONFIGURATION.format(house="http://127.0.0.1:9")
    async with running_gateway(tmp_path, text) as gateway:
        for streamed in (True, False, True):
            await gateway.chat("gpt-9", stream=streamed)
        assert gateway.kinds() == ["denied"]
    denied, repeated = exchange_records(tmp_path / "data")
    assert (repeated["kind"], repeated["repeats"]) == ("repeated", 2)
    assert repeated["exchange_id"] == denied["exchange_id"]
    assert repeated["turn_id"] == denied["turn_id"]


async def test_a_changed_configuration_decides_the_turn_anew(site: Site) -> None:
    site.house.says("at last")
    refused = await site.gateway.chat("writer")
    file, inside = site.gateway.configuration_file, site.gateway.inside
    before = inside.in_force.configuration.digest
    file.write_text(file.read_text().replace("coder", "writer"))
    await until(lambda: inside.in_force.configuration.digest != before)
    answered = await site.gateway.chat("writer")
    assert (refused.status_code, answered.status_code) == (400, 200)
    await site.gateway.until_closed()
    records = site.gateway.records()
    assert [each["kind"] for each in records] == ["denied", "admitted", "attempted", "completed"]
    assert records[0]["turn_id"] == records[1]["turn_id"]


async def test_an_assistants_retry_after_a_failure_is_dispatched_in_the_same_turn(
    site: Site,
) -> None:
    site.house.fails(500, times=1)
    site.house.says("second time lucky")
    failed, answered = await site.gateway.chat(), await site.gateway.chat(stream=True)
    assert (failed.status_code, answered.status_code) == (502, 200)
    await site.gateway.until_closed(2)
    records = site.gateway.records()
    admitted = [each for each in records if each["kind"] == "admitted"]
    ends = {each["exchange_id"]: each for each in records if each["kind"] == "completed"}
    assert len(admitted) == len(ends) == 2
    assert admitted[0]["turn_id"] == admitted[1]["turn_id"]
    assert [ends[each["exchange_id"]]["outcome"] for each in admitted] == ["failed", "complete"]
