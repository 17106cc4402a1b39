"""A record of a change of a key says who did what to which, and keeps the key to itself."""

import random

import orjson

from gateway.store.changes import GATEWAY, Actor
from gateway.store.key_records import KeyEvent, KeyRecords
from gateway.store.stored_key import StoredKey
from policy.types import Scope

RECORDS = KeyRecords(random.Random(1).randbytes)
KEY = StoredKey("key_a", "wxyz", "web", "ann", frozenset({"b", "a"}), 1_000)


def test_it_says_who_did_what_to_which_key_and_when():
    body = RECORDS.tell(KeyEvent.REVOKED, KEY, Actor.os_user("anna"), 5_000)
    record_id = str(body.pop("record_id"))
    assert body == {
        "v": 1,
        "kind": "key_revoked",
        "time_unix_us": 5_000,
        "actor": {"kind": "os_user", "name": "anna"},
        "key_id": "key_a",
        "subject": "ann",
        "team": "web",
        "roles": ["a", "b"],
        "identity_kind": "person",
    }
    assert (len(record_id), record_id[12]) == (32, "4")


def test_what_the_gateway_does_by_itself_is_done_by_nobody_of_a_name():
    assert RECORDS.tell(KeyEvent.LAPSED, KEY, GATEWAY, 5_000)["actor"] == {"kind": "gateway"}


def test_a_limit_is_told_whole():
    scoped = StoredKey("key_a", "wxyz", "web", "ann", frozenset({"a"}), 1, scope=Scope(("coder",)))
    body = RECORDS.tell(KeyEvent.CREATED, scoped, GATEWAY, 1)
    assert body["scope"] == {"models": ["coder"], "networks": []}


def test_a_user_whose_name_is_no_text_can_be_told():
    body = RECORDS.tell(KeyEvent.CREATED, KEY, Actor.os_user("jos\udce9"), 1)
    assert orjson.loads(orjson.dumps(body["actor"]))["name"] == "jos?"


def test_no_record_holds_the_last_characters_of_a_key():
    assert "wxyz" not in repr(RECORDS.tell(KeyEvent.CREATED, KEY, GATEWAY, 1))
