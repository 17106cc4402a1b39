"""What others write is looked for again and again, also after the database was away."""

import asyncio
import logging

import pytest
from sqlalchemy.exc import OperationalError

from gateway.polling import Polling


class Source:
    """Fails as it is told to, one look after the other; `seen` is set at the last."""

    def __init__(self, *looks: Exception | None) -> None:
        self.looks = list(looks)
        self.slept: list[float] = []
        self.seen = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if not self.looks:
            self.seen.set()
            await asyncio.Event().wait()

    async def refresh(self) -> None:
        problem = self.looks.pop(0)
        if problem is not None:
            raise problem


async def test_it_looks_on_after_the_database_was_away(caplog):
    source = Source(OperationalError("SELECT 1", {}, Exception("locked")), OSError("gone"), None)
    polling = Polling("glasses", source.refresh, seconds=0.5, sleep=source.sleep)
    polling.start()
    await asyncio.wait_for(source.seen.wait(), 20)
    await polling.stop()
    assert source.slept == [0.5] * 4
    assert [each.error for each in caplog.records] == ["OperationalError", "OSError"]


async def test_the_first_look_may_come_at_once():
    source = Source(None)
    polling = Polling("lanes", source.refresh, sleep=source.sleep, at_once=True)
    polling.start()
    await asyncio.wait_for(source.seen.wait(), 20)
    await polling.stop()
    assert source.slept == [1.0]


async def test_what_nobody_foresaw_is_told_and_the_next_look_comes(caplog):
    source = Source(ValueError("a bug"), ValueError("a bug"), None)
    polling = Polling("glasses", source.refresh, sleep=source.sleep)
    with caplog.at_level(logging.ERROR):
        polling.start()
        await asyncio.wait_for(source.seen.wait(), 20)
        await polling.stop()
    line, again = caplog.records
    assert (line.message, line.of, line.error) == ("refresh_failed", "glasses", "ValueError")
    assert line.exc_info
    assert not again.exc_info


async def test_a_look_that_is_under_way_is_given_up_with_it():
    begun, given_up = asyncio.Event(), asyncio.Event()

    async def refresh() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0)

    polling = Polling("glasses", refresh, sleep=sleep)
    polling.start()
    await asyncio.wait_for(begun.wait(), 20)
    await polling.stop()
    assert given_up.is_set()


@pytest.mark.parametrize("times", [1, 2])
async def test_it_can_be_stopped_twice_and_before_it_began(times):
    polling = Polling("glasses", Source().refresh, sleep=Source().sleep)
    for _ in range(times):
        await polling.stop()
    polling.start()
    for _ in range(times):
        await polling.stop()
