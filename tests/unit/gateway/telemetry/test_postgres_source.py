"""Each row of a shared ledger is taken by one replica, and by another when that one is gone."""

import asyncio
from collections.abc import Iterator
from contextlib import closing

import asyncpg
import orjson
import pytest

from gateway.database_address import DatabaseAddress
from gateway.telemetry.model import LedgerUnreadable, Record
from gateway.telemetry.postgres_source import PostgresSource
from tests.fakes.ledger_stories import Stories, chained
from tests.fakes.postgres import execute

LATER = 4_000_000_000.0
OURS, THEIRS = "01A", "01B"


@pytest.fixture
def address(postgres_url: str) -> DatabaseAddress:
    return DatabaseAddress.read(postgres_url)


def a_source(
    address: DatabaseAddress, lane: str = OURS, sink: str = "otlp", now: float = LATER
) -> PostgresSource:
    return PostgresSource(address, sink, lane, unix_seconds=lambda: now)


@pytest.fixture
def source(address: DatabaseAddress) -> Iterator[PostgresSource]:
    with closing(a_source(address)) as opened:
        yield opened


def run(address: DatabaseAddress, statement: str, *arguments: object) -> list[asyncpg.Record]:
    return asyncio.run(execute(address.url.reveal(), statement, *arguments))


def write(address: DatabaseAddress, records: list[Record], beat: int | None = 1) -> None:
    """Put rows where the writer puts them."""
    run(
        address,
        "INSERT INTO audit_lane (lane, opened_unix_us, settled_seq, beat) VALUES ($1, 1, 0, $2)"
        " ON CONFLICT DO NOTHING",
        records[0].lane,
        beat,
    )
    for record in records:
        digest = bytes.fromhex(record.record_hash)
        place = (record.lane, record.seq)
        run(
            address,
            "INSERT INTO audit_leaf VALUES ($1, $2, $3, $4, $4, $5)",
            *place,
            record.body["record_id"],
            digest,
            record.time_us,
        )
        run(
            address,
            "INSERT INTO audit_body (lane, seq, exchange_id, kind, time_unix_us, body)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            *place,
            record.body["exchange_id"],
            record.kind,
            record.time_us,
            orjson.dumps(record.body).decode(),
        )


def test_rows_come_back_as_they_were_written(address, source):
    records = chained(Stories().answered(), OURS)
    write(address, records)
    assert source.read_page(10) == tuple(records)


def test_an_empty_ledger_has_no_page(source):
    assert source.read_page(10) == ()


def test_a_page_ends_where_it_is_told_and_the_next_begins_after_the_cursor(address, source):
    records = chained(Stories().answered(), OURS)
    write(address, records)
    first = source.read_page(2)
    source.advance(first[-1])
    assert first == tuple(records[:2])
    assert source.read_page(2) == (records[2],)


def test_a_cursor_outlives_the_process_and_belongs_to_its_sink(address, source):
    write(address, chained(Stories().answered(), OURS))
    source.advance(source.read_page(10)[-1])
    with closing(a_source(address)) as same, closing(a_source(address, sink="none")) as other:
        assert same.read_page(10) == ()
        assert len(other.read_page(10)) == 3


def test_what_one_has_no_other_takes(address, source):
    write(address, chained(Stories().answered(), OURS))
    with closing(a_source(address, THEIRS)) as other:
        page = source.read_page(10)
        assert other.read_page(10) == ()
        source.advance(page[-1])
        assert other.read_page(10) == ()


def test_what_was_given_back_another_takes(address, source):
    records = chained(Stories().answered(), OURS)
    write(address, records)
    with closing(a_source(address, THEIRS)) as other:
        source.read_page(10)
        source.give_back()
        assert other.read_page(10) == tuple(records)


def test_what_a_process_had_that_is_gone_another_takes(address, source):
    records = chained(Stories().answered(), OURS)
    write(address, records)
    source.read_page(10)
    source.close()
    with closing(a_source(address, THEIRS)) as other:
        assert other.read_page(10) == tuple(records)


def test_two_take_two_lanes_each_its_own_first(address, source):
    ours, theirs = chained(Stories(1).answered(), OURS), chained(Stories(2).denied(), THEIRS)
    write(address, ours)
    write(address, theirs)
    with closing(a_source(address, THEIRS)) as other:
        assert other.read_page(10) == tuple(theirs)
        assert source.read_page(10) == tuple(ours)


def test_what_is_fresh_in_anothers_lane_is_left_to_it(address):
    records = chained(Stories().answered(), THEIRS)
    write(address, records)
    written = records[0].time_us / 1_000_000
    with closing(a_source(address, OURS, now=written + 1)) as soon:
        assert soon.read_page(10) == ()
    with closing(a_source(address, THEIRS, now=written + 1)) as its_own:
        assert len(its_own.read_page(10)) == len(records)


def test_a_lane_that_nobody_writes_is_taken_to_its_end(address, source):
    records = chained(Stories().answered(), THEIRS)
    write(address, records, beat=None)
    run(address, "UPDATE audit_lane SET settled_seq = 3")
    page = source.read_page(2)
    source.advance(page[-1])
    assert source.read_page(10) == (records[2],)


def test_all_records_of_an_exchange_are_found_also_across_lanes(address, source):
    stories = Stories()
    bodies = stories.lost()
    write(address, chained([*stories.answered(), *bodies[:-1]], OURS))
    write(address, chained(bodies[-1:], THEIRS))
    found = source.read_exchange(str(bodies[0]["exchange_id"]))
    assert [record.kind for record in found] == ["admitted", "attempted", "attempted", "unknown"]


def test_an_end_that_came_late_is_no_end(address, source):
    records = chained(Stories().answered(), OURS)
    write(address, records)
    run(address, "ALTER TABLE audit_body DISABLE TRIGGER ALL")
    run(address, "UPDATE audit_body SET kind = 'late' WHERE seq = 3")
    assert [record.kind for record in source.read_page(10)] == ["admitted", "attempted", "late"]
    exchange_id = str(records[0].body["exchange_id"])
    found = source.read_exchange(exchange_id)
    assert [record.kind for record in found] == ["admitted", "attempted"]


def test_a_database_that_is_away_is_told_and_asked_again(postgres):
    away = a_source(DatabaseAddress.read("postgresql://gate:canary@127.0.0.1:1/ledger"))
    with pytest.raises(LedgerUnreadable) as told:
        away.read_page(1)
    assert "canary" not in str(told.value)
    with pytest.raises(LedgerUnreadable):
        away.read_page(1)
    away.close()


def test_a_connection_that_was_cut_is_made_anew(address, source):
    records = chained(Stories().answered(), OURS)
    write(address, records)
    source.read_page(1)
    run(
        address,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    with pytest.raises(LedgerUnreadable):
        source.advance(records[0])
    assert source.read_page(10) == tuple(records)
