"""Whatever a gateway that is gone has left open gets exactly one end, whoever gives it."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import select, update

from gateway.audit.chain import ChainHead, find_breaks
from gateway.audit.lost import LostExchange, PastAttempt
from gateway.store import lanes as lanes_module
from gateway.store.database import open_store
from gateway.store.lanes import Lanes
from gateway.store.tables import LANES
from tests.fakes.ledger import Clock, LedgerFolder, a_ledger_in, a_story, some_records

LATER = 1_790_000_100_000_000


async def ends(folder: LedgerFolder) -> Counter[str]:
    rows, _ = await folder.ledger.after({}, 10_000)
    return Counter(row.exchange_id for row in rows if row.kind in {"completed", "unknown"})


async def recovered(folder: LedgerFolder) -> int:
    return await folder.lanes.end_unsettled(but_lane=folder.writer.lane)


async def set_beat(folder: LedgerFolder, lane: str, beat: int | None) -> None:
    async with folder.database.writing() as connection:
        await connection.execute(update(LANES).where(LANES.c.lane == lane).values(beat=beat))


async def marks_of(folder: LedgerFolder, lane: str) -> tuple[int, int | None, int | None]:
    columns = (LANES.c.settled_seq, LANES.c.recovered_seq, LANES.c.beat)
    async with folder.database.reading() as connection:
        found = await connection.execute(select(*columns).where(LANES.c.lane == lane))
        return tuple(found.one())


async def left_open(folder: LedgerFolder, exchanges: int = 1) -> str:
    """A lane whose writer is gone without a word; its name."""
    await folder.write(*[a_story(folder.records).admitted() for _ in range(exchanges)])
    await set_beat(folder, folder.writer.lane, None)
    return folder.writer.lane


async def test_what_was_left_open_is_ended_as_unknown_with_its_attempts(tmp_path, address):
    async with a_ledger_in(tmp_path, address=address) as first:
        done = await first.write_story()
        left = a_story(first.records, team="payments", model="small")
        await first.write(left.admitted(), left.attempted("house/small"))
        await set_beat(first, first.writer.lane, None)
    async with a_ledger_in(tmp_path, Clock(LATER), address) as second:
        assert await recovered(second) == 1
        assert await ends(second) == {done: 1, left.exchange.id: 1}
        (end,) = await second.ledger.newest(1)
        assert end.kind == "unknown"
        assert end.lane not in {first.writer.lane, second.writer.lane}
        assert await marks_of(second, first.writer.lane) == (5, 5, None)
    assert end.body["attempts"] == [{"attempt": 1, "target": "house/small"}]
    assert (end.body["team"], end.body["model"]) == ("payments", "small")
    assert end.body["reason"] == "process ended"


async def test_what_is_open_is_told_with_its_attempts(tmp_path, address):
    async with a_ledger_in(tmp_path, address=address) as folder:
        await folder.write_story()
        story = a_story(folder.records, team="payments", model="small")
        await folder.write(story.admitted(), story.attempted("a/b"), story.attempted("c/d"))
        await folder.write(a_story(folder.records).denied())
        attempts = (PastAttempt(1, "a/b"), PastAttempt(2, "c/d"))
        assert await folder.lanes.open_exchanges(folder.writer.lane) == [
            LostExchange(story.exchange.id, "payments", "small", attempts)
        ]
        assert await folder.lanes.open_exchanges("01NOSUCHLANE00000000000000") == ()


async def test_recovering_again_changes_nothing(tmp_path, address):
    async with a_ledger_in(tmp_path, address=address) as first:
        await left_open(first)
    async with a_ledger_in(tmp_path, Clock(LATER), address) as second:
        await recovered(second)
        assert await recovered(second) == 0
        assert await second.lanes.unsettled(but_lane=second.writer.lane) == []
    async with a_ledger_in(tmp_path, Clock(2 * LATER), address) as third:
        assert await recovered(third) == 0
        assert set((await ends(third)).values()) == {1}


async def test_more_than_fits_a_transaction_is_recovered(tmp_path, address, monkeypatch):
    monkeypatch.setattr(lanes_module, "AT_ONCE", 50)
    async with a_ledger_in(tmp_path, address=address) as first:
        await left_open(first, 203)
    async with a_ledger_in(tmp_path, Clock(LATER), address) as second:
        assert await recovered(second) == 203
        assert set((await ends(second)).values()) == {1}


async def test_the_ends_of_all_lanes_are_one_chain(tmp_path, address):
    for number in range(3):
        async with a_ledger_in(tmp_path, Clock(LATER + number), address) as each:
            await left_open(each, 2)
    async with a_ledger_in(tmp_path, Clock(2 * LATER), address) as last:
        assert await recovered(last) == 6
        (end,) = await last.ledger.newest(1)
        chain = await last.chain(end.lane)
    assert [record.seq for record in chain] == [1, 2, 3, 4, 5, 6]
    assert find_breaks(ChainHead.of_new(end.lane), chain) == []


async def test_our_own_exchanges_are_left_alone(tmp_path, address):
    async with a_ledger_in(tmp_path, address=address) as folder:
        running = a_story(folder.records)
        await folder.write(running.admitted())
        assert await recovered(folder) == 0
        await folder.write(running.completed())
        assert await ends(folder) == {running.exchange.id: 1}


async def test_however_many_end_a_lane_at_once_it_is_ended_once(tmp_path, address):
    async with a_ledger_in(tmp_path, address=address) as first:
        lane = await left_open(first, 20)
        others = [await open_store(tmp_path, address) for _ in range(5)]
        each = [Lanes(other, first.records) for other in others]
        ended = await asyncio.gather(*(lanes.end(lane) for lanes in each))
        assert sorted(ended) == [0, 0, 0, 0, 20]
        assert set((await ends(first)).values()) == {1}
        for other in others:
            await other.close()


async def test_a_lane_whose_beat_goes_on_is_not_ended(tmp_path, address):
    async with a_ledger_in(tmp_path, address=address) as folder:
        lane = folder.writer.lane
        await folder.write(a_story(folder.records).admitted())
        await set_beat(folder, lane, 7)
        await folder.lanes.beat(lane)
        assert await folder.lanes.beats(but_lane="") == {lane: 8}
        assert await folder.lanes.beats(but_lane=lane) == {}
        assert await folder.lanes.end(lane, 7) == 0
        assert await ends(folder) == {}
        assert await folder.lanes.end(lane, 8) == 1
        assert await folder.lanes.beats(but_lane="") == {}


async def test_a_writer_that_leaves_in_order_is_expected_no_more(tmp_path, address):
    async with a_ledger_in(tmp_path, address=address) as folder:
        await folder.write_story()
        await folder.lanes.beat(folder.writer.lane)
        await folder.writer.close()
        await folder.lanes.leave(folder.writer.lane)
        assert await folder.lanes.beats(but_lane="") == {}


async def test_a_writer_that_leaves_something_open_is_looked_after(tmp_path, address):
    async with a_ledger_in(tmp_path, address=address) as folder:
        await folder.write(a_story(folder.records).admitted())
        await set_beat(folder, folder.writer.lane, 3)
        await folder.writer.close()
        await folder.lanes.leave(folder.writer.lane)
        assert await folder.lanes.beats(but_lane="") == {folder.writer.lane: 3}


@pytest.mark.parametrize("lane", ["01NOSUCHLANE00000000000000", ""])
async def test_a_lane_that_is_none_has_nothing_to_end(database, lane):
    assert await Lanes(database, some_records()).end(lane) == 0
