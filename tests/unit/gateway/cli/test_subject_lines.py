"""A change of what was decided about somebody reads as one sentence."""

import pytest

from gateway.cli.changes_told import change_told
from gateway.cli.subject_lines import change_of_subject
from gateway.store.subject_records import SubjectEvent

BODY = {"actor": {"kind": "os_user", "name": "anna"}, "subject": "ada", "role": "finance"}


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("user_blocked", "anna blocked ada"),
        ("user_unblocked", "anna ended the block of ada"),
        ("role_granted", "anna gave ada the role finance"),
        ("role_revoked", "anna took the role finance from ada"),
    ],
)
def test_it_says_who_decided_what_about_whom(kind, told):
    assert change_of_subject({**BODY, "kind": kind}) == told


def test_a_service_is_called_one():
    body = {**BODY, "kind": "user_blocked", "identity_kind": "service"}
    assert change_of_subject(body) == "anna blocked service ada"


def test_what_a_record_lacks_is_a_question_mark():
    assert change_of_subject({"kind": "role_granted"}) == "the gateway gave ? the role ?"


def test_every_kind_is_told():
    assert all(change_told({**BODY, "kind": each.value}) for each in SubjectEvent)
