"""Reading the ledger's own file past a cursor."""

import sqlite3
from contextlib import closing

import orjson
import pytest

from gateway.store import database
from gateway.telemetry.model import LedgerUnreadable, Record
from gateway.telemetry.source import FILE_NAME, LedgerSource
from tests.fakes.ledger_stories import Stories, chained


@pytest.fixture
async def data(tmp_path):
    """A data folder with a database of the newest schema."""
    opened = database.open_database(tmp_path)
    yield tmp_path
    await opened.close()


@pytest.fixture
def source(data):
    opened = LedgerSource(data, "otlp")
    yield opened
    opened.close()


def write(data, records: list[Record]) -> None:
    """Put rows where the writer puts them."""
    with closing(sqlite3.connect(data / FILE_NAME)) as connection, connection:
        connection.execute(
            "INSERT INTO audit_lane (lane, opened_unix_us, settled_seq) VALUES (?, 1, 0)"
            " ON CONFLICT DO NOTHING",
            (records[0].lane,),
        )
        for record in records:
            write_row(connection, record)


def write_row(connection: sqlite3.Connection, record: Record, raw: str | None = None) -> None:
    place = (record.lane, record.seq)
    digest = bytes.fromhex(record.record_hash)
    connection.execute(
        "INSERT INTO audit_leaf (lane, seq, record_id, record_hash, prev_hash, time_unix_us)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (*place, record.body["record_id"], digest, digest, record.time_us),
    )
    connection.execute(
        "INSERT INTO audit_body (lane, seq, exchange_id, kind, time_unix_us, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            *place,
            record.body["exchange_id"],
            record.kind,
            record.time_us,
            raw if raw is not None else orjson.dumps(record.body).decode(),
        ),
    )


def test_the_file_is_the_one_the_store_opens():
    assert database.FILE_NAME == FILE_NAME


def test_rows_come_back_as_they_were_written(data, source):
    records = chained(Stories().answered())
    write(data, records)
    assert source.read_page(10) == tuple(records)


def test_an_empty_ledger_has_no_page(source):
    assert source.read_page(10) == ()


def test_a_page_ends_where_it_is_told_and_the_next_begins_after_the_cursor(data, source):
    records = chained(Stories().answered())
    write(data, records)
    first = source.read_page(2)
    source.advance(first[-1])
    assert first == tuple(records[:2])
    assert source.read_page(2) == (records[2],)


def test_without_an_advance_the_same_page_comes_again(data, source):
    write(data, chained(Stories().answered()))
    assert source.read_page(2) == source.read_page(2)


def test_rows_written_after_an_empty_page_are_seen(data, source):
    assert source.read_page(10) == ()
    write(data, chained(Stories().answered()))
    assert len(source.read_page(10)) == 3


def test_older_lanes_come_first_and_each_has_its_own_cursor(data, source):
    younger = chained(Stories(1).answered(), "01B")
    older = chained(Stories(2).denied(), "01A")
    write(data, younger)
    write(data, older)
    first = source.read_page(10)
    source.advance(first[-1])
    assert first == tuple(older)
    assert source.read_page(10) == tuple(younger)


def test_a_cursor_outlives_the_process_and_belongs_to_its_sink(data, source):
    write(data, chained(Stories().answered()))
    source.advance(source.read_page(10)[-1])
    with closing(LedgerSource(data, "otlp")) as same, closing(LedgerSource(data, "none")) as other:
        assert same.read_page(10) == ()
        assert len(other.read_page(10)) == 3


def test_a_cursor_never_goes_back(data, source):
    records = chained(Stories().answered())
    write(data, records)
    source.advance(records[2])
    source.advance(records[0])
    source.close()
    assert source.read_page(10) == ()


def test_all_records_of_an_exchange_are_found_also_across_lanes(data, source):
    stories = Stories()
    bodies = stories.lost()
    here = chained([*stories.answered(), *bodies[:-1]], "01A")
    write(data, here)
    write(data, chained(bodies[-1:], "01B"))
    found = source.read_exchange(str(bodies[0]["exchange_id"]))
    assert [record.kind for record in found] == ["admitted", "attempted", "attempted", "unknown"]


def test_a_body_that_is_no_json_keeps_its_place_and_hash(data, source):
    record = chained(Stories().denied())[0]
    with closing(sqlite3.connect(data / FILE_NAME)) as connection, connection:
        connection.execute(
            "INSERT INTO audit_lane (lane, opened_unix_us, settled_seq) VALUES ('01LANE', 1, 0)"
        )
        write_row(connection, record, raw='["not", "an", "object"]')
    page = source.read_page(10)
    assert page == (Record.read("01LANE", 1, record.record_hash, {}),)
    assert page[0].kind == "unreadable"


def test_the_writer_is_never_kept_waiting_by_a_page_that_travels(data, source):
    write(data, chained(Stories(1).answered(), "01A"))
    source.read_page(10)
    with closing(sqlite3.connect(data / FILE_NAME, timeout=0)) as writer, writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute(
            "INSERT INTO audit_lane (lane, opened_unix_us, settled_seq) VALUES ('01B', 1, 0)"
        )
        writer.execute("COMMIT")
        busy, _, _ = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0


def test_a_missing_file_is_an_error_and_is_not_made(tmp_path):
    with pytest.raises(LedgerUnreadable):
        LedgerSource(tmp_path, "otlp").read_page(1)
    assert list(tmp_path.iterdir()) == []
