"""Long questions wait for their turn, so that the gateway's own find a reader."""

import asyncio

import pytest

from gateway.admin.problems import Problem
from gateway.admin.reads import AT_ONCE, MOST_WAITING, Reads


async def test_no_more_than_two_run_at_once_and_all_have_their_turn() -> None:
    reads, running, most, done = Reads(), 0, 0, 0

    async def question() -> None:
        nonlocal running, most, done
        async with reads.turn():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
        done += 1

    await asyncio.gather(*[question() for _ in range(10)])
    assert (most, done) == (AT_ONCE, 10)


async def test_too_many_are_sent_away_and_told_to_come_again() -> None:
    reads, over = Reads(), asyncio.Event()

    async def question() -> None:
        async with reads.turn():
            await over.wait()

    waiting = [asyncio.create_task(question()) for _ in range(AT_ONCE + MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as raised:
        await question()
    assert (raised.value.status, raised.value.retry_after_seconds) == (503, 1)
    over.set()
    await asyncio.gather(*waiting)
    await question()
