"""The ledger says who lifted what, for whom, why and for how long; and who tried to."""

import pytest
from sqlalchemy.dialects import postgresql

from gateway.store.break_glass_records import BreakGlassEvent, BreakGlassRecords
from gateway.store.tables import KIND
from policy.break_glass import Lifts
from tests.fakes.break_glass import ANNA, BEN, PROPOSED_US, a_stored_glass


@pytest.fixture
def records() -> BreakGlassRecords:
    return BreakGlassRecords(lambda count: b"\x07" * count)


def test_an_opening_tells_everything(records):
    glass = a_stored_glass(approved_by=BEN)
    body = records.tell(BreakGlassEvent.OPENED, glass, BEN, PROPOSED_US)
    assert body["about_id"] == glass.id
    assert body["reason"] == "the in-house model is down"
    assert body["lifts"] == {"rules": ["r"], "vendors": [], "assistants": []}
    assert body["scope"] == {"teams": ["web"]}
    assert (body["for_seconds"], body["until_unix_us"]) == (7200, glass.until_unix_us)
    told = {"kind": "key", "name": "anna", "key_id": "key_anna"}
    assert (body["proposed_by"], body["approved_by"]) == (told, BEN.told())


def test_what_is_added_to_a_budget_is_told_where_something_is(records):
    glass = a_stored_glass(lifts=Lifts(extra_nano_usd=5))
    body = records.tell(BreakGlassEvent.OPENED, glass, ANNA, PROPOSED_US)
    assert body["lifts"]["extra_nano_usd"] == 5


def test_a_proposal_has_no_end_yet(records):
    body = records.tell(BreakGlassEvent.PROPOSED, a_stored_glass(is_open=False), ANNA, PROPOSED_US)
    assert body["actor"] == ANNA.told()
    assert "until_unix_us" not in body


def test_a_refused_attempt_says_what_was_tried_and_why_not(records):
    body = records.refused(a_stored_glass(), "approve", "another person", ANNA, PROPOSED_US)
    assert (body["kind"], body["attempt"], body["refusal"], body["lifts"]["rules"]) == (
        "break_glass_refused",
        "approve",
        "another person",
        ["r"],
    )


@pytest.mark.parametrize("event", BreakGlassEvent)
def test_every_kind_has_room_in_its_column(event):
    assert KIND.compile(dialect=postgresql.dialect()) == "VARCHAR(32)"
    assert len(event) <= 32
