"""The ledger's task, spoken to directly: order, giving up, and how it ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from gateway.audit.committer import (
    SETTLE_EVERY,
    Committer,
    Entry,
    Refusal,
    State,
)
from gateway.audit.filing import LaneRefused
from gateway.audit.record import RecordBody
from tests.fakes.ledger import FakeLane, a_story, some_records


class Desk:
    """A committer at work, and what it reported, in order."""

    def __init__(self) -> None:
        self.lane = FakeLane()
        self.records = some_records()
        self.durable: list[RecordBody] = []
        self.refused: list[tuple[str, str]] = []
        self.refusal_told = asyncio.Event()
        self.committer = Committer(self.lane, self.records, self._report)

    def _report(self, durable: Sequence[Entry], refusals: Sequence[Refusal]) -> None:
        self.durable += [entry.body for entry in durable]
        self.refused += [
            (str(entry.body["kind"]), refusal.cause)
            for refusal in refusals
            for entry in refusal.entries
        ]
        if refusals:
            self.refusal_told.set()

    def put(self, *bodies: RecordBody) -> list[Entry]:
        future = asyncio.get_running_loop().create_future
        entries = [Entry(body, future(), 0.0) for body in bodies]
        self.committer.put(entries)
        return entries

    async def finish(self) -> None:
        self.lane.gate.set()
        await self.committer.stop(20)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    await desk.committer.start()
    yield desk
    await desk.finish()


async def test_what_is_put_is_committed_in_its_order_and_reported(desk):
    first, second = a_story(desk.records), a_story(desk.records)
    bodies = [first.admitted(), second.admitted(), second.attempted(), first.attempted()]
    desk.put(*bodies[:2])
    desk.put(*bodies[2:])
    await desk.finish()
    assert [body for batch in desk.lane.batches for body in batch] == bodies == desk.durable


async def test_one_record_that_cannot_be_written_does_not_take_its_neighbours_with_it(desk):
    story = a_story(desk.records)
    odd = {**a_story(desk.records).denied(), "reason": object()}
    desk.put(story.admitted(), odd, story.attempted())
    await desk.finish()
    assert desk.refused == [("denied", "not_json")]
    assert [body["kind"] for body in desk.durable] == ["admitted", "attempted"]


async def test_a_lane_that_tells_early_has_those_who_wait_go_on_before_it_returns(desk):
    desk.lane.gate.clear()
    [entry] = desk.put(a_story(desk.records).denied())
    await desk.lane.begun()
    desk.lane.tell_durable()
    assert (entry.state, len(desk.durable)) == (State.DURABLE, 1)
    await desk.finish()
    assert len(desk.durable) == 1  # told once


async def test_a_fault_while_telling_early_stops_the_ledger_as_one_while_telling_late(desk, caplog):
    def fail(durable: Sequence[Entry], refusals: Sequence[Refusal]) -> None:
        raise ZeroDivisionError

    desk.lane.gate.clear()
    desk.committer._report = fail
    desk.put(a_story(desk.records).denied())
    await desk.lane.begun()
    with pytest.raises(ZeroDivisionError):
        desk.lane.tell_durable()
    await desk.finish()
    assert "ledger_stopped" in caplog.messages


async def test_giving_up_names_those_that_were_not_durable_by_then(desk):
    desk.lane.gate.clear()
    held = desk.put(a_story(desk.records).denied())
    await desk.lane.begun()
    waiting = desk.put(a_story(desk.records).denied())
    assert desk.committer.give_up([*held, *waiting]) == [*held, *waiting]
    await desk.finish()
    assert desk.durable == []
    assert [entry.state for entry in (*held, *waiting)] == [State.GIVEN_UP] * 2
    assert desk.lane.kinds == ["denied"]  # what was on its way could not be called back


async def test_what_is_durable_is_not_given_up(desk):
    entries = desk.put(a_story(desk.records).denied())
    await desk.lane.holds("denied")
    await desk.finish()
    assert desk.committer.give_up(entries) == []


async def test_a_missing_end_is_made_good_although_nobody_appends(desk):
    story = a_story(desk.records)
    desk.put(story.admitted())
    await desk.lane.holds("admitted")
    desk.lane.refuses = True
    desk.put(story.completed())
    await asyncio.wait_for(desk.refusal_told.wait(), 20)
    desk.lane.refuses = False
    await desk.lane.holds("admitted", "unknown")
    assert desk.lane.batches[-1][0]["reason"] == "end not recorded"


async def test_at_its_end_the_lane_is_closed_and_settled_for_the_next_start(desk):
    desk.put(a_story(desk.records).denied())
    await desk.finish()
    assert (desk.lane.settled_seq, desk.lane.is_open) == (1, False)


async def test_the_settled_mark_moves_on_while_it_runs(desk):
    for _ in range(SETTLE_EVERY + 512):
        desk.put(a_story(desk.records).denied())
    await desk.lane.holds(*["denied"] * (SETTLE_EVERY + 512))
    assert desk.lane.settled_seq >= SETTLE_EVERY


async def test_a_mark_that_cannot_be_set_does_not_keep_it_from_ending(desk):
    desk.put(a_story(desk.records).denied())
    await desk.lane.holds("denied")
    desk.lane.refuses = True
    await desk.finish()
    assert desk.lane.settled_seq == 0


async def test_a_lane_that_does_not_open_starts_no_task():
    desk = Desk()
    desk.lane.refuses = True
    with pytest.raises(LaneRefused):
        await desk.committer.start()
    assert "ledger-committer" not in {task.get_name() for task in asyncio.all_tasks()}
