"""The gateway that tests run ends with its test, also with one that fails."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.vendor import FakeVendor

CONFIGURATION = """
vendors: {{ house: {{ kind: in_house, base_url: "{url}", wires: [openai_chat] }} }}
models: {{ coder: {{ targets: [house/qwen3-coder] }} }}
teams: {{ default: {{ models: [coder], data_class: internal }} }}
"""
BODY = {"model": "coder", "stream": True, "messages": [{"role": "user", "content": "hi"}]}


class OwnFailure(Exception):
    """The failure of a test."""


@asynccontextmanager
async def failing(folder: Path) -> AsyncGenerator[tuple[RunningGateway, FakeVendor]]:
    """A test that fails where the block ends; nobody listens any more then."""
    port = 0
    try:
        async with (
            FakeVendor(key=None, models=("qwen3-coder",)) as vendor,
            running_gateway(folder, CONFIGURATION.format(url=vendor.url)) as gateway,
        ):
            port = gateway.port
            yield gateway, vendor
            raise OwnFailure
    except OwnFailure:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_a_test_that_fails_between_requests_leaves_no_server(tmp_path: Path) -> None:
    async with failing(tmp_path) as (gateway, _):
        answer = await gateway.chat()
    assert answer.status_code == 200


async def test_a_test_that_fails_with_a_request_in_flight_leaves_no_server(tmp_path: Path) -> None:
    async with failing(tmp_path) as (gateway, vendor):
        vendor.holds()
        asking = asyncio.create_task(gateway.chat())
        await vendor.until_called()
    assert (await asking).json()["error"]["code"] == "shutting_down"


async def test_a_test_that_fails_with_a_stream_open_leaves_no_server(tmp_path: Path) -> None:
    async with AsyncExitStack() as reading:
        async with failing(tmp_path) as (gateway, vendor):
            vendor.holds(before_event=3)
            client = await reading.enter_async_context(gateway.client())
            asked = client.stream("POST", "/v1/chat/completions", json=BODY)
            answer = await reading.enter_async_context(asked)
        assert b"shutting_down" in await answer.aread()
