"""A record of what was decided about somebody says who decided what, and finds its like."""

import random

from gateway.store.changes import Actor
from gateway.store.stored_subject import StoredSubject
from gateway.store.subject_records import SubjectEvent, SubjectRecords, subject_id

RECORDS = SubjectRecords(random.Random(1).randbytes)
ADA = StoredSubject("ada", roles=frozenset({"security", "finance"}))


def test_it_says_who_gave_whom_which_role():
    body = RECORDS.tell(SubjectEvent.GRANTED, ADA, Actor.os_user("anna"), 5_000, "finance")
    assert body.pop("record_id")
    assert body == {
        "v": 1,
        "kind": "role_granted",
        "time_unix_us": 5_000,
        "actor": {"kind": "os_user", "name": "anna"},
        "about_id": subject_id("ada", False),
        "subject": "ada",
        "identity_kind": "person",
        "roles": ["finance", "security"],
        "role": "finance",
    }


def test_a_block_names_no_role():
    body = RECORDS.tell(SubjectEvent.BLOCKED, ADA, Actor.os_user("anna"), 5_000)
    assert "role" not in body


def test_a_person_and_a_service_of_one_name_are_found_apart():
    assert subject_id("ci", False) != subject_id("ci", True)
    assert subject_id("ci", True) == subject_id("ci", True)
    assert len(subject_id("x" * 200, False)) == 16


def test_every_kind_fits_its_column():
    assert max(len(kind) for kind in SubjectEvent) <= 16
