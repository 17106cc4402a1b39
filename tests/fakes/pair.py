"""A gateway before two in-house engines, the second for when the first one fails."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from providers.http.client import HttpClient
from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.house import CHAT
from tests.fakes.rough_client import RoughClient, rough_client
from tests.fakes.vendor import FakeVendor

CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{first}", wires: [openai_chat, anthropic_messages] }}
  annex: {{ kind: in_house, base_url: "{second}", wires: [openai_chat, anthropic_messages] }}
models:
  coder: {{ targets: [house/qwen3-coder, annex/qwen3-small] }}
  solo: {{ targets: [house/qwen3-coder] }}
teams:
  default: {{ models: [coder, solo], data_class: internal, limits: {{ parallel: {parallel} }} }}
"""


@dataclass(frozen=True, slots=True)
class Pair:
    gateway: RunningGateway
    first: FakeVendor
    second: FakeVendor
    client: HttpClient

    async def ask(self, path: str, model: str = "coder", **more: Any) -> httpx.Response:
        """Ask on a wire, streamed unless `stream=False`; the answer once it is whole."""
        async with self.gateway.client() as client:
            return await client.post(
                path,
                content=question(model, **more),
                headers={"content-type": "application/json"},
            )

    @asynccontextmanager
    async def asking(
        self, path: str, model: str = "coder", **more: Any
    ) -> AsyncGenerator[RoughClient]:
        """Ask, and leave the connection in the test's hands."""
        key = f"Bearer {self.gateway.developer_key}"
        async with rough_client(self.gateway.port) as client:
            await client.posts(path, question(model, **more), authorization=key)
            yield client

    async def begins_anew(self) -> None:
        """What earlier tests scripted, asked and left open is gone; their records are not told."""
        for vendor in (self.first, self.second):
            await vendor.begins_anew()
        self.first.says("one two three four five six")
        self.second.says("seven eight nine ten")
        self.client.sweep(asyncio.get_running_loop().time() + 3600)
        await self.gateway.turns_the_page()

    def story(self) -> list[dict[str, Any]]:
        """The records of the newest exchange."""
        return self.gateway.records_of(self.gateway.records()[-1]["exchange_id"])


def question(model: str = "coder", **more: Any) -> bytes:
    """A body that both wires accept."""
    body = {
        "model": model,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        **more,
    }
    return orjson.dumps(body)


@asynccontextmanager
async def a_pair(
    folder: Path, *, parallel: int = 50, front_is_on: bool = True
) -> AsyncGenerator[Pair]:
    async with (
        FakeVendor(key=None, models=("qwen3-coder",)) as first,
        FakeVendor(key=None, models=("qwen3-small",)) as second,
    ):
        text = CONFIGURATION.format(first=first.url, second=second.url, parallel=parallel)
        client = HttpClient()
        async with running_gateway(folder, text, client=client, front_is_on=front_is_on) as gateway:
            pair = Pair(gateway, first, second, client)
            await pair.begins_anew()
            yield pair


def is_whole(path: str, content: bytes) -> bool:
    """Whether an assistant would take this stream for a finished answer."""
    if path == CHAT:
        return b'"finish_reason":"' in content and content.endswith(b"data: [DONE]\n\n")
    return b'"stop_reason":"' in content and b"message_stop" in content


def assert_cut(path: str, content: bytes) -> None:
    """The stream ends with the protocol's own error, and nothing in it looks like an end."""
    events = content.removesuffix(b"\n\n").split(b"\n\n")
    if path == CHAT:
        assert events[-1] == b"data: [DONE]"
        assert "error" in orjson.loads(events[-2].removeprefix(b"data: "))
        assert b'"finish_reason":"' not in content
    else:
        assert events[-1].startswith(b"event: error\ndata: ")
        assert b'"stop_reason":"' not in content
        assert b"message_stop" not in content
