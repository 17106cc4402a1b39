"""A gateway as a process: it drains, it is killed, it comes back, and no exchange is forgotten."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess, gateway_process, is_alive, start
from tests.fakes.house import CHAT, MESSAGES
from tests.fakes.pair import assert_cut, is_whole, question
from tests.fakes.rough_client import RoughClient, rough_client
from tests.fakes.vendor import FakeVendor
from tests.fakes.waiting import until, until_steady

CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{url}", wires: [openai_chat, anthropic_messages] }}
models:
  coder: {{ targets: [house/qwen3-coder] }}
teams:
  default: {{ models: [coder], data_class: internal }}
"""


@pytest.fixture
async def vendor(tmp_path: Path) -> AsyncIterator[FakeVendor]:
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        vendor.says("one two three four five six")
        (tmp_path / "gatehouse.yaml").write_text(CONFIGURATION.format(url=vendor.url))
        yield vendor


@asynccontextmanager
async def a_stream(gateway: GatewayProcess, path: str) -> AsyncGenerator[RoughClient]:
    """A stream whose first words have come."""
    key = f"Bearer {gateway.developer_key}"
    async with rough_client(gateway.port) as client:
        await client.posts(path, question(), authorization=key)
        assert (await client.head())[0] == 200
        yield client


@asynccontextmanager
async def on_both_wires(
    gateway: GatewayProcess, times: int = 1
) -> AsyncGenerator[list[tuple[str, RoughClient]]]:
    """Streams whose first words have come, with their paths, so many on each wire."""
    async with AsyncExitStack() as stack:
        paths = [CHAT, MESSAGES] * times
        yield [(path, await stack.enter_async_context(a_stream(gateway, path))) for path in paths]


async def rest_of(client: RoughClient) -> bytes:
    seen = b""
    while piece := await client.chunk():
        seen += piece
    return seen


def ends(gateway: GatewayProcess) -> list[dict[str, object]]:
    return [each for each in gateway.records() if each["kind"] in {"completed", "unknown"}]


async def test_running_answers_are_finished_before_the_gateway_ends_and_the_admin_api_tells_so(
    tmp_path: Path, vendor: FakeVendor
) -> None:
    gate = vendor.holds(before_event=5)
    async with gateway_process(tmp_path) as gateway:
        headers = {"authorization": f"Bearer {gateway.admin_key}"}
        async with (
            on_both_wires(gateway, times=2) as streams,
            httpx.AsyncClient(headers=headers, trust_env=False, timeout=60.0) as admin,
        ):
            gateway.terminate()
            await until(lambda: not accepts(gateway.port))
            told = (await admin.get(f"{gateway.admin_url}/admin/v1/status")).json()
            assert gateway.process.returncode is None
            gate.set()
            answers = await asyncio.gather(*(rest_of(client) for _, client in streams))
        assert await gateway.ended() == 0
        assert not accepts(int(gateway.admin_url.rsplit(":", 1)[1]))
    whole = [is_whole(path, each) for (path, _), each in zip(streams, answers, strict=True)]
    assert whole == [True] * 4
    assert [end["outcome"] for end in ends(gateway)] == ["complete"] * 4
    assert (told["draining"], told["ready"]) == (True, False)


def accepts(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False, timeout=60.0)
    except httpx.TransportError:
        return False
    return True


async def test_a_second_signal_ends_the_rest_and_says_so(
    tmp_path: Path, vendor: FakeVendor
) -> None:
    vendor.holds(before_event=5)
    async with gateway_process(tmp_path) as gateway:
        async with on_both_wires(gateway) as ((_, chat), (_, messages)):
            gateway.terminate()
            await until(lambda: not accepts(gateway.port))
            gateway.terminate()
            on_chat, on_messages = await asyncio.gather(rest_of(chat), rest_of(messages))
        assert await gateway.ended() == 0
    assert_cut(CHAT, on_chat)
    assert_cut(MESSAGES, on_messages)
    assert b"shutting down" in on_chat
    assert b"shutting down" in on_messages
    told = ("kind", "outcome", "error", "usage_source")
    assert [tuple(end[name] for name in told) for end in ends(gateway)] == [
        ("completed", "cut", "shutting_down", "counted")
    ] * 2


async def test_a_client_that_never_reads_does_not_keep_the_gateway_from_ending(
    tmp_path: Path, vendor: FakeVendor
) -> None:
    vendor.says(pieces=("x" * 64_000,) * 800)
    async with (
        gateway_process(tmp_path) as gateway,
        rough_client(gateway.port, receive_buffer_bytes=4096) as client,
    ):
        key = f"Bearer {gateway.developer_key}"
        await client.posts(CHAT, question(), authorization=key)
        call = await vendor.until_called()
        await until_steady(lambda: call.pieces_sent)
        gateway.terminate()
        await until(lambda: not accepts(gateway.port))
        gateway.terminate()
        assert await gateway.ended() == 0
    (end,) = ends(gateway)
    assert (end["outcome"], end["error"]) == ("cut", "shutting_down")


async def test_a_killed_gateway_gives_its_open_exchanges_an_end_at_the_next_start(
    tmp_path: Path, vendor: FakeVendor
) -> None:
    vendor.holds(before_event=5)
    async with gateway_process(tmp_path) as gateway:
        async with on_both_wires(gateway):
            gateway.kill()
            await gateway.ended()
        assert ends(gateway) == []
    vendor.recovers()
    async with gateway_process(tmp_path, developer_key=gateway.developer_key) as again:
        told = ("kind", "reason", "attempts")
        tried = [{"attempt": 1, "target": "house/qwen3-coder"}]
        assert [tuple(end[name] for name in told) for end in ends(again)] == [
            ("unknown", "process ended", tried)
        ] * 2
        async with on_both_wires(again) as ((_, chat), (_, messages)):
            assert is_whole(CHAT, await rest_of(chat))
            assert is_whole(MESSAGES, await rest_of(messages))
        again.terminate()
        assert await again.ended() == 0


async def test_a_second_gateway_on_the_same_folder_is_refused(
    tmp_path: Path, vendor: FakeVendor
) -> None:
    async with gateway_process(tmp_path) as gateway:
        second = await start(tmp_path)
        output, _ = await asyncio.wait_for(second.communicate(), 60)
        assert second.returncode not in (0, None)
        assert f"another gateway (process {gateway.pid})".encode() in b" ".join(output.split())
        assert b"Traceback" not in output
        assert accepts(gateway.port)


TRANSLATED = """
vendors:
  outside: { kind: deepseek, base_url: "http://127.0.0.1:9", api_key: k, clearance: internal }
models:
  coder: { targets: [outside/deepseek-chat] }
teams:
  default: { models: [coder], data_class: internal }
telemetry: { otlp_endpoint: "http://127.0.0.1:9" }
"""


async def test_a_gateway_that_ends_leaves_no_child_behind(tmp_path: Path) -> None:
    (tmp_path / "gatehouse.yaml").write_text(TRANSLATED)
    async with gateway_process(tmp_path) as gateway:
        await until(lambda: len(gateway.children()) >= 2)
        children = gateway.children()
        gateway.terminate()
        assert await gateway.ended(30) == 0
        await until(lambda: not any(map(is_alive, children)), 15)


async def test_a_killed_gateway_leaves_no_child_behind(tmp_path: Path) -> None:
    (tmp_path / "gatehouse.yaml").write_text(TRANSLATED)
    async with gateway_process(tmp_path) as gateway:
        await until(lambda: len(gateway.children()) >= 2)
        children = gateway.children()
        gateway.kill()
        await gateway.ended()
        await until(lambda: not any(map(is_alive, children)), 15)
