"""The lane in the SQLite file: durable, searchable, and honest when the disk is full."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.audit.chain import ChainHead, find_breaks
from gateway.audit.writer import LedgerWriter
from gateway.errors import LedgerUnavailable
from gateway.store.database import PRAGMAS, Database, open_database
from gateway.store.lane import SqliteLane
from gateway.store.ledger import Ledger
from tests.fakes.ledger import a_ledger_in, a_story, some_records


def rows(file: Path, table: str) -> int:
    with closing(sqlite3.connect(file)) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def pages(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        (count,) = connection.execute("PRAGMA page_count").fetchone()
    return int(count)


async def append_until_it_fails(writer: LedgerWriter) -> int:
    records = some_records()
    for taken in range(1000):
        try:
            await writer.append(a_story(records, model="m" * 500).admitted())
        except LedgerUnavailable:
            return taken
    raise AssertionError("the disk was never full")


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


async def test_a_full_disk_fails_the_record_and_room_on_it_mends_the_writer(tmp_path):
    database = open_database(tmp_path)
    # The limit lasts as long as a connection, and the lane connects anew after a refusal.
    pragmas = [*PRAGMAS, f"PRAGMA max_page_count={pages(database.file) + 8}"]
    records = some_records()
    lane = SqliteLane(database.file, records.new_ulid(), opened_unix_us=1, pragmas=pragmas)
    writer = LedgerWriter(lane, records)
    writer.start()
    taken = await append_until_it_fails(writer)
    assert 0 < taken == rows(database.file, "audit_body")
    with pytest.raises(LedgerUnavailable):
        await writer.append(a_story(records, model="m" * 500).admitted())
    pragmas.pop()
    await writer.append(a_story(records).denied())
    await writer.append(a_story(records).denied())
    await writer.close()
    await assert_whole(database, writer.lane, taken + 2)


async def assert_whole(database: Database, lane: str, length: int) -> None:
    chain = await Ledger(database).chain(lane, after_seq=0, limit=10_000)
    await database.close()
    assert len(chain) == length
    assert find_breaks(ChainHead.of_new(lane), chain) == []


async def test_a_locked_database_fails_the_record_and_its_release_mends_the_writer(tmp_path):
    database = open_database(tmp_path)
    records = some_records()
    pragmas = (*PRAGMAS, "PRAGMA busy_timeout=20")
    lane = SqliteLane(database.file, records.new_ulid(), opened_unix_us=1, pragmas=pragmas)
    writer = LedgerWriter(lane, records)
    writer.start()
    async with database.writing():
        with pytest.raises(LedgerUnavailable):
            await writer.append(a_story(records).denied())
    await writer.append(a_story(records).denied())
    await writer.close()
    await assert_whole(database, writer.lane, 1)


async def test_a_database_that_went_away_is_not_made_anew(tmp_path):
    lane = SqliteLane(tmp_path / "gatehouse.db", "01LANE", opened_unix_us=1)
    writer = LedgerWriter(lane, some_records())
    with pytest.raises(LedgerUnavailable, match="cannot be opened"):
        writer.start()
    assert list(tmp_path.iterdir()) == []
