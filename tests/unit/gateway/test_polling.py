"""What others write is looked for again and again, also after the database was away."""

import asyncio
import logging

import pytest
from sqlalchemy.exc import OperationalError

from gateway.polling import Polling
from tests.fakes.waiting import until


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


async def test_what_nobody_foresaw_ends_it_and_is_told(caplog):
    source = Source(ValueError("a bug"))
    polling = Polling("glasses", source.refresh, sleep=source.sleep)
    with caplog.at_level(logging.ERROR):
        polling.start()
        await until(lambda: caplog.records)
        await polling.stop()
    assert [each.message for each in caplog.records] == ["refresh_stopped"]


@pytest.mark.parametrize("times", [1, 2])
async def test_it_can_be_stopped_twice_and_before_it_began(times):
    polling = Polling("glasses", Source().refresh, sleep=Source().sleep)
    for _ in range(times):
        await polling.stop()
    polling.start()
    for _ in range(times):
        await polling.stop()
