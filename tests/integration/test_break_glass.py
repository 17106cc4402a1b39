"""Break-glass beside a running gateway: what was denied passes, says so, and is denied again."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from gateway.acting import Acting
from gateway.break_glass import BreakGlassDesk, Wanted
from gateway.cli.data import opened_database
from gateway.store.break_glasses import BreakGlasses
from gateway.store.changes import Actor
from policy.break_glass import USUAL_TERMS, Lifts
from policy.rulebook.document import MatchDocument
from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.gateway_process import gateway_process
from tests.fakes.hurry import HURRIED_SECONDS, hurried
from tests.fakes.ledger_file import durable_records
from tests.fakes.vendor import FakeVendor
from tests.fakes.waiting import until

ROOT = Acting(Actor.os_user("root"))
HOUR_SECONDS = 3600
CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{url}", wires: [openai_chat] }}
  other: {{ kind: in_house, base_url: "{url}", wires: [openai_chat], clearance: public }}
models: {{ coder: {{ targets: [house/qwen3-coder, other/qwen3-coder] }} }}
teams: {{ default: {{ models: [coder], data_class: internal }} }}
policy: [rules.yaml]
"""
RULES = """
rules:
  - { id: no-codex, effect: deny, match: { assistants: [codex] }, reason: It left. }
"""


class MovedClock:
    """The time, and as much more as it was moved by."""

    ahead_seconds = 0

    def __call__(self) -> int:
        return time.time_ns() + self.ahead_seconds * 1_000_000_000


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def gateway(tmp_path: Path, clock: MovedClock) -> AsyncIterator[RunningGateway]:
    (tmp_path / "rules.yaml").write_text(RULES)
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        vendor.says("good morning")
        text = CONFIGURATION.format(url=vendor.url)
        with hurried():
            async with running_gateway(tmp_path, text, unix_ns=clock) as running:
                yield running


@asynccontextmanager
async def a_desk(folder: Path, *, ago_seconds: int = 0) -> AsyncGenerator[BreakGlassDesk]:
    """As another process has it, whose clock may say what it was so long ago."""

    def unix_us() -> int:
        return time.time_ns() // 1000 - ago_seconds * 1_000_000

    async with opened_database(folder) as database:
        yield BreakGlassDesk(BreakGlasses(database), USUAL_TERMS, unix_us, os.urandom)


async def opened(folder: Path, seconds: int, *, ago_seconds: int = 0) -> str:
    wanted = Wanted("the model is down", Lifts(("no-codex",)), MatchDocument(), seconds)
    async with a_desk(folder, ago_seconds=ago_seconds) as desk:
        return (await desk.open(wanted, ROOT)).id


async def asked(base_url: str, key: str, text: str = "hi") -> httpx.Response:
    headers = {"authorization": f"Bearer {key}", "user-agent": "codex_exec/0.200.0"}
    body = {"model": "coder", "messages": [{"role": "user", "content": text}]}
    async with httpx.AsyncClient(
        base_url=base_url, headers=headers, trust_env=False, timeout=60.0
    ) as client:
        return await client.post("/v1/chat/completions", json=body, timeout=30)


async def until_it_is(status: int, gateway: RunningGateway) -> httpx.Response:
    """The answer once it has this status."""
    return await until_answered(status, gateway.base_url, gateway.developer_key)


async def until_answered(status: int, base_url: str, key: str) -> httpx.Response:
    """The same turn is asked again and again, until its answer has this status."""
    async with asyncio.timeout(60):
        while True:
            answer = await asked(base_url, key)
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.1)


async def some_seconds(gateway: RunningGateway) -> int:
    """So many that several turns fit into them, on this machine as busy as it is now."""
    began = time.monotonic()
    assert (await asked(gateway.base_url, gateway.developer_key)).status_code == 400
    return 3 + int(30 * (time.monotonic() - began))


def kinds(folder: Path) -> Counter[str]:
    return Counter(each["kind"] for each in durable_records(folder))


async def test_a_denied_turn_passes_while_it_is_open_and_is_denied_when_it_was_closed(gateway):
    assert (await asked(gateway.base_url, gateway.developer_key)).status_code == 400
    glass = await opened(gateway.data, HOUR_SECONDS)
    passed = await until_it_is(200, gateway)
    assert passed.headers["x-gatehouse-warning"].startswith(
        f"break-glass {glass} lifts rule no-codex until 20"
    )
    await gateway.until_closed()
    (admitted,) = (each for each in gateway.records() if each["kind"] == "admitted")
    assert admitted["exceptions"] == [glass]
    assert admitted["targets"] == ["house/qwen3-coder"]

    async with a_desk(gateway.data) as desk:
        await desk.close(glass, ROOT)
    denied = await until_it_is(400, gateway)
    assert "It left" in denied.json()["error"]["message"]


