"""The ship loop against a ledger and a collector in memory: nothing lost, nothing skipped."""

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from gateway.telemetry.encode import Encoded, Encoder
from gateway.telemetry.model import STORY_KINDS, LedgerUnreadable, Record
from gateway.telemetry.otlp import BatchRejected, CollectorAway, ExportFailed
from gateway.telemetry.shiploop import Pace, ShipLoop
from tests.fakes.ledger_stories import Stories, chained
from tests.fakes.otlp_receiver import attributes_of

PACE = Pace(idle_seconds=0.5, first_backoff_seconds=1, longest_backoff_seconds=8, page_rows=4)


class MemorySource:
    """A lane of rows and a cursor. `breaks` errors are raised before anything is read."""

    def __init__(self, rows: list[Record]) -> None:
        self.rows = rows
        self.cursor = 0
        self.breaks: list[LedgerUnreadable] = []
        self.closed = 0
        self.given_back = 0
        self.exchanges_read = 0

    def read_page(self, limit: int) -> tuple[Record, ...]:
        if self.breaks:
            raise self.breaks.pop()
        return tuple(self.rows[self.cursor : self.cursor + limit])

    def read_exchange(self, exchange_id: str) -> tuple[Record, ...]:
        self.exchanges_read += 1
        return tuple(
            row
            for row in self.rows
            if row.text("exchange_id") == exchange_id and row.kind in STORY_KINDS
        )

    def advance(self, taken: Record) -> None:
        self.cursor = taken.seq

    def give_back(self) -> None:
        self.given_back += 1

    def close(self) -> None:
        self.closed += 1


class Collector:
    """Takes batches; raises what `trouble` holds first. `largest` rejects bigger batches."""

    def __init__(self, *trouble: ExportFailed, largest: int | None = None) -> None:
        self.trouble = list(trouble)
        self.largest = largest
        self.taken: list[str] = []
        self.sizes: list[int] = []
        self.closed = False

    def export(self, batch: Encoded) -> None:
        ids = _record_ids(batch)
        self.sizes.append(len(ids))
        if self.trouble:
            raise self.trouble.pop(0)
        if self.largest is not None and len(ids) > self.largest:
            raise BatchRejected("too much at once")
        self.taken += ids

    def close(self) -> None:
        self.closed = True


class Clock:
    """Counts the waits and asks to stop at the given one, or when nothing is left to ship."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.waits: list[float] = []
        self.stop_at = stop_at

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        if self.stop_at is None:
            return seconds == PACE.idle_seconds
        return len(self.waits) >= self.stop_at


def _record_ids(batch: Encoded) -> list[str]:
    return [
        str(attributes_of(log)["audit.record.id"])
        for block in ExportLogsServiceRequest.FromString(batch.logs).resource_logs
        for scope in block.scope_logs
        for log in scope.log_records
    ]


def ids_of(rows: list[Record]) -> list[str]:
    return [str(row.body["record_id"]) for row in rows]


def a_lane(exchanges: int) -> list[Record]:
    stories = Stories()
    return chained([body for _ in range(exchanges) for body in stories.answered()])


def a_loop(source: MemorySource, collector: Collector, clock: Clock) -> ShipLoop:
    return ShipLoop(source, collector, Encoder("1"), str, clock.wait, PACE)


def test_everything_arrives_once_and_the_cursor_stands_at_the_end():
    source, collector = MemorySource(a_lane(5)), Collector()
    a_loop(source, collector, Clock()).run()
    assert collector.taken == ids_of(source.rows)
    assert source.cursor == 15
    assert collector.closed


def test_an_exchange_that_spans_pages_is_read_from_memory():
    source = MemorySource(a_lane(5))
    a_loop(source, Collector(), Clock()).run()
    assert source.exchanges_read == 0


def test_after_a_restart_the_beginning_of_an_exchange_is_read_again():
    source, collector = MemorySource(a_lane(1)), Collector()
    source.cursor = 2
    a_loop(source, collector, Clock()).run()
    assert collector.taken == ids_of(source.rows)


def test_the_cursor_stays_while_the_collector_is_away():
    source = MemorySource(a_lane(1))
    loop = a_loop(source, Collector(CollectorAway("down")), Clock())
    with pytest.raises(CollectorAway):
        loop.ship_page()
    assert (source.cursor, source.given_back) == (0, 1)


def test_what_was_not_taken_is_sent_again_and_waits_grow_to_a_limit():
    source, clock = MemorySource(a_lane(2)), Clock()
    collector = Collector(*(CollectorAway("down") for _ in range(6)))
    a_loop(source, collector, clock).run()
    assert clock.waits[:6] == [1, 2, 4, 8, 8, 8]
    assert sorted(collector.taken) == sorted(ids_of(source.rows))


def test_after_a_success_the_waits_begin_anew():
    source, clock = MemorySource(a_lane(4)), Clock()
    collector = Collector(CollectorAway("down"), CollectorAway("down"))
    loop = a_loop(source, collector, clock)
    loop.run()
    source.rows, collector.trouble = a_lane(9), [CollectorAway("down")]
    clock.waits.clear()
    loop.run()
    assert clock.waits[0] == 1


def test_a_rejected_page_shrinks_until_it_is_taken_and_grows_again():
    source, collector = MemorySource(a_lane(8)), Collector(largest=3)
    a_loop(source, collector, Clock()).run()
    assert set(ids_of(source.rows)) == set(collector.taken)
    assert source.cursor == 24


def test_a_record_that_is_always_rejected_holds_the_cursor_and_is_never_skipped():
    source, clock = MemorySource(a_lane(1)), Clock(stop_at=30)
    a_loop(source, Collector(largest=0), clock).run()
    assert source.cursor < 3
    assert clock.waits[-1] == PACE.longest_backoff_seconds


def test_a_busy_ledger_is_let_go_of_and_tried_again():
    source, collector = MemorySource(a_lane(1)), Collector()
    source.breaks = [LedgerUnreadable("database is locked")]
    a_loop(source, collector, Clock()).run()
    assert collector.taken == ids_of(source.rows)
    assert source.closed == 2


def test_asked_to_stop_it_ships_the_rest_first():
    source, collector = MemorySource(a_lane(5)), Collector()
    a_loop(source, collector, Clock(stop_at=1)).run()
    assert source.cursor == 15


def test_asked_to_stop_with_the_collector_away_it_tries_once_more_and_ends():
    source = MemorySource(a_lane(5))
    collector = Collector(*(CollectorAway("down") for _ in range(9)))
    a_loop(source, collector, Clock(stop_at=1)).run()
    assert len(collector.sizes) == 2
    assert source.cursor == 0


def test_records_of_no_exchange_arrive_beside_the_others():
    stories = Stories()
    note = {"kind": "lane_note", "record_id": "n1", "time_unix_us": 1}
    rows = chained([*stories.denied(), note, *stories.lost()])
    source, collector = MemorySource(rows), Collector()
    a_loop(source, collector, Clock()).run()
    assert sorted(collector.taken) == sorted(ids_of(rows))


def test_an_exchange_forgotten_among_too_many_is_read_again():
    stories = Stories()
    exchanges = [stories.exchange() for _ in range(2100)]
    end_of_first = stories.records.completed(exchanges[0], None)
    rows = chained([*map(stories.admitted, exchanges), end_of_first])
    source, collector = MemorySource(rows), Collector()
    a_loop(source, collector, Clock()).run()
    assert source.exchanges_read == 1
    assert len(collector.taken) == 2
