"""Make the one log record that tells a sink of a ledger record."""

from collections.abc import Mapping

from gateway.telemetry import names
from gateway.telemetry.attributes import put_in
from gateway.telemetry.fitting import Value
from gateway.telemetry.model import Log, Record, Severity
from gateway.telemetry.story import CLIENT_LEFT, PROCESS_ENDED, Story

_HASH_ALGORITHM = "SHA-256"


def log_of(
    record: Record, story: Story, attributes: Mapping[str, Value], trace: bytes, span: bytes
) -> Log:
    """The log record of one record of an exchange, with what is already known of it.

    It carries place and hash, so that a sink's copy is evidence of its own.
    """
    told = _log(record, attributes, _outcome(record, story), _severity(record, story))
    return Log(trace, span, told.event, told.severity, told.time_us, told.attributes)


def lone_log(record: Record) -> Log:
    """The log record of a record that belongs to no exchange."""
    severity = Severity.ERROR if record.kind == "unreadable" else Severity.INFO
    return _log(record, {}, "unknown", severity)


def _log(record: Record, known: Mapping[str, Value], outcome: str, severity: Severity) -> Log:
    values = dict(known)
    put_in(values, names.RECORD_ID, record.body.get("record_id"))
    put_in(values, names.EXCHANGE, record.body.get("exchange_id"))
    put_in(values, names.LANE, record.lane)
    put_in(values, names.SEQUENCE, record.seq)
    put_in(values, names.PREV_HASH, record.body.get("prev_hash"))
    put_in(values, names.RECORD_HASH, record.record_hash)
    put_in(values, names.HASH_ALGORITHM, _HASH_ALGORITHM)
    put_in(values, names.AUDIT_SCHEMA, names.RECORD_SCHEMA)
    put_in(values, names.AUDIT_OUTCOME, outcome)
    _put_actor_and_target(values, record)
    return Log(
        trace_id=b"",
        span_id=b"",
        event=names.EVENT_PREFIX + record.kind,
        severity=severity,
        time_us=record.time_us,
        attributes=values,
    )


def _put_actor_and_target(values: dict[str, Value], record: Record) -> None:
    user, model = values.get(names.USER.name), values.get(names.MODEL.name)
    target = record.text("target")
    put_in(values, names.ACTOR, user)
    asked = names.DECISION.name in values
    put_in(values, names.ACTOR_TYPE, "user" if asked else "system")
    put_in(values, names.ACTION, record.kind)
    put_in(values, names.AUDIT_TARGET, target or model)
    put_in(values, names.AUDIT_TARGET_TYPE, "target" if target else "model" if model else None)


def _outcome(record: Record, story: Story) -> str:
    match record.kind:
        case "admitted":
            return "success"
        case "denied":
            return "failure"
        case "attempted":
            error = story.error_of(record)
        case _:
            error = story.error
    if error is None:
        return "success"
    return "unknown" if error == PROCESS_ENDED else "failure"


def _severity(record: Record, story: Story) -> Severity:
    if record is not story.end or story.outcome == "complete":
        return Severity.INFO
    return Severity.WARN if story.outcome in {"denied", CLIENT_LEFT} else Severity.ERROR
