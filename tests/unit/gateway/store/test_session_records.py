"""Records of sessions say who signed in from where and how it ended, and hold no secret."""

import random
from dataclasses import replace

from gateway.store.changes import GATEWAY
from gateway.store.session_records import SessionEvent, SessionRecords
from gateway.store.subject_records import subject_id
from tests.unit.gateway.store.test_sessions import NOW, SESSION

RECORDS = SessionRecords(random.Random(1).randbytes)


def test_who_signed_in_is_told_with_machine_provider_and_groups():
    body = RECORDS.started(SESSION, NOW)
    assert body.pop("record_id")
    assert body == {
        "v": 1,
        "kind": "session_started",
        "time_unix_us": NOW,
        "actor": {"kind": "person", "name": "ada"},
        "about_id": SESSION.id,
        "subject": "ada",
        "issuer": "https://idp.example",
        "machine": "laptop",
        "groups": ["eng-web"],
        "expires_unix_us": SESSION.expires_unix_us,
        "team": "web",
    }


def test_no_team_is_told_where_none_was_asked_for():
    assert "team" not in RECORDS.started(replace(SESSION, team=None), NOW)


def test_an_end_has_its_reason_and_who_ended_it():
    body = RECORDS.ended(replace(SESSION, ended_reason="ended_by_provider"), GATEWAY, NOW)
    assert (body["kind"], body["reason"]) == ("session_ended", "ended_by_provider")
    assert body["actor"] == {"kind": "gateway"}


def test_who_was_refused_is_found_with_what_else_was_decided_about_them():
    body = RECORDS.refused("ada", "https://idp.example", "laptop", "no team", NOW)
    assert (body["kind"], body["reason"]) == ("session_refused", "no team")
    assert body["about_id"] == subject_id("ada", False)


def test_every_kind_fits_its_column():
    assert max(len(kind) for kind in SessionEvent) <= 16
