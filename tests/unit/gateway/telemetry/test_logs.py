"""One log record for one ledger record: evidence of its own, as loud as what it tells."""

import pytest

from gateway.exchange import Outcome
from gateway.telemetry import names
from gateway.telemetry.attributes import NO_ATTRIBUTES, Attributes
from gateway.telemetry.logs import log_of, lone_log
from gateway.telemetry.model import Log, Record, Severity
from gateway.telemetry.story import read_story
from tests.fakes.ledger_stories import CANARY, Stories, chained

TRACE, SPAN = b"t" * 16, b"s" * 8


def logs(bodies: list, known: Attributes = NO_ATTRIBUTES) -> list[Log]:
    records = chained(bodies)
    story = read_story(records)
    assert story is not None
    return [log_of(record, story, (known,), (), (TRACE, SPAN)) for record in records]


def known_of(values: dict) -> Attributes:
    known = Attributes()
    for attribute, value in values.items():
        known.put(attribute, value)
    return known


def test_it_carries_place_and_hash_of_its_record():
    records = chained(Stories().denied())
    (log,) = logs(Stories().denied())
    assert log.attributes[names.LANE.name] == records[0].lane
    assert log.attributes[names.SEQUENCE.name] == records[0].seq
    assert log.attributes[names.RECORD_HASH.name] == records[0].record_hash
    assert log.attributes[names.PREV_HASH.name] == records[0].body["prev_hash"]
    assert (log.trace_id, log.span_id) == (TRACE, SPAN)


@pytest.mark.parametrize(
    ("bodies", "severities", "outcomes"),
    [
        (Stories().answered(), [Severity.INFO] * 3, ["success"] * 3),
        (Stories().denied(), [Severity.WARN], ["failure"]),
        (
            Stories().answered(Outcome.CLIENT_LEFT),
            [Severity.INFO, Severity.INFO, Severity.WARN],
            ["success", "failure", "failure"],
        ),
        (
            Stories().failed(),
            [Severity.INFO, Severity.INFO, Severity.ERROR],
            ["success", "failure", "failure"],
        ),
        (
            Stories().lost(),
            [Severity.INFO, Severity.INFO, Severity.INFO, Severity.ERROR],
            ["success", "success", "unknown", "unknown"],
        ),
    ],
    ids=["answered", "denied", "client-left", "failed", "lost"],
)
def test_it_is_as_loud_as_what_it_tells(bodies, severities, outcomes):
    told = logs(bodies)
    assert [log.severity for log in told] == severities
    assert [log.attributes[names.AUDIT_OUTCOME.name] for log in told] == outcomes


def test_the_actor_is_the_pseudonym_where_somebody_asked_and_else_the_system():
    known = known_of({names.USER: "p7", names.DECISION: "allow", names.MODEL: "coder"})
    asked, unasked = logs(Stories().denied(), known)[0], logs(Stories().denied())[0]
    assert asked.attributes[names.ACTOR.name] == "p7"
    assert asked.attributes[names.ACTOR_TYPE.name] == "user"
    assert names.ACTOR.name not in unasked.attributes
    assert unasked.attributes[names.ACTOR_TYPE.name] == "system"


def test_the_target_is_where_it_went_and_before_that_what_was_asked_for():
    admitted, attempted, _ = logs(Stories().answered(), known_of({names.MODEL: "coder"}))
    assert admitted.attributes[names.AUDIT_TARGET_TYPE.name] == "model"
    assert admitted.attributes[names.AUDIT_TARGET.name] == "coder"
    assert attempted.attributes[names.AUDIT_TARGET_TYPE.name] == "target"
    assert attempted.attributes[names.AUDIT_TARGET.name] == "house/qwen3-coder"


@pytest.mark.parametrize(
    ("kind", "severity"), [("unreadable", Severity.ERROR), ("vendor_approved", Severity.INFO)]
)
def test_a_record_of_no_exchange_is_told_without_what_it_says(kind, severity):
    body = {"note": CANARY, "reason": CANARY}
    log = lone_log(Record("01LANE", 4, "ab", body, kind, 5), lambda subject: CANARY)
    assert (log.event, log.severity) == (f"gatehouse.audit.{kind}", severity)
    assert (log.trace_id, log.span_id, log.time_us) == (b"", b"", 5)
    assert CANARY not in str(log)


