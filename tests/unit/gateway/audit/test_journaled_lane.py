"""Two devices: one that takes a batch is enough, and what both refused is told apart."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.audit import filing, journaled_lane
from gateway.audit.batch import Batch, OpenExchanges, Rows
from gateway.audit.chain import ChainHead, record_hash
from gateway.audit.filing import LaneRefused
from gateway.audit.journal import Journal
from gateway.audit.journaled_lane import JournaledLane
from gateway.audit.sync import Told
from tests.fakes.ledger import a_story, some_records

LANE = "01TESTLANE0000000000000000"
SEGMENT_BYTES = 16 * 1024


class FakeStore:
    """A database in memory that refuses when told to."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, bytes]] = []
        self.settled_seq = 0
        self.writes = 0
        self.written = asyncio.Event()
        self.refuses = False
        self.refuses_after_its_work = False
        self.refuses_after: int | None = None  # writes

    @property
    def seqs(self) -> list[int]:
        return [seq for seq, _ in self.rows]

    async def open(self, journaled: Iterable[bytes]) -> ChainHead:
        if self.refuses:
            raise LaneRefused("unable to open database file")
        missing = Rows()
        for raw in journaled:
            missing.add_raw(raw)
        last = self.rows[-1][0] if self.rows else 0
        self._take(missing.after(last))
        if not self.rows:
            return ChainHead.of_new(LANE)
        return ChainHead(LANE, *self.rows[-1])

    async def write(self, rows: Rows, settled_seq: int | None, within_seconds: float) -> None:
        if self.refuses or self.writes == self.refuses_after:
            raise LaneRefused("database or disk is full")
        self.writes += 1
        self.written.set()
        self._take(rows)
        self.settled_seq = self.settled_seq if settled_seq is None else settled_seq
        if self.refuses_after_its_work:
            self.refuses_after_its_work = False
            raise LaneRefused("disk I/O error")

    def _take(self, rows: Rows) -> None:
        taken = [(leaf[1], leaf[3]) for leaf in rows.leaves]
        assert not {seq for seq, _ in taken} & set(self.seqs), "a record was filed twice"
        self.rows += taken

    async def close(self) -> None:
        pass


class MoodySyncer:
    """Syncs until told to refuse. A refused sync may have done its work."""

    def __init__(self) -> None:
        self.refuses = False

    async def sync(self, descriptor: int, synced: Told | None = None) -> None:
        if self.refuses:
            raise OSError("Input/output error")
        os.fdatasync(descriptor)
        if synced is not None:
            synced()

    def close(self) -> None:
        pass


class Desk:
    """A lane, its two devices, and what it was given."""

    def __init__(self, folder: Path, store: FakeStore, limit_bytes: int) -> None:
        self.store = store
        self.syncer = MoodySyncer()
        journal = Journal(folder, segment_bytes=SEGMENT_BYTES, limit_bytes=limit_bytes)
        self.lane = JournaledLane(LANE, journal, self.syncer, store)
        self._records = some_records()

    async def write(self, count: int = 1, settled_seq: int | None = None) -> list[bytes]:
        batch = Batch(self.lane.head, OpenExchanges())
        for _ in range(count):
            batch.add(a_story(self._records).denied())
        await self.lane.write(batch, settled_seq)
        return batch.raws


@asynccontextmanager
async def a_desk(
    folder: Path, store: FakeStore | None = None, limit_bytes: int = 64 * SEGMENT_BYTES
) -> AsyncIterator[Desk]:
    desk = Desk(folder, store or FakeStore(), limit_bytes)
    await desk.lane.open()
    try:
        yield desk
    finally:
        desk.store.refuses = desk.syncer.refuses = False
        await desk.lane.close()


def journaled(folder: Path) -> list[bytes]:
    journal = Journal(folder)
    records = list(journal.records())
    journal.close()
    return records


