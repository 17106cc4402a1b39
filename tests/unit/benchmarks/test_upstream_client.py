"""The measure of the upstream client measures: a small run of it, start to end."""

import asyncio

import pytest

from benchmarks.upstream_client import Figure, Upstream, aiohttp_client, our_client


@pytest.fixture
async def url():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.mark.parametrize("client", [our_client, aiohttp_client])
async def test_both_clients_read_the_same_answers(url, client):
    async with client(url) as ask:
        assert await ask("/json", b"x" * 100_000) == 1000
        assert await ask("/json", b"") == 1000


def test_a_row_shows_medians_and_the_spread_of_the_ratio():
    figure = Figure("a request", [1.0, 2.0, 9.0], [4.0, 4.0, 9.0])
    assert str(figure) == "| a request | 2.0 | 4.0 | 0.50 [0.25..1.00] |"
