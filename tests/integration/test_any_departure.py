"""However clients leave and upstreams fail at the same time: one end each, nothing runs on."""

import asyncio
import logging
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.house import CHAT, MESSAGES
from tests.fakes.pair import Pair, a_pair
from tests.fakes.waiting import until

CLIENTS = 120
TROUBLES: tuple[dict[str, Any], ...] = (
    {},
    {"seconds_between_events": 0.002},
    {"seconds_between_events": 0.004},
    {"error_event_at": 3},
    {"resets": True},
    {"omits_end": True},
)


async def ask(pair: Pair, path: str, *, streaming: bool, chunks: int | None) -> None:
    """Read so many chunks and leave; None reads to the end."""
    async with pair.asking(path, stream=streaming) as client:
        try:
            if chunks is None or not streaming:
                await client.answer()
                return
            await client.head()
            for _ in range(chunks):
                await client.chunk()
        except (asyncio.IncompleteReadError, ConnectionError):
            raise AssertionError("the gateway broke a connection off") from None


async def leave_at_once(pair: Pair, path: str, *, streaming: bool) -> None:
    async with pair.asking(path, stream=streaming):
        await asyncio.sleep(0)


async def bridge_waits(pair: Pair) -> None:
    """Keep-alives for streams that are not silent at all: they must not cut into anything."""
    while True:
        await asyncio.sleep(0.005)
        for call in pair.gateway.inside.calls:
            call.last_sent -= 20
        pair.gateway.inside.calls.tick(time.monotonic())


def clients(pair: Pair, dice: random.Random) -> list[Any]:
    asking: list[Any] = []
    for number in range(CLIENTS):
        path, streaming = (CHAT, MESSAGES)[number % 2], dice.random() < 0.7
        if dice.random() < 0.3:
            asking.append(leave_at_once(pair, path, streaming=streaming))
        else:
            chunks = dice.choice([None, None, 0, 1, 2])
            asking.append(ask(pair, path, streaming=streaming, chunks=chunks))
    return asking


@pytest.mark.parametrize("seed", range(3))
async def test_every_exchange_has_one_end_and_nothing_runs_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    dice = random.Random(seed)
    async with a_pair(tmp_path, parallel=CLIENTS) as pair:
        for _ in range(CLIENTS):
            pair.first.behaves(times=1, **dice.choice(TROUBLES))
            pair.second.behaves(times=1, **dice.choice(TROUBLES))
        bridging = asyncio.create_task(bridge_waits(pair))
        await asyncio.gather(*clients(pair, dice))
        await until(lambda: not len(pair.gateway.inside.calls))
        bridging.cancel()
        await until(lambda: pair.client.open_connections == pair.client.idle_connections)
    records = pair.gateway.records()
    ends = Counter(each["exchange_id"] for each in records if each["kind"] == "completed")
    admitted = {each["exchange_id"] for each in records if each["kind"] == "admitted"}
    assert set(ends) == admitted
    assert set(ends.values()) == {1}
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []
