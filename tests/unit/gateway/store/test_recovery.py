"""A replica shows that it lives, and ends what others left only once it has seen them dead."""

import asyncio
from collections.abc import Mapping

import pytest
from sqlalchemy.exc import OperationalError

from gateway.store.recovery import LaneWatch
from tests.fakes.waiting import until

OURS = "01OURS"
THEIRS = "01THEIRS"


class FakeLanes:
    """Lanes in memory; `is_away` has every question fail."""

    def __init__(self) -> None:
        self.beating: dict[str, int] = {OURS: 1, THEIRS: 1}
        self.ended: list[tuple[str, int | None]] = []
        self.left: list[str] = []
        self.is_away = False
        self.refuses_to_end = False

    async def beat(self, lane: str) -> None:
        self._ask()
        self.beating[lane] += 1

    async def leave(self, lane: str) -> None:
        self._ask()
        self.left.append(lane)

    async def beats(self, *, but_lane: str) -> Mapping[str, int]:
        self._ask()
        return {lane: beat for lane, beat in self.beating.items() if lane != but_lane}

    async def end(self, lane: str, beat: int | None = None) -> int:
        self._ask()
        if self.refuses_to_end:
            raise OperationalError("SELECT", {}, Exception("lock timeout"))
        assert self.beating.pop(lane) == beat
        self.ended.append((lane, beat))
        return 3

    def _ask(self) -> None:
        if self.is_away:
            raise ConnectionRefusedError(111, "Connection refused")


class Time:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def lanes() -> FakeLanes:
    return FakeLanes()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def watch(lanes: FakeLanes, time: Time) -> LaneWatch:
    return LaneWatch(lanes, OURS, dead_after_seconds=30, monotonic=time)


async def look_for(watch: LaneWatch, time: Time, seconds: int) -> int:
    """Look every five seconds for so long."""
    ended = 0
    for _ in range(seconds // 5):
        time.now += 5
        ended += await watch.look()
    return ended


async def test_every_look_shows_that_we_live(watch, lanes, time):
    await look_for(watch, time, 20)
    assert lanes.beating[OURS] == 5


async def test_a_beat_that_stands_still_while_we_look_is_ended_within_a_minute(watch, lanes, time):
    assert await look_for(watch, time, 30) == 0
    assert await look_for(watch, time, 5) == 3
    assert lanes.ended == [(THEIRS, 1)]


async def test_a_beat_that_moves_is_left_alone(watch, lanes, time):
    for _ in range(20):
        await look_for(watch, time, 20)
        lanes.beating[THEIRS] += 1
    assert lanes.ended == []


async def test_a_lane_that_was_left_is_left_alone(watch, lanes, time):
    await look_for(watch, time, 25)
    del lanes.beating[THEIRS]
    await look_for(watch, time, 60)
    assert lanes.ended == []


async def test_while_we_stood_still_nobody_died(watch, lanes, time):
    await look_for(watch, time, 25)
    time.now += 600
    assert await watch.look() == 0
    assert await look_for(watch, time, 25) == 0
    assert await look_for(watch, time, 5) == 3


async def test_what_another_is_at_just_now_is_tried_again_at_the_next_look(watch, lanes, time):
    lanes.refuses_to_end = True
    await look_for(watch, time, 40)
    lanes.refuses_to_end = False
    assert await look_for(watch, time, 5) == 3


async def test_an_outage_of_the_database_makes_nobody_look_dead(lanes, time):
    turn, slept = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def sleep(seconds: float) -> None:
        slept.release()
        await turn.acquire()
        time.now += seconds

    async def let_it_look(times: int) -> None:
        for _ in range(times):
            turn.release()
            await slept.acquire()

    watch = LaneWatch(lanes, OURS, dead_after_seconds=30, monotonic=time, sleep=sleep)
    watch.start()
    await slept.acquire()
    await let_it_look(5)
    lanes.is_away = True
    await let_it_look(50)
    lanes.is_away = False
    await let_it_look(6)
    assert lanes.ended == []
    await let_it_look(1)
    assert lanes.ended == [(THEIRS, 1)]
    await watch.stop()


async def test_a_look_that_ends_as_nobody_foresaw_is_not_the_last_one(lanes, time):
    """Else our own beat would stand still, and the others would end what runs here."""
    turn, slept = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def sleep(seconds: float) -> None:
        slept.release()
        await turn.acquire()

    watch = LaneWatch(lanes, OURS, monotonic=time, sleep=sleep)
    beating, lanes.beating = lanes.beating, {}
    watch.start()
    async with asyncio.timeout(20):
        await slept.acquire()
        lanes.beating = beating
        turn.release()
        await slept.acquire()
    assert lanes.beating[OURS] == 2
    await watch.stop()


async def test_whoever_stops_leaves_its_lane(lanes):
    watch = LaneWatch(lanes, OURS)
    watch.start()
    await until(lambda: lanes.beating[OURS] == 2)
    await watch.stop()
    await watch.stop()
    assert lanes.left == [OURS]


async def test_whoever_stops_while_the_database_is_away_stops_all_the_same(lanes, caplog):
    watch = LaneWatch(lanes, OURS)
    watch.start()
    await until(lambda: lanes.beating[OURS] == 2)
    lanes.is_away = True
    await watch.stop()
    assert "lane_not_left" in [record.message for record in caplog.records]
