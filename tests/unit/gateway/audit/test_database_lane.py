"""The database first: the journal takes what it refuses, until the database has it all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.audit import database_lane, filing, journaled_lane
from gateway.audit.batch import Batch, OpenExchanges, Rows
from gateway.audit.chain import ChainHead
from gateway.audit.database_lane import PATIENCE_SECONDS, DatabaseLane
from gateway.audit.filing import LaneRefused
from gateway.audit.journal import Journal
from tests.fakes.ledger import a_story, some_records
from tests.unit.gateway.audit.test_journaled_lane import (
    LANE,
    SEGMENT_BYTES,
    FakeStore,
    MoodySyncer,
    journaled,
)


class PatientStore(FakeStore):
    """Notes how long each write might take."""

    def __init__(self) -> None:
        super().__init__()
        self.patience: list[float] = []
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def write(self, rows: Rows, settled_seq: int | None, within_seconds: float) -> None:
        self.patience.append(within_seconds)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        await super().write(rows, settled_seq, within_seconds)


class Desk:
    """A lane, its two devices, and what it was given."""

    def __init__(self, folder: Path) -> None:
        self.store = PatientStore()
        self.syncer = MoodySyncer()
        journal = Journal(folder, segment_bytes=SEGMENT_BYTES, limit_bytes=64 * SEGMENT_BYTES)
        self.lane = DatabaseLane(LANE, journal, self.syncer, self.store)
        self._records = some_records()

    async def write(self, count: int = 1, settled_seq: int | None = None) -> list[bytes]:
        batch = Batch(self.lane.head, OpenExchanges())
        for _ in range(count):
            batch.add(a_story(self._records).denied())
        await self.lane.write(batch, settled_seq)
        return batch.raws


@asynccontextmanager
async def a_desk(folder: Path) -> AsyncIterator[Desk]:
    desk = Desk(folder)
    await desk.lane.open()
    try:
        yield desk
    finally:
        desk.store.refuses = desk.syncer.refuses = False
        await desk.lane.close()


@pytest.fixture(autouse=True)
def _in_no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is filed by itself, and a journal that refused is asked again at once."""
    monkeypatch.setattr(filing, "FILE_EVERY_SECONDS", 3600.0)
    monkeypatch.setattr(journaled_lane, "REST_SECONDS", 0.0)


async def test_a_batch_is_durable_in_the_database_and_the_journal_is_not_touched(tmp_path):
    async with a_desk(tmp_path) as desk:
        await desk.write(3)
        assert desk.store.seqs == [1, 2, 3]
        assert desk.lane.head.seq == 3
        assert journaled(tmp_path) == []


async def test_a_request_waits_for_the_database_no_longer_than_it_must(tmp_path):
    async with a_desk(tmp_path) as desk:
        await desk.write()
        assert desk.store.patience == [PATIENCE_SECONDS]


async def test_what_the_database_refuses_the_journal_takes(tmp_path, caplog):
    async with a_desk(tmp_path) as desk:
        await desk.write(1)
        desk.store.refuses = True
        raws = await desk.write(2)
        assert journaled(tmp_path) == raws
        assert desk.lane.head.seq == 3
    assert "ledger_database_refused" in [record.message for record in caplog.records]


async def test_a_database_that_refused_is_not_asked_again_by_every_request(tmp_path, caplog):
    async with a_desk(tmp_path) as desk:
        desk.store.refuses = True
        for _ in range(10):
            await desk.write()
        refusals = [r for r in caplog.records if r.message == "ledger_database_refused"]
        assert len(refusals) == 1


async def test_once_the_database_has_what_was_kept_from_it_it_comes_first_again(tmp_path):
    async with a_desk(tmp_path) as desk:
        desk.store.refuses = True
        await desk.write(2)
        desk.store.refuses = False
        await desk.lane.flush()
        await desk.write(2)
        assert desk.store.seqs == [1, 2, 3, 4]
        assert desk.store.patience[-1] == PATIENCE_SECONDS


