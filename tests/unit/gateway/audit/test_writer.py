"""Done means durable; failed means not in the ledger, or made good there; nobody waits for ever."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from gateway.audit.batch import Batch
from gateway.audit.record import Records
from gateway.audit.writer import COMPANY_SECONDS, COMPANY_TURNS, WORTH_A_SYNC, LedgerWriter
from gateway.errors import LedgerUnavailable
from tests.fakes.ledger import FakeLane, a_story, some_records

SHORT_SECONDS = 0.3  # yet long enough for some turns of the loop on a busy machine


class Meter:
    def __init__(self) -> None:
        self.written: list[int] = []
        self.failed: list[tuple[int, str]] = []

    def records_written(self, records: int, seconds: float) -> None:
        assert seconds >= 0
        self.written.append(records)

    def records_failed(self, records: int, cause: str) -> None:
        self.failed.append((records, cause))


@pytest.fixture
def lane() -> FakeLane:
    return FakeLane()


@pytest.fixture
def records() -> Records:
    return some_records()


@pytest.fixture
def meter() -> Meter:
    return Meter()


@asynccontextmanager
async def a_writer(
    lane: FakeLane,
    records: Records,
    meter: Meter,
    wait_seconds: float = 5.0,
    queue_limit: int = 100,
    monotonic: Callable[[], float] = monotonic,
) -> AsyncIterator[LedgerWriter]:
    writer = LedgerWriter(
        lane,
        records,
        meter=meter,
        wait_seconds=wait_seconds,
        queue_limit=queue_limit,
        monotonic=monotonic,
    )
    await writer.start()
    try:
        yield writer
    finally:
        lane.gate.set()
        lane.refuses = False
        await writer.close()


async def test_a_record_whose_future_is_done_is_durable(lane, records, meter):
    async with a_writer(lane, records, meter) as writer:
        await writer.append(a_story(records).admitted())
        assert lane.kinds == ["admitted"]


async def test_records_become_durable_in_the_order_they_were_appended(lane, records, meter):
    stories = [a_story(records) for _ in range(300)]
    async with a_writer(lane, records, meter, queue_limit=1000) as writer:
        waiters = [writer.append(story.admitted()) for story in stories]
        await waiters[-1]
        assert all(waiter.done() for waiter in waiters)
    written = [body["exchange_id"] for batch in lane.batches for body in batch]
    assert written == [story.exchange.id for story in stories]


async def test_what_waits_is_committed_together(lane, records, meter):
    async with a_writer(lane, records, meter) as writer:
        lane.gate.clear()
        first = writer.append(a_story(records).admitted())
        await lane.begun()
        others = [writer.append(a_story(records).admitted()) for _ in range(9)]
        assert writer.queue_depth == 10
        lane.gate.set()
        await asyncio.gather(first, *others)
        assert [len(batch) for batch in lane.batches] == [1, 9]
        assert meter.written == [1, 9]
        assert writer.queue_depth == 0


async def test_what_is_appended_in_one_turn_shares_a_commit(lane, records, meter):
    story = a_story(records)
    async with a_writer(lane, records, meter) as writer:
        admitted = writer.append(story.admitted())
        await writer.append(story.attempted())
        assert admitted.done()
        assert [len(batch) for batch in lane.batches] == [2]


class NotingLane(FakeLane):
    """Notes how many records each write begins with."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[int] = []

    async def write(self, batch: Batch, *rest: object) -> None:
        self.begun.append(len(batch.records))
        await super().write(batch, *rest)  # type: ignore[arg-type]  # as they came


