"""Whatever is done to a stored run of records, the chain shows it."""

import hashlib
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.batch import Batch, OpenExchanges
from gateway.audit.chain import (
    GENESIS,
    ChainedRecord,
    ChainHead,
    canonical,
    find_breaks,
    record_hash,
)
from tests.fakes.ledger import a_story, some_records

LANE = "01TESTLANE0000000000000000"
NEW = ChainHead.of_new(LANE)
LENGTH = 12


def a_run(lane: str = LANE) -> list[ChainedRecord]:
    records = some_records()
    batch = Batch(ChainHead.of_new(lane), OpenExchanges())
    for _ in range(LENGTH // 3):
        story = a_story(records)
        for body in (story.admitted(), story.attempted(), story.completed()):
            batch.add(body)
    return [
        ChainedRecord(lane, leaf[1], leaf[3], leaf[4], str(row[-1]).encode())
        for leaf, row in zip(batch.rows.leaves, batch.rows.bodies, strict=True)
    ]


def rehashed(record: ChainedRecord, **changes: object) -> ChainedRecord:
    assert record.body is not None
    body = canonical(orjson.loads(record.body) | changes)
    return replace(record, body=body, record_hash=record_hash(body))


def test_a_run_that_nobody_touched_holds():
    assert find_breaks(NEW, a_run()) == []


def test_a_run_holds_from_any_point_on():
    run = a_run()
    assert find_breaks(ChainHead(LANE, 5, run[4].record_hash), run[5:]) == []


def test_the_first_record_links_to_the_hash_of_nothing():
    assert a_run()[0].prev_hash == GENESIS == hashlib.sha256(b"").digest()


def test_a_run_whose_bodies_were_pruned_still_holds():
    assert find_breaks(NEW, [replace(record, body=None) for record in a_run()]) == []


@given(at=st.integers(0, LENGTH - 1), byte=st.integers(0), flip=st.integers(1, 255))
def test_an_edited_body_is_found(at: int, byte: int, flip: int):
    run = a_run()
    body = bytearray(run[at].body or b"")
    body[byte % len(body)] ^= flip
    run[at] = replace(run[at], body=bytes(body))
    assert [(each.seq, each.fault) for each in find_breaks(NEW, run)] == [(at + 1, "body")]


@given(at=st.integers(0, LENGTH - 2))
def test_an_edit_with_its_hash_made_anew_is_found_at_the_next_link(at: int):
    run = a_run()
    run[at] = rehashed(run[at], team="other")
    assert [(each.seq, each.fault) for each in find_breaks(NEW, run)] == [(at + 2, "link")]


@given(at=st.integers(0, LENGTH - 2))
def test_a_deleted_record_is_found(at: int):
    run = a_run()
    del run[at]
    assert [(each.seq, each.fault) for each in find_breaks(NEW, run)] == [(at + 2, "gap")]


@given(order=st.permutations(range(LENGTH)).filter(lambda order: order != sorted(order)))
def test_records_in_another_order_are_found(order: list[int]):
    run = a_run()
    assert find_breaks(NEW, [run[at] for at in order]) != []


@given(first=st.integers(0, LENGTH - 1), second=st.integers(0, LENGTH - 1))
def test_bodies_that_changed_places_are_found(first: int, second: int):
    run = a_run()
    changed = list(run)
    changed[first] = replace(run[first], body=run[second].body)
    changed[second] = replace(run[second], body=run[first].body)
    assert {each.seq for each in find_breaks(NEW, changed)} == {first + 1, second + 1} - (
        {first + 1} if first == second else set()
    )


@given(at=st.integers(0, LENGTH - 1))
def test_a_record_said_twice_is_found(at: int):
    run = a_run()
    assert "gap" in {each.fault for each in find_breaks(NEW, [*run[: at + 1], *run[at:]])}


@pytest.mark.parametrize(
    "lie", [{"lane": "01OTHERLANE000000000000000"}, {"seq": 99}, {"prev_hash": "00" * 32}]
)
def test_a_body_that_names_another_place_is_found(lie: dict[str, object]):
    last = rehashed(a_run()[-1], **lie)
    found = find_breaks(NEW, [*a_run()[:-1], last])
    assert [(each.seq, each.fault) for each in found] == [(LENGTH, "place")]


def test_a_hashed_body_that_is_no_json_is_found():
    last = replace(a_run()[-1], body=b"{", record_hash=record_hash(b"{"))
    assert find_breaks(NEW, [*a_run()[:-1], last])[0].fault == "place"


def test_a_lane_passed_off_as_another_is_found():
    other = [replace(record, lane=LANE) for record in a_run("01OTHERLANE000000000000000")]
    assert find_breaks(NEW, other) != []
