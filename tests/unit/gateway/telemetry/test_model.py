"""A ledger row as the projection reads it: whatever stands in it, reading does not fail."""

import pytest

from gateway.telemetry.model import ENDS, STORY_KINDS, Record
from tests.fakes.ledger_stories import Stories, chained


def read(**body: object) -> Record:
    return Record.read("01LANE", 3, "ab", body)


def test_a_row_keeps_its_place_and_hash():
    record = read(kind="admitted", time_unix_us=5)
    assert (record.lane, record.seq, record.record_hash) == ("01LANE", 3, "ab")
    assert (record.kind, record.time_us) == ("admitted", 5)


@pytest.mark.parametrize("kind", [None, "", 7, ["admitted"], {"a": 1}])
def test_a_row_without_a_kind_is_unreadable(kind):
    assert read(kind=kind).kind == "unreadable"


@pytest.mark.parametrize("time", [None, -1, 2**60, "5", 1.5, True])
def test_a_row_without_a_time_stands_at_the_beginning(time):
    assert read(time_unix_us=time).time_us == 0


def test_fields_are_read_by_their_type_or_not_at_all():
    record = read(a="x", b=1, c={"d": 2}, e=[{"f": 3}, 4, None], g="")
    assert [record.text(key) for key in "abcg"] == ["x", None, None, None]
    assert [record.number(key) for key in "abc"] == [None, 1, None]
    assert [record.part(key) for key in "cae"] == [{"d": 2}, {}, {}]
    assert [record.parts(key) for key in "eac"] == [({"f": 3},), (), ()]


def test_the_kinds_that_tell_of_an_exchange_are_those_the_ledger_writes():
    stories = Stories()
    told = [*stories.answered(), *stories.denied(), *stories.lost()]
    assert {record.kind for record in chained(told)} == STORY_KINDS
    assert ENDS < STORY_KINDS