async def test_status_and_metrics_say_that_one_is_open(gateway):
    async with gateway.client() as client:
        assert (await client.get("/readyz")).json()["break_glass"] == "none"
        glass = await opened(gateway.data, HOUR_SECONDS)
        await until_it_is(200, gateway)
        assert (await client.get("/readyz")).json()["break_glass"] == "open"
        assert "\ngatehouse_break_glass_open 1.0\n" in (await client.get("/metrics")).text
        assert glass not in (await client.get("/readyz")).text


async def test_it_ends_by_itself_at_its_second_and_that_is_recorded_once(gateway):
    await opened(gateway.data, await some_seconds(gateway))
    answer = await until_it_is(200, gateway)
    end = answer.headers["x-gatehouse-warning"].rpartition("until ")[2]
    await until_it_is(400, gateway)
    now = time.gmtime(time.time())  # without it gmtime asks a clock some milliseconds behind ours
    assert time.strftime("%Y-%m-%dT%H:%M:%SZ", now) >= end
    admitted = [each for each in gateway.records() if each["kind"] == "admitted"]
    ends_us = 1_000_000 * int(time.mktime(time.strptime(end, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone)
    assert max(each["time_unix_us"] for each in admitted) < ends_us + 1_000_000
    await until(lambda: kinds(gateway.data)["break_glass_ended"])
    await asyncio.sleep(4 * HURRIED_SECONDS)  # another look has nothing more to say
    assert kinds(gateway.data)["break_glass_ended"] == 1


async def test_one_that_was_opened_long_ago_ends_when_it_should(gateway):
    left = await some_seconds(gateway)
    await opened(gateway.data, HOUR_SECONDS, ago_seconds=HOUR_SECONDS - left)
    await until_it_is(200, gateway)
    await until_it_is(400, gateway)


async def test_its_end_is_a_matter_of_the_requests_time_alone(gateway, clock):
    glass = await opened(gateway.data, HOUR_SECONDS)
    await until_it_is(200, gateway)
    clock.ahead_seconds = HOUR_SECONDS - 60
    assert (await asked(gateway.base_url, gateway.developer_key)).status_code == 200
    clock.ahead_seconds = HOUR_SECONDS
    assert (await asked(gateway.base_url, gateway.developer_key)).status_code == 400
    async with a_desk(gateway.data) as desk:
        assert (await desk.glasses.find(glass)).ended_unix_us is None


async def test_other_assistants_and_what_nothing_denied_say_nothing_of_it(gateway):
    await opened(gateway.data, HOUR_SECONDS)
    await until_it_is(200, gateway)
    answer = await gateway.chat()
    assert answer.status_code == 200
    assert "x-gatehouse-warning" not in answer.headers


async def test_a_reload_of_the_configuration_leaves_it_open(gateway):
    await opened(gateway.data, HOUR_SECONDS)
    await until_it_is(200, gateway)
    before = gateway.inside.in_force.configuration.digest
    rules = gateway.configuration_file.with_name("rules.yaml")
    rules.write_text(RULES + "  - { id: later, effect: deny, reason: x, from: 2099-01-01 }\n")
    await until(lambda: gateway.inside.in_force.configuration.digest != before)
    answer = await asked(gateway.base_url, gateway.developer_key, "another turn")
    assert answer.status_code == 200


async def test_killed_and_started_again_it_is_still_open_and_ends_in_time(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES)
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        vendor.says("good morning")
        text = CONFIGURATION.format(url=vendor.url)
        (tmp_path / "gatehouse.yaml").write_text(text)
        began = time.monotonic()
        async with gateway_process(tmp_path) as first:
            took = time.monotonic() - began  # the next start may take twice as long, and more
            key = first.developer_key
            left = 4 + int(4 * took)
            await opened(first.data, HOUR_SECONDS, ago_seconds=HOUR_SECONDS - left)
            first.kill()
            await first.ended()
        async with gateway_process(tmp_path, developer_key=key) as second:
            base_url = f"http://127.0.0.1:{second.port}"
            assert (await asked(base_url, key)).status_code == 200
            await until_answered(400, base_url, key)
            await until(lambda: kinds(second.data)["break_glass_ended"])


async def test_one_that_ended_while_no_gateway_ran_is_told_at_the_next_start(tmp_path):
    async with gateway_process(tmp_path) as first:
        pass
    await opened(first.data, 60, ago_seconds=3600)
    async with gateway_process(tmp_path) as second:
        assert kinds(second.data)["break_glass_ended"] == 1
