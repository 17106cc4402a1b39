"""What is put on record of the configuration is bounded, and says who, what and why."""

from gateway.audit.chain import canonical
from gateway.configuration.differences import Difference, FileChanges
from gateway.configuration.orders import Order
from gateway.configuration.stored import Origin
from gateway.store.changes import GATEWAY, Actor
from gateway.store.version_records import (
    MOST_CHANGES,
    Changed,
    VersionRecords,
    actor_of,
    id_of,
    summary_of,
)

DIGEST, OLD = "d" * 64, "0" * 64
RECORDS = VersionRecords(bytes)
PIN = Order(3, DIGEST, "the limits were wrong", "os_user", "anna", 5)
RESUME = Order(4, None, "mended", "os_user", "anna", 6)


def changed(*differences: Difference, files: FileChanges | None = None) -> Changed:
    return Changed(DIGEST, Origin.FILES, OLD, files or FileChanges(), differences)


def test_a_change_says_what_is_in_place_of_what():
    body = RECORDS.changed(changed(Difference("teams.web", "1", None)), GATEWAY, 7)
    assert body == {
        "v": 1,
        "record_id": body["record_id"],
        "kind": "config_changed",
        "time_unix_us": 7,
        "actor": {"kind": "gateway"},
        "about_id": "cfg_" + "d" * 24,
        "digest": DIGEST,
        "origin": "files",
        "previous_digest": OLD,
        "changes": [{"path": "teams.web", "old": "1"}],
    }


def test_the_first_configuration_is_in_place_of_none():
    first = Changed(DIGEST, Origin.EMBEDDED, None, FileChanges(), ())
    assert "previous_digest" not in RECORDS.changed(first, GATEWAY, 7)


def test_a_record_is_bounded_whatever_changed():
    many = [Difference("p" * 5000, "o" * 5000, "n" * 5000)] * 1000
    names = tuple(f"{n}.yaml" * 100 for n in range(200))
    told = summary_of(changed(*many, files=FileChanges(names, names, names, ("anna",))))
    assert len(told["changes"]) == MOST_CHANGES
    assert told["changes_omitted"] == 1000 - MOST_CHANGES
    assert len(canonical(told)) < 250_000


def test_files_that_are_refused_are_told_by_their_first_problem():
    body = RECORDS.refused(DIGEST, ["gatehouse.yaml:1:1: wrong", "and more"], 7)
    assert (body["kind"], body["problem"], body["problems"], body["origin"]) == (
        "config_refused",
        "gatehouse.yaml:1:1: wrong",
        2,
        "files",
    )


def test_an_order_is_told_with_who_and_why():
    pinned = RECORDS.ordered(PIN, DIGEST, 7)
    resumed = RECORDS.ordered(RESUME, DIGEST, 8)
    assert (pinned["kind"], resumed["kind"]) == ("config_pinned", "config_resumed")
    assert pinned["actor"] == {"kind": "os_user", "name": "anna"}
    assert (pinned["reason"], pinned["order"]) == ("the limits were wrong", 3)


def test_an_order_that_cannot_be_carried_out_is_told_with_the_problem():
    body = RECORDS.order_refused(PIN, DIGEST, "no key", 7)
    assert (body["kind"], body["origin"], body["problem"]) == ("config_refused", "pin", "no key")
    assert RECORDS.order_refused(RESUME, DIGEST, "no key", 7)["origin"] == "files"


def test_ids_are_short_enough_for_the_ledger():
    assert len(id_of(DIGEST)) <= 29
    assert actor_of(PIN) == Actor("os_user", "anna")