class Passing:
    """A clock by which a turn of the loop takes so long."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.now = 0.0

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now


@asynccontextmanager
async def an_idle_writer(
    records: Records, meter: Meter, *, turn_seconds: float = 0.0
) -> AsyncIterator[tuple[LedgerWriter, list[int]]]:
    """A writer whose committer waits for news, and how many records each of its writes has."""
    lane, passing = NotingLane(), Passing(turn_seconds)
    async with a_writer(lane, records, meter, queue_limit=1000, monotonic=passing) as writer:
        await writer.append(a_story(records).admitted())
        await turns(COMPANY_TURNS)
        lane.begun.clear()
        yield writer, lane.begun


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("count", "written"),
    [(1, []), (WORTH_A_SYNC - 1, []), (WORTH_A_SYNC, [64]), (3 * WORTH_A_SYNC, [192])],
)
async def test_a_few_wait_for_company_and_many_go_at_once(records, meter, count, written):
    async with an_idle_writer(records, meter) as (writer, begun):
        waiters = [writer.append(a_story(records).admitted()) for _ in range(count)]
        await turns(1)
        assert begun == written
        await asyncio.gather(*waiters)
        assert begun == [count]


async def test_what_is_appended_within_some_turns_shares_a_commit(records, meter):
    async with an_idle_writer(records, meter) as (writer, begun):
        waiters = []
        for _ in range(COMPANY_TURNS):
            waiters.append(writer.append(a_story(records).admitted()))
            await turns(1)
        await asyncio.gather(*waiters)
        assert begun == [COMPANY_TURNS]


async def test_where_turns_are_long_nobody_waits_for_several(records, meter):
    async with an_idle_writer(records, meter, turn_seconds=COMPANY_SECONDS) as (writer, begun):
        waiter = writer.append(a_story(records).admitted())
        await turns(2)
        assert begun == [1]
        await waiter


async def test_after_a_few_that_went_at_once_the_next_wait_for_company_again(records, meter):
    async with an_idle_writer(records, meter) as (writer, begun):
        many = [writer.append(a_story(records).admitted()) for _ in range(WORTH_A_SYNC)]
        await asyncio.gather(*many)
        await turns(COMPANY_TURNS)
        first = writer.append(a_story(records).admitted())
        await turns(1)
        second = writer.append(a_story(records).admitted())
        await asyncio.gather(first, second)
        assert begun == [WORTH_A_SYNC, 2]


async def test_what_was_appended_just_before_closing_is_written(lane, records, meter):
    async with a_writer(lane, records, meter) as writer:
        waiter = writer.append(a_story(records).denied())
        await writer.close()
        assert waiter.exception() is None
    assert lane.kinds == ["denied"]


async def test_a_failure_that_nobody_awaits_is_not_reported_as_forgotten(lane, records, meter):
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    async with a_writer(lane, records, meter) as writer:
        await writer.close()
        writer.append(a_story(records).denied())
        gc.collect()
        await asyncio.sleep(0)
    assert meter.failed == [(1, "closed")]
    assert reported == []


async def test_nobody_waits_longer_than_the_limit(lane, records, meter):
    lane.gate.clear()
    async with a_writer(lane, records, meter, wait_seconds=0.02) as writer:
        with pytest.raises(LedgerUnavailable):
            await writer.append(a_story(records).admitted())
        assert meter.failed == [(1, "too_slow")]
        assert writer.queue_depth == 0


async def test_a_record_given_up_before_its_turn_is_not_written_later(lane, records, meter):
    lane.gate.clear()
    async with a_writer(lane, records, meter, wait_seconds=SHORT_SECONDS) as writer:
        taken = writer.append(a_story(records).denied())
        await lane.begun()
        given_up = writer.append(a_story(records).admitted())
        await asyncio.wait([taken, given_up])
        lane.gate.set()
        await lane.holds("denied")
    assert lane.kinds == ["denied"]
    assert isinstance(given_up.exception(), LedgerUnavailable)


async def test_an_admitted_nobody_could_wait_for_gets_its_end_from_the_writer(lane, records, meter):
    lane.gate.clear()
    story = a_story(records)
    async with a_writer(lane, records, meter, wait_seconds=SHORT_SECONDS) as writer:
        with pytest.raises(LedgerUnavailable):
            await writer.append(story.admitted())
        lane.gate.set()
        await lane.holds("admitted", "unknown")
    assert lane.batches[1][0]["exchange_id"] == story.exchange.id
    assert lane.settled_seq == 2


async def test_a_callers_own_end_comes_before_the_writers(lane, records, meter):
    lane.gate.clear()
    story = a_story(records)
    async with a_writer(lane, records, meter, wait_seconds=SHORT_SECONDS) as writer:
        with pytest.raises(LedgerUnavailable):
            await writer.append(story.admitted())
        end = writer.append(story.completed())
        lane.gate.set()
        await end
    assert lane.kinds == ["admitted", "completed"]


async def test_a_database_that_refuses_fails_its_batch_and_takes_the_next(lane, records, meter):
    async with a_writer(lane, records, meter) as writer:
        lane.refuses = True
        with pytest.raises(LedgerUnavailable):
            await writer.append(a_story(records).admitted())
        with pytest.raises(LedgerUnavailable):
            await writer.append(a_story(records).admitted())
        lane.refuses = False
        await writer.append(a_story(records).admitted())
    assert lane.kinds == ["admitted"]
    assert lane.batches[0][0]["seq"] == 1
    assert meter.failed == [(1, "database"), (1, "database")]


async def test_a_commit_that_failed_with_its_work_done_is_made_good(lane, records, meter):
    async with a_writer(lane, records, meter) as writer:
        lane.refuses_after_its_work = True
        with pytest.raises(LedgerUnavailable):
            await writer.append(a_story(records).admitted())
        await lane.holds("admitted", "unknown")
        await writer.append(a_story(records).admitted())
    assert [body["seq"] for batch in lane.batches for body in batch] == [1, 2, 3]


async def test_an_end_that_could_not_be_written_is_replaced(lane, records, meter):
    story = a_story(records)
    async with a_writer(lane, records, meter) as writer:
        await writer.append(story.admitted())
        await writer.append(story.attempted("house/small"))
        lane.refuses = True
        with pytest.raises(LedgerUnavailable):
            await writer.append(story.completed())
        lane.refuses = False
        await lane.holds("admitted", "attempted", "unknown")
    assert lane.kinds == ["admitted", "attempted", "unknown"]
    assert lane.batches[-1][0]["attempts"] == [{"attempt": 1, "target": "house/small"}]


async def test_an_end_whose_commit_failed_with_its_work_done_is_not_said_twice(
    lane, records, meter
):
    story = a_story(records)
    async with a_writer(lane, records, meter) as writer:
        await writer.append(story.admitted())
        lane.refuses_after_its_work = True
        with pytest.raises(LedgerUnavailable):
            await writer.append(story.completed())
        await writer.append(a_story(records).admitted())
    assert lane.kinds == ["admitted", "completed", "admitted"]


async def test_after_the_writers_own_end_the_callers_is_refused(lane, records, meter):
    story = a_story(records)
    async with a_writer(lane, records, meter) as writer:
        await writer.append(story.admitted())
        lane.refuses = True
        with pytest.raises(LedgerUnavailable):
            await writer.append(story.completed())
        lane.refuses = False
        await lane.holds("admitted", "unknown")
        with pytest.raises(LedgerUnavailable):
            await writer.append(story.completed())
        await writer.append(a_story(records).admitted())
    assert lane.kinds == ["admitted", "unknown", "admitted"]
    assert (1, "not_open") in meter.failed


async def test_an_attempt_whose_admitted_failed_is_refused(lane, records, meter):
    story = a_story(records)
    async with a_writer(lane, records, meter) as writer:
        lane.refuses = True
        with pytest.raises(LedgerUnavailable):
            await writer.append(story.admitted())
        lane.refuses = False
        with pytest.raises(LedgerUnavailable):
            await writer.append(story.attempted())
    assert lane.kinds == []


async def test_a_full_queue_refuses_at_once(lane, records, meter):
    async with a_writer(lane, records, meter, queue_limit=2) as writer:
        lane.gate.clear()
        waiting = [writer.append(a_story(records).admitted()) for _ in range(2)]
        refused = writer.append(a_story(records).admitted())
        assert isinstance(refused.exception(), LedgerUnavailable)
        assert meter.failed == [(1, "queue_full")]
        lane.gate.set()
        await asyncio.gather(*waiting)
    assert lane.kinds == ["admitted", "admitted"]


async def test_a_device_that_hangs_gathers_no_more_than_the_queue_holds(lane, records, meter):
    async with a_writer(lane, records, meter, wait_seconds=SHORT_SECONDS, queue_limit=10) as writer:
        lane.gate.clear()
        first = writer.append(a_story(records).denied())
        await lane.begun()
        for _ in range(3):
            late = [writer.append(a_story(records).denied()) for _ in range(10)]
            await asyncio.wait([first, *late])
        lane.gate.set()
        await lane.holds("denied")
        await writer.append(a_story(records).denied())
    assert lane.kinds == ["denied", "denied"]


async def test_an_end_refused_by_a_full_queue_is_replaced(lane, records, meter):
    story = a_story(records)
    async with a_writer(lane, records, meter, queue_limit=1) as writer:
        await writer.append(story.admitted())
        lane.gate.clear()
        waiting = writer.append(a_story(records).admitted())
        assert writer.append(story.completed()).exception() is not None
        lane.gate.set()
        await waiting
        await lane.holds("admitted", "unknown", "admitted")  # the end waits for no company
    assert lane.batches[1][0]["exchange_id"] == story.exchange.id


async def test_a_cancelled_waiter_does_not_take_its_record_back(lane, records, meter):
    async with a_writer(lane, records, meter) as writer:
        lane.gate.clear()
        waiter = writer.append(a_story(records).admitted())
        waiter.cancel()
        lane.gate.set()
        await writer.append(a_story(records).admitted())
    assert lane.kinds == ["admitted", "admitted"]


async def test_closing_writes_what_waits_and_marks_the_lane_settled(lane, records, meter):
    story = a_story(records)
    async with a_writer(lane, records, meter) as writer:
        waiters = [writer.append(story.admitted()), writer.append(story.completed())]
        await writer.close()
        assert [waiter.exception() for waiter in waiters] == [None, None]
    assert lane.settled_seq == 2
    assert not lane.is_open


async def test_a_lane_closed_with_an_open_exchange_is_settled_up_to_it(lane, records, meter):
    async with a_writer(lane, records, meter) as writer:
        await writer.append(a_story(records).denied())
        await writer.append(a_story(records).admitted())
    assert lane.settled_seq == 1


async def test_a_closed_writer_takes_nothing(lane, records, meter):
    async with a_writer(lane, records, meter) as writer:
        await writer.close()
        with pytest.raises(LedgerUnavailable):
            await writer.append(a_story(records).admitted())
    assert meter.failed == [(1, "closed")]


async def test_closing_does_not_wait_for_a_database_that_hangs(lane, records, meter):
    lane.gate.clear()
    async with a_writer(lane, records, meter, wait_seconds=0.02) as writer:
        waiter = writer.append(a_story(records).admitted())
        await writer.close()
        assert isinstance(waiter.exception(), LedgerUnavailable)


async def test_a_lane_that_cannot_be_opened_is_said_at_the_start(lane, records, meter):
    lane.refuses = True
    writer = LedgerWriter(lane, records, meter=meter)
    with pytest.raises(LedgerUnavailable, match="unable to open"):
        await writer.start()
    await writer.close()


async def test_a_batch_is_never_larger_than_the_limit(lane, records, meter):
    async with a_writer(lane, records, meter, queue_limit=1000) as writer:
        lane.gate.clear()
        waiters = [writer.append(a_story(records).denied()) for _ in range(600)]
        lane.gate.set()
        await asyncio.gather(*waiters)
    assert max(len(batch) for batch in lane.batches) <= 256
