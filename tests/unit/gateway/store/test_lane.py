"""The lane in the SQLite file: durable, searchable, and honest when the disk is full."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.audit.batch import Batch, OpenExchanges
from gateway.audit.chain import ChainHead, find_breaks, record_hash
from gateway.audit.filing import LaneRefused
from gateway.audit.writer import LedgerWriter
from gateway.errors import LedgerUnavailable
from gateway.store.database import Database, open_database
from gateway.store.lane import SqliteLane
from gateway.store.ledger import Ledger
from gateway.store.sqlite import PRAGMAS
from tests.fakes.ledger import a_lane_in, a_ledger_in, a_story, some_records

LANE = "01TESTLANE0000000000000000"


def rows(file: Path, table: str) -> int:
    with closing(sqlite3.connect(file)) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def pages(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        (count,) = connection.execute("PRAGMA page_count").fetchone()
    return int(count)


async def test_every_record_has_its_leaf_and_its_body(tmp_path):
    async with a_ledger_in(tmp_path) as folder:
        for _ in range(50):
            await folder.write_story()
        chain = await folder.chain()
    assert len(chain) == rows(folder.database.file, "audit_body") == 150
    assert find_breaks(ChainHead.of_new(folder.writer.lane), chain) == []


@pytest.mark.parametrize("count", [1, 2, 3, 63, 64, 65, 200])
async def test_a_batch_of_any_size_is_written_whole(tmp_path, count):
    async with a_ledger_in(tmp_path) as folder:
        await folder.write(*[a_story(folder.records).denied() for _ in range(count)])
        chain = await folder.chain()
    assert [record.seq for record in chain] == list(range(1, count + 1))


async def test_a_batch_that_is_refused_half_way_leaves_no_row_and_no_transaction(tmp_path):
    database = open_database(tmp_path)
    lane = SqliteLane(database.file, LANE, opened_unix_us=1)
    await lane.open(())
    batch = Batch(ChainHead.of_new(LANE), OpenExchanges())
    for _ in range(70):
        batch.add(a_story(some_records()).denied())
    batch.rows.bodies[-1] = batch.rows.bodies[0]  # a place that is taken
    with pytest.raises(LaneRefused, match="UNIQUE"):
        await lane.write(batch.rows, None, 1.0)
    assert rows(database.file, "audit_leaf") == rows(database.file, "audit_body") == 0
    batch.rows.bodies[-1] = (LANE, 70, *batch.rows.bodies[0][2:])
    await lane.open(())
    await lane.write(batch.rows, None, 1.0)
    await lane.close()
    await database.close()
    assert rows(database.file, "audit_leaf") == rows(database.file, "audit_body") == 70


def journaled_records(count: int, lane: str = LANE) -> list[bytes]:
    batch = Batch(ChainHead.of_new(lane), OpenExchanges())
    for _ in range(count):
        batch.add(a_story(some_records()).denied())
    return batch.raws


async def test_what_only_the_journal_has_is_taken_over_once(tmp_path):
    database = open_database(tmp_path)
    ours, theirs = journaled_records(5), journaled_records(3, "01OTHERLANE000000000000000")
    lane = SqliteLane(database.file, LANE, opened_unix_us=1)
    assert (await lane.open(ours[:2])).seq == 2
    assert (await lane.open([*theirs, *ours])).seq == 5
    assert (await lane.open(ours)).record_hash == record_hash(ours[-1])
    await lane.close()
    assert rows(database.file, "audit_body") == rows(database.file, "audit_leaf") == 8


async def test_a_gap_in_the_journal_is_told_and_the_rest_is_kept(tmp_path, caplog):
    database = open_database(tmp_path)
    lane = SqliteLane(database.file, LANE, opened_unix_us=1)
    raws = journaled_records(5)
    assert (await lane.open([*raws[:2], *raws[3:]])).seq == 5
    await lane.close()
    assert [record.message for record in caplog.records] == ["ledger_records_lost"]


async def test_a_full_disk_keeps_records_in_the_journal_and_room_on_it_brings_them_over(tmp_path):
    database = open_database(tmp_path)
    # The limit lasts as long as a connection, and the lane connects anew after a refusal.
    pragmas = [*PRAGMAS, f"PRAGMA max_page_count={pages(database.file) + 8}"]
    records = some_records()
    writer = LedgerWriter(a_lane_in(database, records, pragmas=pragmas), records)
    await writer.start()
    for _ in range(100):
        await writer.append(a_story(records, model="m" * 500).admitted())
    with pytest.raises(LedgerUnavailable, match="full"):
        await writer.flush()
    assert rows(database.file, "audit_body") < 100
    pragmas.pop()
    await writer.append(a_story(records).denied())
    await writer.close()
    await assert_whole(database, writer.lane, 101)


async def assert_whole(database: Database, lane: str, length: int) -> None:
    chain = await Ledger(database).chain(lane, after_seq=0, limit=10_000)
    await database.close()
    assert len(chain) == length
    assert find_breaks(ChainHead.of_new(lane), chain) == []


async def test_a_locked_database_is_waited_for_by_nobody_but_its_readers(tmp_path):
    database = open_database(tmp_path)
    records = some_records()
    pragmas = (*PRAGMAS, "PRAGMA busy_timeout=20")
    writer = LedgerWriter(a_lane_in(database, records, pragmas=pragmas), records)
    await writer.start()
    async with database.writing():
        await writer.append(a_story(records).denied())
        with pytest.raises(LedgerUnavailable, match="locked"):
            await writer.flush()
    await writer.append(a_story(records).denied())
    await writer.close()
    await assert_whole(database, writer.lane, 2)


async def test_a_database_that_went_away_is_not_made_anew(tmp_path):
    lane = SqliteLane(tmp_path / "gatehouse.db", LANE, opened_unix_us=1)
    with pytest.raises(LaneRefused, match="unable to open"):
        await lane.open(())
    assert list(tmp_path.iterdir()) == []