REVOKED = {
    "kind": "key_revoked",
    "key_id": "key_a",
    "team": "web",
    "subject": "ann",
    "identity_kind": "service",
    "actor": {"kind": "os_user", "name": "root"},
}


def test_a_change_of_a_key_says_which_key_and_by_whom_and_names_nobody():
    log = lone_log(Record.read("01LANE", 4, "ab", REVOKED), lambda subject: f"p({len(subject)})")
    told = {
        names.KEY: "key_a",
        names.TEAM: "web",
        names.IDENTITY_KIND: "service",
        names.USER: "p(3)",
        names.ACTOR: "p(4)",
        names.ACTOR_TYPE: "user",
        names.AUDIT_OUTCOME: "success",
        names.AUDIT_TARGET: "key_a",
        names.AUDIT_TARGET_TYPE: "key",
    }
    assert log.event == "gatehouse.audit.key_revoked"
    assert {name: log.attributes[name.name] for name in told} == told


OPENED = {
    "kind": "break_glass_opened",
    "about_id": "bg_aaaaaaaaaaaa",
    "reason": CANARY,
    "scope": {"users": [CANARY]},
    "actor": {"kind": "key", "name": "ann", "key_id": "key_a"},
}


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("break_glass_opened", "success"),
        ("break_glass_refused", "failure"),
        ("break_glass_ended", "success"),
    ],
)
def test_break_glass_is_a_warning_that_says_which_and_by_whom_and_not_why(kind, outcome):
    log = lone_log(Record.read("01LANE", 4, "ab", {**OPENED, "kind": kind}), str.upper)
    told = {
        names.EXCEPTIONS: ("bg_aaaaaaaaaaaa",),
        names.ACTOR: "ANN",
        names.ACTOR_TYPE: "user",
        names.AUDIT_OUTCOME: outcome,
        names.AUDIT_TARGET: "bg_aaaaaaaaaaaa",
        names.AUDIT_TARGET_TYPE: "break_glass",
    }
    assert (log.event, log.severity) == (f"gatehouse.audit.{kind}", Severity.WARN)
    assert {name: log.attributes[name.name] for name in told} == told
    assert CANARY not in str(log)


def test_what_the_gateway_does_to_a_key_by_itself_is_done_by_the_system():
    body = {**REVOKED, "kind": "key_lapsed", "actor": {"kind": "gateway"}}
    log = lone_log(Record.read("01LANE", 4, "ab", body), str.upper)
    assert log.attributes[names.ACTOR_TYPE.name] == "system"
    assert names.ACTOR.name not in log.attributes


@pytest.mark.parametrize(
    ("kind", "outcome", "severity"),
    [
        ("config_changed", "success", Severity.INFO),
        ("config_pinned", "success", Severity.INFO),
        ("config_refused", "failure", Severity.WARN),
    ],
)
def test_a_change_of_the_configuration_says_which_and_by_whom(kind, outcome, severity):
    body = {
        "kind": kind,
        "about_id": "cfg_d1",
        "digest": "d1",
        "problem": CANARY,
        "changes": [{"path": CANARY}],
        "actor": {"kind": "os_user", "name": "anna"},
    }
    log = lone_log(Record.read("01LANE", 4, "ab", body), lambda subject: f"p({len(subject)})")
    told = {
        names.ACTOR: "p(4)",
        names.ACTOR_TYPE: "user",
        names.AUDIT_OUTCOME: outcome,
        names.AUDIT_TARGET: "d1",
        names.AUDIT_TARGET_TYPE: "configuration",
    }
    assert {name: log.attributes[name.name] for name in told} == told
    assert log.severity is severity
    assert CANARY not in str(log)


def test_a_service_that_asks_is_told_as_one():
    asked = {names.USER: "p7", names.DECISION: "allow", names.IDENTITY_KIND: "service"}
    (log,) = logs(Stories().denied(), known_of(asked))
    assert log.attributes[names.ACTOR_TYPE.name] == "service"
