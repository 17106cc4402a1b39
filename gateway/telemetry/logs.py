"""Make the one log record that tells a sink of a ledger record."""

from gateway.telemetry import names
from gateway.telemetry.attributes import Attributes
from gateway.telemetry.model import Log, Pseudonym, Record, Severity
from gateway.telemetry.names import Signal
from gateway.telemetry.story import PROCESS_ENDED, Story

_HASH_ALGORITHM = "SHA-256"


def log_of(
    record: Record, story: Story | None, trace: bytes, span: bytes, pseudonym: Pseudonym
) -> Log:
    """The log record of `record`. It carries place and hash, so that a sink's copy is evidence."""
    attributes = Attributes(Signal.LOG)
    attributes.put_record(record)
    if story is not None:
        _put_story(attributes, record, story, pseudonym)
    _put_place(attributes, record)
    _put_audit(attributes, record, story)
    return Log(
        trace_id=trace,
        span_id=span,
        event=names.EVENT_PREFIX + record.kind,
        severity=_severity(record, story),
        time_us=record.time_us,
        attributes=attributes.values,
    )


def _put_story(attributes: Attributes, record: Record, story: Story, pseudonym: Pseudonym) -> None:
    is_end = record is story.end
    if is_end:
        attributes.put_end(story)
        attributes.put(names.ERROR_TYPE, story.error)
    if story.opening is not None:
        attributes.put_request(story.opening, pseudonym)
    if is_end and story.last_attempt is not None:
        attributes.put_attempt(story, story.last_attempt)
        attributes.put_answer(story)
    if record.kind == "attempted":
        attributes.put_attempt(story, record)
        attributes.put(names.ERROR_TYPE, story.error_of(record))


def _put_place(attributes: Attributes, record: Record) -> None:
    attributes.put(names.LANE, record.lane)
    attributes.put(names.SEQUENCE, record.seq)
    attributes.put(names.PREV_HASH, record.body.get("prev_hash"))
    attributes.put(names.RECORD_HASH, record.record_hash)
    attributes.put(names.HASH_ALGORITHM, _HASH_ALGORITHM)
    attributes.put(names.AUDIT_SCHEMA, names.RECORD_SCHEMA)


def _put_audit(attributes: Attributes, record: Record, story: Story | None) -> None:
    user = attributes.values.get(names.USER.name)
    target = record.text("target")
    model = attributes.values.get(names.MODEL.name)
    attributes.put(names.ACTOR, user)
    attributes.put(names.ACTOR_TYPE, "user" if user else "system")
    attributes.put(names.ACTION, record.kind)
    attributes.put(names.AUDIT_OUTCOME, _outcome(record, story))
    attributes.put(names.AUDIT_TARGET, target or model)
    attributes.put(names.AUDIT_TARGET_TYPE, "target" if target else "model" if model else None)


def _outcome(record: Record, story: Story | None) -> str:
    match record.kind:
        case "admitted":
            return "success"
        case "denied":
            return "failure"
        case "attempted" if story is not None:
            return _outcome_of_error(story.error_of(record))
        case "completed" if story is not None:
            return _outcome_of_error(story.error)
        case _:
            return "unknown"


def _outcome_of_error(error: str | None) -> str:
    if error is None:
        return "success"
    return "unknown" if error == PROCESS_ENDED else "failure"


def _severity(record: Record, story: Story | None) -> Severity:
    if record.kind == "denied":
        return Severity.WARN
    if record.kind in {"unknown", "unreadable"}:
        return Severity.ERROR
    if story is not None and record is story.end and story.error is not None:
        return Severity.WARN if story.outcome == "client_left" else Severity.ERROR
    return Severity.INFO
