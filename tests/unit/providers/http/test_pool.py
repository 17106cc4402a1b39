"""Connections are kept newest first, bounded in number and in time."""

import asyncio

import pytest

from providers.http.connection import Connection
from providers.http.pool import Pool
from tests.fakes.transport import FakeTransport

HOUSE, VENDOR = "http://house:80", "https://vendor:443"


@pytest.fixture
def pool():
    return Pool(max_idle_per_origin=2, idle_seconds=4.0, idle_tls_seconds=30.0)


async def kept(pool: Pool, origin: str = HOUSE, *, idle_since: float = 0.0) -> Connection:
    connection = Connection(pool, origin, asyncio.get_running_loop())
    FakeTransport(connection)
    connection.idle_since = idle_since
    pool.add(connection)
    pool.give(connection)
    return connection


async def test_the_newest_is_taken_first(pool):
    older, newer = await kept(pool), await kept(pool)
    assert [pool.take(HOUSE, 1.0), pool.take(HOUSE, 1.0)] == [newer, older]
    assert pool.take(HOUSE, 1.0) is None


async def test_an_origin_gets_no_other_origins_connection(pool):
    await kept(pool, HOUSE)
    assert pool.take(VENDOR, 1.0) is None


async def test_more_than_the_bound_are_closed(pool):
    connections = [await kept(pool) for _ in range(3)]
    assert [each.is_open for each in connections] == [True, True, False]
    assert (pool.idle_count, len(pool.open)) == (2, 2)


async def test_a_connection_that_ended_meanwhile_is_passed_over(pool):
    good, ended = await kept(pool), await kept(pool)
    ended.eof_received()
    assert pool.take(HOUSE, 1.0) is good


@pytest.mark.parametrize(("origin", "limit"), [(HOUSE, 4.0), (VENDOR, 30.0)])
async def test_a_connection_is_kept_for_less_time_than_its_peer_keeps_it(pool, origin, limit):
    connection = await kept(pool, origin, idle_since=100.0)
    pool.sweep(100.0 + limit - 0.1)
    assert connection.is_open
    pool.sweep(100.0 + limit)
    assert not connection.is_open
    assert not pool.holds_any


async def test_a_connection_idle_too_long_is_closed_when_its_turn_comes(pool):
    connection = await kept(pool, idle_since=100.0)
    assert pool.take(HOUSE, 104.0) is None
    assert not connection.is_open


async def test_closing_hangs_up_everywhere(pool):
    connections = [await kept(pool, origin) for origin in (HOUSE, VENDOR)]
    pool.close()
    assert [each.is_open for each in connections] == [False, False]
    assert not pool.holds_any
