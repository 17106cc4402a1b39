"""The store answers whole batches, survives what it forgets, and is away when slow or gone."""

import asyncio

import pytest
from redis.exceptions import ResponseError

from gateway.caps.store import StoreAway, ValkeyStore
from providers.base import Secret
from tests.fakes.valkey import Valkey, a_valkey

RENEW = ("renew", 1_000)
NAMES = ("names",)


def a_store(valkey: Valkey, *, timeout_seconds: float = 5.0, url: str = "") -> ValkeyStore:
    return ValkeyStore(
        Secret(url or valkey.url), namespace="store-test", timeout_seconds=timeout_seconds
    )


async def test_replies_come_in_the_order_of_the_commands(valkey):
    store = a_store(valkey)
    first, second = await store.run([RENEW, NAMES])
    assert (first[1:], second) == ([[], 0], [])
    await store.close()


async def test_a_command_that_cannot_be_done_leaves_the_others_alone(valkey):
    store = a_store(valkey)
    wrong, right = await store.run([("dance",), NAMES])
    assert isinstance(wrong, ResponseError)
    assert right == []
    await store.close()


async def test_a_script_that_was_forgotten_is_told_again(valkey):
    store = a_store(valkey)
    await store.run([NAMES])
    with valkey.client() as client:
        client.script_flush()
    assert await store.run([NAMES, NAMES]) == [[], []]
    await store.close()


async def test_a_connection_that_was_closed_meanwhile_is_made_anew(valkey):
    store = a_store(valkey)
    await store.run([NAMES])
    with valkey.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert await store.run([NAMES]) == [[]]
    await store.close()


async def test_who_does_not_answer_in_time_is_away_and_its_late_answer_nobodys():
    with a_valkey() as slow:
        store = a_store(slow, timeout_seconds=0.1)
        await store.run([NAMES], patience_seconds=5.0)
        slow.pause()
        with pytest.raises(StoreAway, match="no answer in time"):
            await store.run([RENEW])
        slow.resume()
        assert await store.run([NAMES], patience_seconds=5.0) == [[]]
        await store.close()


async def test_whoever_is_cancelled_leaves_no_answer_behind(valkey):
    store = a_store(valkey)
    await store.run([NAMES])
    asking = asyncio.create_task(store.run([RENEW]))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    assert await store.run([NAMES]) == [[]]
    await store.close()


async def test_nobody_there_is_away():
    with a_valkey() as gone:
        gone.stop()
        store = a_store(gone)
        with pytest.raises(StoreAway):
            await store.run([NAMES])


async def test_a_password_is_used_and_never_told():
    with a_valkey() as guarded:
        with guarded.client() as client:
            client.config_set("requirepass", "canary-pass")
        url = guarded.url.replace("redis://", "redis://:canary-pass@")
        store = a_store(guarded, url=url)
        assert await store.run([NAMES]) == [[]]
        await store.close()
        mistaken = a_store(guarded, url=url.replace("canary", "canary-mistaken"))
        with pytest.raises(StoreAway) as caught:
            await mistaken.run([NAMES])
        assert "canary" not in str(caught.value)
        await mistaken.close()


async def test_a_store_that_takes_no_more_is_away():
    with a_valkey() as full:
        store = a_store(full)
        with full.client() as client:
            await store.run([NAMES])
            client.config_set("maxmemory", "1")
            with pytest.raises(StoreAway, match="OutOfMemory"):
                await store.run([RENEW])
            client.config_set("maxmemory", "0")
        assert await store.run([NAMES]) == [[]]
        await store.close()