@pytest.fixture(autouse=True)
def _in_no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is filed by itself, and a journal that refused is asked again at once."""
    monkeypatch.setattr(filing, "FILE_EVERY_SECONDS", 3600.0)
    monkeypatch.setattr(journaled_lane, "REST_SECONDS", 0.0)


async def test_a_batch_is_durable_in_the_journal_before_the_database_has_it(tmp_path):
    async with a_desk(tmp_path) as desk:
        raws = await desk.write(3)
        assert journaled(tmp_path) == raws
        assert desk.store.rows == []
        assert desk.lane.head == ChainHead(LANE, 3, record_hash(raws[-1]))


async def test_many_batches_are_filed_in_one_write(tmp_path):
    async with a_desk(tmp_path) as desk:
        for _ in range(20):
            await desk.write(2)
        await desk.lane.flush()
        assert desk.store.seqs == list(range(1, 41))
        assert desk.store.writes == 1


async def test_what_an_outage_has_left_is_filed_in_portions(tmp_path, monkeypatch):
    monkeypatch.setattr(filing, "FILED_AT_ONCE", 7)
    async with a_desk(tmp_path) as desk:
        for _ in range(10):
            await desk.write(2)
        await desk.lane.flush()
        assert desk.store.seqs == list(range(1, 21))
        assert desk.store.writes == 3
        assert journaled(tmp_path) != []  # the segment under way
        await desk.write(1)
        await desk.lane.flush()
        assert desk.store.seqs == list(range(1, 22))


async def test_a_portion_that_is_refused_is_filed_with_what_follows(tmp_path, monkeypatch):
    monkeypatch.setattr(filing, "FILED_AT_ONCE", 5)
    async with a_desk(tmp_path) as desk:
        await desk.write(12, settled_seq=11)
        desk.store.refuses_after = 1
        with pytest.raises(LaneRefused):
            await desk.lane.flush()
        assert desk.store.seqs == [1, 2, 3, 4, 5]
        assert desk.store.settled_seq == 0  # else what is lost with the journal had no end
        desk.store.refuses_after = None
        await desk.lane.flush()
        assert desk.store.seqs == list(range(1, 13))
        assert desk.store.settled_seq == 11


async def test_filing_happens_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(filing, "FILE_EVERY_SECONDS", 0.001)
    async with a_desk(tmp_path) as desk:
        await desk.write()
        await asyncio.wait_for(desk.store.written.wait(), 20)
    assert desk.store.seqs == [1]


async def test_a_process_that_died_left_its_records_to_the_next(tmp_path):
    store = FakeStore()
    died = Desk(tmp_path, store, 64 * SEGMENT_BYTES)
    await died.lane.open()
    await died.write(2)
    await died.lane.flush()
    await died.write(3)
    async with a_desk(tmp_path, store) as desk:
        assert store.seqs == [1, 2, 3, 4, 5]
        assert desk.lane.head.seq == 5
        assert journaled(tmp_path) == []


async def test_a_database_that_refuses_stops_nobody_and_gets_everything_later(tmp_path):
    async with a_desk(tmp_path) as desk:
        desk.store.refuses = True
        await desk.write(2)
        with pytest.raises(LaneRefused):
            await desk.lane.flush()
        await desk.write(2)
        desk.store.refuses = False
        await desk.lane.flush()
        assert desk.store.seqs == [1, 2, 3, 4]


async def test_a_filing_that_failed_with_its_work_done_is_not_done_twice(tmp_path):
    async with a_desk(tmp_path) as desk:
        await desk.write(2)
        desk.store.refuses_after_its_work = True
        with pytest.raises(LaneRefused):
            await desk.lane.flush()
        await desk.write(1)
        await desk.lane.flush()
        assert desk.store.seqs == [1, 2, 3]


async def test_a_journal_that_refuses_is_replaced_by_the_database_with_all_before(tmp_path):
    async with a_desk(tmp_path) as desk:
        await desk.write(2)
        desk.syncer.refuses = True
        await desk.write(1)
        assert desk.store.seqs == [1, 2, 3]
        desk.syncer.refuses = False
        await desk.write(1)
        assert desk.store.seqs == [1, 2, 3]
        await desk.lane.flush()
        assert desk.store.seqs == [1, 2, 3, 4]


async def test_a_full_journal_is_emptied_into_the_database(tmp_path):
    async with a_desk(tmp_path, limit_bytes=2 * SEGMENT_BYTES) as desk:
        for _ in range(300):
            await desk.write(1)
        await desk.lane.flush()
        assert desk.store.seqs == list(range(1, 301))
        assert 1 < desk.store.writes < 60


async def test_what_neither_device_takes_is_refused(tmp_path):
    async with a_desk(tmp_path) as desk:
        desk.syncer.refuses = desk.store.refuses = True
        with pytest.raises(LaneRefused):
            await desk.write()
        assert not desk.lane.is_open
        with pytest.raises(LaneRefused):
            await desk.lane.open()


async def test_after_a_refusal_opening_tells_what_became_of_the_batch(tmp_path):
    async with a_desk(tmp_path) as desk:
        first = await desk.write(1)
        desk.syncer.refuses = desk.store.refuses = True
        with pytest.raises(LaneRefused):
            await desk.write(1)  # its bytes stand in the file, and may or may not be on the disk
        desk.syncer.refuses = desk.store.refuses = False
        await desk.lane.open()
        assert desk.lane.head.seq == 2
        assert desk.store.rows[0] == (1, record_hash(first[0]))
        await desk.write(1)
        await desk.lane.flush()
        assert desk.store.seqs == [1, 2, 3]


async def test_a_mark_alone_reaches_the_database_with_the_next_filing(tmp_path):
    async with a_desk(tmp_path) as desk:
        await desk.write(4)
        await desk.write(0, settled_seq=4)
        await desk.lane.flush()
        assert (desk.store.settled_seq, desk.store.writes) == (4, 1)


async def test_what_the_database_refuses_at_the_end_stays_in_the_journal(tmp_path):
    desk = Desk(tmp_path, FakeStore(), 64 * SEGMENT_BYTES)
    await desk.lane.open()
    raws = await desk.write(2)
    desk.store.refuses = True
    await desk.lane.close()
    assert journaled(tmp_path) == raws


async def test_a_lane_whose_journal_has_no_room_begins_on_the_database_alone(tmp_path):
    async with a_desk(tmp_path, limit_bytes=10) as desk:
        await desk.write(2)
        assert desk.store.seqs == [1, 2]


async def refused_by_both(desk: Desk) -> None:
    """As after a batch that neither device took, and an attempt to open again."""
    desk.syncer.refuses = desk.store.refuses = True
    with pytest.raises(LaneRefused):
        await desk.write()
    with pytest.raises(LaneRefused):
        await desk.lane.open()
    desk.syncer.refuses = False


async def test_what_was_acknowledged_survives_a_database_that_does_not_open(tmp_path):
    async with a_desk(tmp_path) as desk:
        raws = await desk.write(3)
        await refused_by_both(desk)
        with pytest.raises(LaneRefused):
            await desk.lane.flush()
        assert journaled(tmp_path)[:3] == raws
        desk.store.refuses = False
        await desk.lane.flush()
        assert desk.store.seqs == [1, 2, 3]


async def test_a_lane_closed_while_it_is_refused_leaves_its_journal_alone(tmp_path):
    desk = Desk(tmp_path, FakeStore(), 64 * SEGMENT_BYTES)
    await desk.lane.open()
    raws = await desk.write(3)
    await refused_by_both(desk)
    desk.store.refuses = False
    await desk.lane.close()
    assert journaled(tmp_path)[:3] == raws


async def test_a_journal_that_refused_is_left_alone_for_a_while(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(journaled_lane, "REST_SECONDS", 3600.0)
    async with a_desk(tmp_path) as desk:
        desk.syncer.refuses = True
        await desk.write()
        desk.syncer.refuses = False
        await desk.write()
        assert desk.store.seqs == [1, 2]
    assert [each.message for each in caplog.records] == ["ledger_journal_refused"]


async def test_a_caller_who_leaves_a_flush_does_not_have_it_done_twice(tmp_path):
    async with a_desk(tmp_path) as desk:
        await desk.write(2)
        leaving = asyncio.ensure_future(desk.lane.flush())
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        await desk.write(1)
        await desk.lane.flush()
        assert desk.store.seqs == [1, 2, 3]
