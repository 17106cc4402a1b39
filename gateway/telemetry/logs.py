"""Make the one log record that tells a sink of a ledger record."""

from collections.abc import Sequence

from gateway.telemetry import names
from gateway.telemetry.attributes import Attributes, Group, merge, own_of, put_in
from gateway.telemetry.model import Log, Record, Severity
from gateway.telemetry.names import Signal
from gateway.telemetry.story import CLIENT_LEFT, PROCESS_ENDED, Story

_HASH_ALGORITHM = "SHA-256"
NO_IDS = (b"", b"")

_AUDITED = Group(
    {},
    names.LANE,
    names.HASH_ALGORITHM,
    names.AUDIT_SCHEMA,
    names.AUDIT_OUTCOME,
    names.ACTION,
    names.ACTOR,
    names.ACTOR_TYPE,
    names.AUDIT_TARGET,
    names.AUDIT_TARGET_TYPE,
)


def log_of(
    record: Record,
    story: Story,
    groups: Sequence[Attributes],
    measured: Sequence[Attributes],
    ids: tuple[bytes, bytes],
) -> Log:
    """The log record of one record of an exchange: what is said of it there, and what was measured.

    It carries place and hash, so that a sink's copy is evidence of its own. `ids` are those of the
    trace and of the span beside it.
    """
    severity = _severity(record, story)
    return _log(record, groups, measured, _outcome(record, story), severity, ids)


def lone_log(record: Record) -> Log:
    """The log record of a record that belongs to no exchange."""
    severity = Severity.ERROR if record.kind == "unreadable" else Severity.INFO
    return _log(record, (), (), "unknown", severity, NO_IDS)


def repeat_log(
    record: Record,
    groups: Sequence[Attributes],
    measured: Sequence[Attributes],
    ids: tuple[bytes, bytes],
) -> Log:
    """The log record of a denied turn's repeats: beside the denial, as loud and as refused."""
    return _log(record, groups, measured, "failure", Severity.WARN, ids)


def _log(
    record: Record,
    groups: Sequence[Attributes],
    measured: Sequence[Attributes],
    outcome: str,
    severity: Severity,
    ids: tuple[bytes, bytes],
) -> Log:
    own = own_of(Signal.LOG, record, *measured)
    put_in(own, names.SEQUENCE, record.seq)
    put_in(own, names.PREV_HASH, record.body.get("prev_hash"))
    put_in(own, names.RECORD_HASH, record.record_hash)
    return Log(
        trace_id=ids[0],
        span_id=ids[1],
        event=names.EVENT_PREFIX + record.kind,
        severity=severity,
        time_us=record.time_us,
        own=own,
        common=merge(Signal.LOG, *groups, _audited(record, groups, outcome)),
    )


def _audited(record: Record, groups: Sequence[Attributes], outcome: str) -> Attributes:
    """What an audit record has to say of any act: who did what to which, and how it ended."""
    known = merge(Signal.LOG, *groups).values
    model, target = known.get(names.MODEL.name), record.text("target")
    return _AUDITED.read(
        {},
        record.lane,
        _HASH_ALGORITHM,
        names.RECORD_SCHEMA,
        outcome,
        record.kind,
        known.get(names.USER.name),
        "user" if names.DECISION.name in known else "system",
        target or model,
        "target" if target else "model" if model else None,
    )


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
