"""Make the one log record that tells a sink of a ledger record."""

from gateway.telemetry import names
from gateway.telemetry.asked import Asked
from gateway.telemetry.attributes import Attributes
from gateway.telemetry.model import Log, Record, Severity
from gateway.telemetry.names import Signal
from gateway.telemetry.story import CLIENT_LEFT, PROCESS_ENDED, Story

_HASH_ALGORITHM = "SHA-256"


def log_of(record: Record, story: Story, asked: Asked, trace: bytes, span: bytes) -> Log:
    """The log record of one record of an exchange.

    It carries place and hash, so that a sink's copy is evidence of its own.
    """
    attributes = Attributes(Signal.LOG, asked.log if record is story.opening else asked.caller)
    if record.kind == "attempted":
        attributes.put_attempt(story, record)
        attributes.put(names.ERROR_TYPE, story.error_of(record))
    if record is story.end:
        attributes.put_end(story)
        attributes.put_answer(story)
        attributes.put(names.ERROR_TYPE, story.error)
    return _log(record, attributes, _outcome(record, story), _severity(record, story), trace + span)


def lone_log(record: Record) -> Log:
    """The log record of a record that belongs to no exchange."""
    severity = Severity.ERROR if record.kind == "unreadable" else Severity.INFO
    return _log(record, Attributes(Signal.LOG), "unknown", severity, b"")


def _log(
    record: Record, attributes: Attributes, outcome: str, severity: Severity, ids: bytes
) -> Log:
    attributes.put_record(record)
    attributes.put(names.AUDIT_OUTCOME, outcome)
    _put_place(attributes, record)
    _put_audit(attributes, record)
    return Log(
        trace_id=ids[:16],
        span_id=ids[16:],
        event=names.EVENT_PREFIX + record.kind,
        severity=severity,
        time_us=record.time_us,
        attributes=attributes.values,
    )


def _put_place(attributes: Attributes, record: Record) -> None:
    attributes.put(names.LANE, record.lane)
    attributes.put(names.SEQUENCE, record.seq)
    attributes.put(names.PREV_HASH, record.body.get("prev_hash"))
    attributes.put(names.RECORD_HASH, record.record_hash)
    attributes.put(names.HASH_ALGORITHM, _HASH_ALGORITHM)
    attributes.put(names.AUDIT_SCHEMA, names.RECORD_SCHEMA)


def _put_audit(attributes: Attributes, record: Record) -> None:
    user = attributes.values.get(names.USER.name)
    target = record.text("target")
    model = attributes.values.get(names.MODEL.name)
    attributes.put(names.ACTOR, user)
    attributes.put(names.ACTOR_TYPE, "user" if user else "system")
    attributes.put(names.ACTION, record.kind)
    attributes.put(names.AUDIT_TARGET, target or model)
    attributes.put(names.AUDIT_TARGET_TYPE, "target" if target else "model" if model else None)


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
