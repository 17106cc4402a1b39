"""A platform engineer changes the file while developers work: nobody notices but by the route."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
import pytest_asyncio

from tests.e2e.started import Started, started_gateway
from tests.fakes.vendor import FakeVendor

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONFIGURATION = """
vendors:
  old: {{ kind: in_house, base_url: "{old}", wires: [openai_chat] }}
  new: {{ kind: in_house, base_url: "{new}", wires: [openai_chat] }}
models:
  coder: {{ targets: [old/standin] }}
teams:
  default: {{ models: [coder], data_class: internal }}
"""
HELLO: Any = [{"role": "user", "content": "Hello"}]
MOST_REQUESTS = 200  # of a quarter of a second each; the file is looked at every two seconds


@pytest_asyncio.fixture(loop_scope="session")
async def running(tmp_path: Path) -> AsyncIterator[tuple[Started, Path]]:
    async with FakeVendor(key=None) as old, FakeVendor(key=None) as new:
        old.says("from the old")
        new.says("from the new")
        for engine in (old, new):
            engine.behaves(seconds_between_events=0.05)
        file = tmp_path / "gatehouse.yaml"
        file.write_text(CONFIGURATION.format(old=old.url, new=new.url))
        with started_gateway(tmp_path) as gateway:
            yield gateway, file


async def answer(client: openai.AsyncOpenAI, streaming: bool) -> str:
    body: Any = {"model": "coder", "messages": HELLO}
    if not streaming:
        return (await client.chat.completions.create(**body)).choices[0].message.content or ""
    chunks = [each async for each in await client.chat.completions.create(**body, stream=True)]
    assert chunks[-1].choices[0].finish_reason == "stop"
    return "".join(each.choices[0].delta.content or "" for each in chunks)


async def test_a_changed_route_is_taken_without_failing_a_request_and_a_bad_file_is_not(
    running: tuple[Started, Path],
) -> None:
    gateway, file = running
    forms = itertools.islice(itertools.cycle([True, False]), MOST_REQUESTS)
    async with gateway.openai() as client:
        assert await answer(client, next(forms)) == "from the old"
        file.write_text(file.read_text().replace("old/standin", "new/standin"))
        said = await _answers_until(client, forms, lambda text: text == "from the new")
        assert set(said) <= {"from the old", "from the new"}

        file.write_text(file.read_text().replace("[coder]", "[codr]"))
        log = gateway.data.parent / "log.txt"
        said = await _answers_until(client, forms, lambda _: "refused" in log.read_text())
        assert set(said) == {"from the new"}
    assert f"{file}:8:" in log.read_text()
    assert "configuration_reloaded" in log.read_text()


async def test_files_and_rollbacks_take_turns_under_load_without_failing_a_request(
    running: tuple[Started, Path],
) -> None:
    gateway, file = running
    first = file.read_text()
    async with gateway.openai() as client:
        async with asyncio.TaskGroup() as group:
            done = asyncio.Event()
            asking = [group.create_task(_answers_while(client, done)) for _ in range(4)]
            for turn in range(2):
                file.write_text(f"# {turn}\n" + first.replace("old/standin", "new/standin"))
                await _until(gateway, "from the new", client)
                await _run(gateway, "rollback", "--reason", "the new one is slow")
                await _until(gateway, "from the old", client)
                file.write_text(f"{first}# a change that waits {turn}\n")
                await _run(gateway, "resume", "--config", str(file))
            done.set()
        said = [text for each in asking for text in each.result()]
    assert set(said) == {"from the old", "from the new"}
    kinds = [each["kind"] for each in gateway.changes()]
    assert (kinds.count("config_pinned"), kinds.count("config_resumed")) == (2, 2)


async def _answers_while(client: openai.AsyncOpenAI, done: asyncio.Event) -> list[str]:
    said: list[str] = []
    for streaming in itertools.cycle([True, False]):
        said.append(await answer(client, streaming))
        if done.is_set():
            return said
    raise AssertionError("a cycle has no end")


async def _until(gateway: Started, text: str, client: openai.AsyncOpenAI) -> None:
    forms = itertools.islice(itertools.cycle([True, False]), MOST_REQUESTS)
    await _answers_until(client, forms, lambda said: said == text)


async def _run(gateway: Started, *arguments: str) -> None:
    await asyncio.to_thread(gateway.run, "policy", *arguments)


async def _answers_until(client: openai.AsyncOpenAI, forms: Any, is_enough: Any) -> list[str]:
    said: list[str] = []
    for streaming in forms:
        said.append(await answer(client, streaming))
        if is_enough(said[-1]):
            return said
    raise AssertionError(f"nothing has changed after {len(said)} answers")
