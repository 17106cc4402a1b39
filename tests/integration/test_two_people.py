"""Where policy takes two people, what they have not approved is not in force, and fails nobody."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.cli.data import opened_database
from gateway.store.changes import Actor
from gateway.store.proposals import Proposals
from gateway.store.stored_proposal import Proposal
from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.ledger_file import durable_records
from tests.fakes.vendor import FakeVendor

CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{url}", wires: [openai_chat] }}
models: {{ coder: {{ targets: [house/qwen3-coder] }} }}
teams: {{ default: {{ models: [coder], data_class: internal }} }}
policy: [rules.yaml]
policy_changes: {{ approvers: 2 }}
"""
RULE = 'rules:\n  - { id: hint, effect: warn, reason: "%s" }\n'
PEOPLE = (Actor("key", "sam", "key_sam"), Actor("key", "sue", "key_sue"))
ASKS_AT_ONCE = 4
BREATH_SECONDS = 0.02


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    write(tmp_path, "first")
    async with AsyncExitStack() as stack:
        vendor = await stack.enter_async_context(FakeVendor(key=None, models=("qwen3-coder",)))
        vendor.says("good morning")
        text = CONFIGURATION.format(url=vendor.url)
        yield await stack.enter_async_context(running_gateway(tmp_path, text))


def write(folder: Path, word: str) -> None:
    fresh = folder / "fresh.yaml"
    fresh.write_text(RULE % word)
    fresh.rename(folder / "rules.yaml")


async def until_it_waits(folder: Path, but: str = "") -> Proposal:
    async with opened_database(folder) as database, asyncio.timeout(60):
        while True:
            for each in await Proposals(database).waiting():
                if each.id != but:
                    return each
            await asyncio.sleep(0.05)


async def approve(folder: Path, proposal: Proposal) -> None:
    async with opened_database(folder) as database:
        for person in PEOPLE:
            await Proposals(database).approve(proposal.id, person, "agreed")


async def warning(gateway: RunningGateway) -> str:
    answer = await gateway.chat(text=str(time.time_ns()))
    assert answer.status_code == 200
    return answer.headers["x-gatehouse-warning"]


async def until_it_warns(gateway: RunningGateway, word: str) -> None:
    async with asyncio.timeout(60):
        while True:
            if word in await warning(gateway):
                return
            await asyncio.sleep(0.05)


async def test_policy_that_waits_and_is_approved_under_load_fails_no_request(gateway, tmp_path):
    stop = asyncio.Event()

    async def keep_asking() -> list[int]:
        statuses = []
        while not stop.is_set():
            statuses.append((await gateway.chat(text=str(time.time_ns()))).status_code)
            await asyncio.sleep(BREATH_SECONDS)
        return statuses

    async with asyncio.TaskGroup() as load:
        asking = [load.create_task(keep_asking()) for _ in range(ASKS_AT_ONCE)]
        write(tmp_path, "second")
        dropped = await until_it_waits(gateway.data)
        write(tmp_path, "third")
        waiting = await until_it_waits(gateway.data, but=dropped.id)
        assert "first" in await warning(gateway)
        await approve(gateway.data, waiting)
        await until_it_warns(gateway, "third")
        stop.set()
    statuses = {status for each in asking for status in each.result()}
    assert statuses == {200}
    digests = {each["config_digest"] for each in gateway.records() if "config_digest" in each}
    assert len(digests) == 2
    assert dropped.digest not in digests
    (changed,) = (
        each for each in durable_records(gateway.data) if each.get("proposal") == waiting.id
    )
    assert [each["name"] for each in changed["approved_by"]] == ["sam", "sue"]


async def until_it_stands(gateway: RunningGateway, standing: str) -> dict[str, object]:
    async with gateway.client() as client, asyncio.timeout(60):
        while True:
            ready: dict[str, object] = (await client.get("/readyz")).json()
            if ready["configuration"] == standing:
                return ready
            await asyncio.sleep(0.05)


async def test_what_waits_is_told_to_whoever_asks_whether_it_is_ready(gateway, tmp_path):
    write(tmp_path, "second")
    assert (await until_it_stands(gateway, "awaits_approval"))["ready"]
    write(tmp_path, "first")
    await until_it_stands(gateway, "in_force")


async def test_a_restart_goes_on_with_what_was_approved(tmp_path):
    write(tmp_path, "first")
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        vendor.says("good morning")
        text = CONFIGURATION.format(url=vendor.url)
        async with running_gateway(tmp_path, text) as running:
            key = running.developer_key
        write(tmp_path, "second")
        lax = text.replace("policy_changes: { approvers: 2 }", "")
        async with running_gateway(tmp_path, lax) as again:
            (told,) = (each for each in again.inside.notes if "goes on" in each)
            assert "2 more have to approve this one" in told
            async with again.client(authorization=f"Bearer {key}") as client:
                body = {"model": "coder", "messages": [{"role": "user", "content": "hi"}]}
                answer = await client.post("/v1/chat/completions", json=body)
    assert "first" in answer.headers["x-gatehouse-warning"]
