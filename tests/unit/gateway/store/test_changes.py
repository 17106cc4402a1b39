"""How the record of any change begins."""

import pytest

from gateway.store.changes import GATEWAY, Actor, begun
from policy.types import Identity


def test_it_says_who_did_what_and_when():
    body = begun("key_created", Actor.os_user("anna"), 5_000, lambda count: b"\x07" * count)
    assert (body["kind"], body["time_unix_us"]) == ("key_created", 5_000)
    assert body["actor"] == {"kind": "os_user", "name": "anna"}
    assert len(str(body["record_id"])) == 32


@pytest.mark.parametrize(
    ("actor", "told"),
    [
        (GATEWAY, {"kind": "gateway"}),
        (Actor("key", "anna", "key_a"), {"kind": "key", "name": "anna", "key_id": "key_a"}),
        (Actor.os_user("jos\udce9"), {"kind": "os_user", "name": "jos?"}),
        (
            Actor.caller(Identity("ann", "web", frozenset(), "key_a")),
            {"kind": "key", "name": "ann", "key_id": "key_a"},
        ),
        (
            Actor.caller(Identity("ann", "web", frozenset(), "tok_b")),
            {"kind": "token", "name": "ann", "token_id": "tok_b"},
        ),
    ],
)
def test_an_actor_is_told_as_text_that_any_reader_takes(actor, told):
    assert begun("x", actor, 1, bytes)["actor"] == told
