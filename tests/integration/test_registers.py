"""A whole gateway keeps to its registers: warned before, refused after, reloaded under load."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.configurations import write
from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.vendor import FakeVendor
from tests.fakes.waiting import IN_VAIN_SECONDS

CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{house}", wires: [openai_chat] }}
  cloud: {{ kind: openai, base_url: "{cloud}/v1", api_key: vendor-key, wires: [openai_chat] }}
models:
  coder: {{ targets: [cloud/gpt-5, house/qwen3-coder] }}
  cloud-only: {{ targets: [cloud/gpt-5] }}
teams:
  default: {{ models: [coder, cloud-only], data_class: internal }}
registers: {{ vendors: registers/vendors.yaml, assistants: registers/assistants.yaml }}
"""
APPROVED = {"user-agent": "claude-cli/2.1.329 (external, sdk-cli)"}
OUTDATED = {"user-agent": "claude-cli/2.1.100 (external, sdk-cli)"}
ASKS_AT_ONCE = 8
PAUSE_SECONDS = 0.02


def day(days: int) -> str:
    """So many days from today."""
    return str(datetime.now(UTC).date() + timedelta(days=days))


def vendors(days: int) -> str:
    facts = "clearance: internal, jurisdiction: US, region: us, retention: none"
    review = f"reviewer: Ada, reviewed: 2025-01-10, valid_until: {day(days)}"
    return f"vendors:\n  cloud: {{ {facts}, training_use: never, {review} }}\n"


def assistants(days: int, versions: str = ">= 2.1.200, < 3") -> str:
    review = f"owner: tools, reviewed: 2025-01-10, valid_until: {day(days)}"
    return (
        "assistants:\n"
        f'  claude-code: {{ approved_versions: "{versions}", {review} }}\n'
        f"  codex: {{ approved_versions: any, {review} }}\n"
    )


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(IN_VAIN_SECONDS):
        while True:
            if holds():
                return
            await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Site:
    gateway: RunningGateway
    house: FakeVendor
    cloud: FakeVendor
    folder: Path

    async def ask(self, model: str = "coder", **headers: str) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
        async with self.gateway.client(**(headers or APPROVED)) as client:
            return await client.post("/v1/chat/completions", json=body)

    async def register(self, text: str) -> None:
        """Write the register of vendors anew; back when the gateway goes by it."""
        before = self.gateway.inside.in_force.configuration.digest
        write(self.folder, text, "registers/vendors.yaml")
        await until(lambda: self.gateway.inside.in_force.configuration.digest != before)

    async def register_badly(self, text: str) -> None:
        """Write a register that is refused; back when the gateway has said so."""
        write(self.folder, text, "registers/vendors.yaml")
        await until(lambda: self.gateway.inside.status.report()["configuration"] == "file_refused")

    def newest(self, kind: str) -> dict[str, Any]:
        return [each for each in self.gateway.records() if each["kind"] == kind][-1]


@asynccontextmanager
async def site(folder: Path, vendor_days: int, assistant_days: int) -> AsyncGenerator[Site]:
    write(folder, vendors(vendor_days), "registers/vendors.yaml")
    write(folder, assistants(assistant_days), "registers/assistants.yaml")
    async with FakeVendor(key=None) as house, FakeVendor(key="vendor-key") as cloud:
        text = CONFIGURATION.format(house=house.url, cloud=cloud.url)
        async with running_gateway(folder, text) as gateway:
            yield Site(gateway, house, cloud, folder)


async def test_before_its_end_each_answer_warns_in_header_and_ledger(tmp_path):
    async with site(tmp_path, 20, 25) as running:
        answer = await running.ask()
        await running.gateway.until_closed()
        admitted = running.newest("admitted")
    assert answer.status_code == 200
    warned = answer.headers.get_list("x-gatehouse-warning")
    assert [f"valid until {day(25)}" in warned[0], f"valid until {day(20)}" in warned[1]] == [
        True,
        True,
    ]
    assert admitted["warnings"] == warned
    assert running.cloud.calls


async def test_after_its_end_a_vendor_gets_nothing_and_the_denial_says_why(tmp_path):
    async with site(tmp_path, -1, 200) as running:
        alone = await running.ask("cloud-only")
        denied = running.newest("denied")
        beside = await running.ask("coder")
        await running.gateway.until_closed()
        async with running.gateway.client() as client:
            listed = await client.get("/v1/models")
    assert alone.status_code != 200
    assert f"vendor cloud has lapsed (valid until {day(-1)}, reviewed by Ada" in alone.text
    assert "coder stays available on house/qwen3-coder" in alone.text
    assert denied["rule"] == "vendor_register"
    assert beside.status_code == 200
    assert "it is left out" in beside.headers["x-gatehouse-warning"]
    assert [each["id"] for each in listed.json()["data"]] == ["coder"]
    assert running.cloud.calls == []


async def test_an_assistant_that_is_not_approved_is_denied_with_those_that_are(tmp_path):
    async with site(tmp_path, 200, 200) as running:
        outdated = await running.ask(**OUTDATED)
        assert running.newest("denied")["rule"] == "assistant_register"
        stranger = await running.ask(**{"user-agent": "curl/8.5"})
        approved = await running.ask()
        await running.gateway.until_closed()
        denied = [each["rule"] for each in running.gateway.records() if each["kind"] == "denied"]
    assert "'2.1.100' of claude-code is not approved (approved: >= 2.1.200, < 3)" in outdated.text
    assert "approved here: codex" in outdated.text
    assert "cannot be told" in stranger.text
    assert (approved.status_code, approved.headers.get("x-gatehouse-warning")) == (200, None)
    assert denied == ["assistant_register", "assistant_register"]


async def test_registers_are_reloaded_under_load_without_a_failed_request(tmp_path):
    async with site(tmp_path, 200, 200) as running:
        stop = asyncio.Event()

        async def keep_asking() -> list[int]:
            statuses = []
            while not stop.is_set():
                statuses.append((await running.ask()).status_code)
                await asyncio.sleep(PAUSE_SECONDS)
            return statuses

        async with asyncio.TaskGroup() as load:
            asking = [load.create_task(keep_asking()) for _ in range(ASKS_AT_ONCE)]
            await running.cloud.until_called(20)
            await running.register(vendors(100))
            await running.register_badly(vendors(100).replace("never", "perhaps"))
            await running.register(vendors(-1))
            await running.house.until_called(len(running.house.calls) + 20)
            stop.set()
        statuses = [status for each in asking for status in each.result()]
        await running.gateway.until_closed(len(statuses))
        digests = {
            each["config_digest"] for each in running.gateway.records() if "config_digest" in each
        }
        running.cloud.calls.clear()
        last = await running.ask()
    assert set(statuses) == {200}
    assert len(digests) == 3
    assert last.headers["x-gatehouse-target"] == "house/qwen3-coder"
    assert running.cloud.calls == []
