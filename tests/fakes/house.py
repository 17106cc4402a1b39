"""One gateway before one in-house engine: what most tests of the whole road need."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from gateway.server import BoundedHeadProtocol
from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.vendor import FakeVendor
from tests.fakes.vendor_strict import Fields

CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{url}", wires: [openai_chat, anthropic_messages] }}
models:
  coder: {{ targets: [house/qwen3-coder] }}
teams:
  default:
    models: [coder]
    data_class: internal
    limits: {{ max_request_bytes: {most_bytes} }}
  large: {{ models: [coder], data_class: internal }}
"""
CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
JSON = "application/json"
QUESTION = '"messages":[{"role":"user","content":"hello"}],"max_tokens":100'
GOOD = ('{"model":"coder",' + QUESTION + "}").encode()


@dataclass(frozen=True, slots=True)
class House:
    gateway: RunningGateway
    vendor: FakeVendor

    async def post(self, path: str, content: Any, **headers: str) -> httpx.Response:
        async with self.gateway.client() as client:
            sent = {"content-type": JSON, **{k.replace("_", "-"): v for k, v in headers.items()}}
            return await client.post(path, content=content, headers=sent)

    async def post_as(self, path: str, key: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(
            base_url=self.gateway.base_url, trust_env=False, timeout=60.0
        ) as client:
            return await client.post(path, content=GOOD, headers={"content-type": JSON, **key})

    @property
    def bearer(self) -> str:
        return f"Bearer {self.gateway.developer_key}"

    async def begins_anew(self) -> None:
        """What earlier tests scripted, asked and left open is gone; their records are not told."""
        await self.vendor.begins_anew()
        await self.gateway.turns_the_page()

    async def still_serves(self) -> None:
        """A proper request is answered, and no exchange lacks its end."""
        self.vendor.recovers()
        calls = len(self.vendor.calls)
        answer = await self.gateway.chat()
        assert answer.status_code == 200
        assert len(self.vendor.calls) == calls + 1
        kinds = self.gateway.kinds()
        assert kinds.count("admitted") == kinds.count("completed")


@asynccontextmanager
async def a_house(
    folder: Path,
    *,
    most_bytes: int = 1_000_000,
    protocol: type[BoundedHeadProtocol] = BoundedHeadProtocol,
    extra_fields: Fields | None = None,
) -> AsyncGenerator[House]:
    models = ("qwen3-coder",)
    async with FakeVendor(key=None, models=models, extra_fields=extra_fields) as vendor:
        text = CONFIGURATION.format(url=vendor.url, most_bytes=most_bytes)
        async with running_gateway(folder, text, protocol=protocol) as gateway:
            yield House(gateway, vendor)


def code_in(answer: Any, path: str) -> str:
    """The error's code (chat) or type (messages), in the wire's own form and no other."""
    document = answer.json()
    error = document["error"]
    assert error["message"]
    if path == CHAT:
        assert set(document) == {"error"}
        assert set(error) == {"message", "type", "param", "code"}
        return str(error["code"])
    assert document["type"] == "error"
    assert document["request_id"] == answer.headers["x-gatehouse-audit-id"]
    return str(error["type"])


def the_denial(house: House, answer: Any) -> dict[str, Any]:
    """The one record of a refused request."""
    (record,) = house.gateway.records_of(answer.headers["x-gatehouse-audit-id"])
    assert record["kind"] == "denied"
    status = getattr(answer, "status_code", None) or answer.status
    assert record["status"] == status
    assert record["team"] == "default"
    return record
