"""The sums are brought level for whoever asks, once for all who wait, and then kept so."""

import asyncio

import pytest
from sqlalchemy.exc import OperationalError

from gateway.admin.level import Level
from gateway.admin.problems import Problem
from tests.fakes.waiting import until


class Sums:
    """A rollup that takes as long as the test says."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.free = asyncio.Event()
        self.free.set()
        self.caught_up = 0
        self.kept = False
        self.fails = False
        self.stumbles = False

    async def behind(self) -> int:
        return 1234

    async def is_kept(self) -> bool:
        return self.kept

    async def catch_up(self) -> None:
        async with self.turn:
            await self.free.wait()
            self.caught_up += 1
            if self.stumbles:
                raise KeyError("a bug")
            if self.fails:
                raise OperationalError("", {}, Exception())


class Minutes:
    """Passes when the test says."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.passing = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.passing.acquire()

    async def begun(self, number: int) -> None:
        """Return once so many minutes have begun."""
        await until(lambda: len(self.slept) >= number)


async def test_who_asks_waits_until_all_is_summed() -> None:
    sums = Sums()
    await Level(sums).reach()
    assert sums.caught_up == 1


async def test_many_that_ask_at_once_are_served_by_two() -> None:
    sums = Sums()
    sums.free.clear()
    level = Level(sums)
    asking = [asyncio.create_task(level.reach()) for _ in range(20)]
    await asyncio.sleep(0)
    sums.free.set()
    await asyncio.gather(*asking)
    assert sums.caught_up == 2  # one was on its way and may have missed the newest


async def test_what_takes_long_goes_on_and_says_so() -> None:
    sums = Sums()
    sums.free.clear()
    level = Level(sums, patience_seconds=0.01)
    with pytest.raises(Problem, match="1,234 records") as raised:
        await level.reach()
    assert (raised.value.status, raised.value.retry_after_seconds) == (503, 10)
    sums.free.set()
    await level.reach()
    await level.stop()
    assert sums.caught_up == 2


async def test_a_database_that_fails_fails_who_asked() -> None:
    sums = Sums()
    sums.fails = True
    with pytest.raises(OperationalError):
        await Level(sums).reach()


async def test_it_is_kept_level_only_where_somebody_has_asked() -> None:
    sums, minutes = Sums(), Minutes()
    level = Level(sums, sleep=minutes.sleep)
    level.start()
    await minutes.begun(1)
    for number, (kept, fails) in enumerate(((False, False), (True, True), (True, False)), 2):
        sums.kept, sums.fails = kept, fails
        minutes.passing.release()
        await minutes.begun(number)
    await level.stop()
    await level.stop()
    assert sums.caught_up == 2
    assert minutes.slept == [60.0] * 4


async def test_a_minute_that_ends_as_nobody_foresaw_is_not_the_last_one() -> None:
    sums, minutes = Sums(), Minutes()
    level = Level(sums, sleep=minutes.sleep)
    level.start()
    sums.kept = True
    sums.stumbles = True
    minutes.passing.release()
    await until(lambda: sums.caught_up == 1)
    sums.stumbles = False
    minutes.passing.release()
    await until(lambda: sums.caught_up == 2)
    await level.stop()


async def test_it_stops_half_way() -> None:
    sums = Sums()
    sums.free.clear()
    level = Level(sums, patience_seconds=0.01)
    with pytest.raises(Problem):
        await level.reach()
    await level.stop()
    assert sums.caught_up == 0