async def test_it_comes_first_again_only_when_it_has_nearly_caught_up(tmp_path, monkeypatch):
    monkeypatch.setattr(database_lane, "CAUGHT_UP_RECORDS", 1)
    async with a_desk(tmp_path) as desk:
        desk.store.refuses = True
        await desk.write(2)
        desk.store.refuses = False
        desk.store.meanwhile = lambda: desk.write(2)
        await desk.lane.flush()
        await desk.write(1)
        assert desk.store.seqs == [1, 2]
        await desk.lane.flush()
        await desk.write(1)
        assert desk.store.seqs == [1, 2, 3, 4, 5, 6]


async def test_that_happens_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(filing, "FILE_EVERY_SECONDS", 0.001)
    monkeypatch.setattr(filing, "RETRY_SECONDS", 0.001)
    async with a_desk(tmp_path) as desk:
        desk.store.refuses = True
        await desk.write(2)
        desk.store.refuses = False
        await asyncio.wait_for(desk.store.written.wait(), 20)
        assert desk.store.seqs == [1, 2]


async def test_what_came_while_the_database_caught_up_is_before_what_comes_next(tmp_path):
    async with a_desk(tmp_path) as desk:
        desk.store.refuses = True
        await desk.write(2)
        desk.store.refuses = False
        catching_up = asyncio.create_task(desk.lane.flush())
        await desk.write(2)
        await catching_up
        await desk.write(1)
        assert desk.store.seqs == [1, 2, 3, 4, 5]


async def test_a_refusal_with_its_work_done_is_not_done_twice(tmp_path):
    async with a_desk(tmp_path) as desk:
        desk.store.refuses_after_its_work = True
        await desk.write(2)
        await desk.write(1)
        await desk.lane.flush()
        assert desk.store.seqs == [1, 2, 3]


async def test_what_neither_device_takes_is_refused(tmp_path):
    async with a_desk(tmp_path) as desk:
        desk.store.refuses = desk.syncer.refuses = True
        with pytest.raises(LaneRefused):
            await desk.write()
        assert not desk.lane.is_open


async def test_a_journal_that_refuses_beside_a_database_that_is_back_stops_nobody(tmp_path):
    async with a_desk(tmp_path) as desk:
        desk.store.refuses = True
        await desk.write(2)
        desk.store.refuses, desk.syncer.refuses = False, True
        await desk.write(1)
        assert desk.store.seqs == [1, 2, 3]


async def test_a_replica_without_a_disk_works_on_the_database_alone(tmp_path):
    (tmp_path / "journal").write_text("no folder")
    desk = Desk(tmp_path / "journal")
    await desk.lane.open()
    await desk.write(3)
    assert desk.store.seqs == [1, 2, 3]
    desk.store.refuses = True
    with pytest.raises(LaneRefused):
        await desk.write(1)
    desk.store.refuses = False
    await desk.lane.open()
    await desk.write(1)
    await desk.lane.close()
    assert desk.store.seqs == [1, 2, 3, 4]


async def test_a_mark_goes_with_its_batch(tmp_path):
    async with a_desk(tmp_path) as desk:
        await desk.write(4, settled_seq=3)
        assert desk.store.settled_seq == 3
        await desk.write(0, settled_seq=4)
        await desk.lane.flush()
        assert desk.store.settled_seq == 4


async def test_a_process_that_died_while_the_database_was_away_left_its_records_to_the_next(
    tmp_path,
):
    died = Desk(tmp_path)
    await died.lane.open()
    await died.write(2)
    died.store.refuses = True
    await died.write(3)
    after = Desk(tmp_path)
    after.store.rows = died.store.rows
    await after.lane.open()
    assert after.store.seqs == [1, 2, 3, 4, 5]
    assert after.lane.head == ChainHead(LANE, 5, after.store.rows[-1][1])
    await after.lane.close()
