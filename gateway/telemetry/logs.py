"""Make the one log record that tells a sink of a ledger record."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.telemetry import names
from gateway.telemetry.attributes import (
    LOUD,
    Attributes,
    Group,
    merge,
    own_of,
    put_in,
    read_changed,
)
from gateway.telemetry.fitting import Value
from gateway.telemetry.model import Log, Pseudonym, Record, Severity
from gateway.telemetry.names import Signal
from gateway.telemetry.story import CLIENT_LEFT, PROCESS_ENDED, Story

_HASH_ALGORITHM = "SHA-256"
NO_IDS = (b"", b"")
_REFUSALS = frozenset({"config_refused", "break_glass_refused", "config_approval_refused"})

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
    act = _act(_outcome(record, story), groups)
    return _log(record, groups, measured, act, severity, ids)


def lone_log(record: Record, pseudonym: Pseudonym, ids: tuple[bytes, bytes] = NO_IDS) -> Log:
    """The log record of a record that no span tells of: somebody changed something, mostly, or an
    end came late.

    Break-glass is loud: whatever becomes of one is a warning.
    """
    changed, actor = read_changed(record, pseudonym), record.part("actor")
    if not actor:
        severity = Severity.ERROR if record.kind == "unreadable" else Severity.INFO
        return _log(record, (changed,), (), _Act("unknown", None, "system"), severity, ids)
    name, is_refused = actor.get("name"), record.kind in _REFUSALS
    by = (pseudonym(name), "user") if isinstance(name, str) else (None, "system")
    act = _Act("failure" if is_refused else "success", *by)
    is_loud = is_refused or record.kind.startswith(LOUD)
    return _log(record, (changed,), (), act, Severity.WARN if is_loud else Severity.INFO, ids)


def repeat_log(
    record: Record,
    groups: Sequence[Attributes],
    measured: Sequence[Attributes],
    ids: tuple[bytes, bytes],
) -> Log:
    """The log record of a denied turn's repeats: beside the denial, as loud and as refused."""
    return _log(record, groups, measured, _act("failure", groups), Severity.WARN, ids)


@dataclass(frozen=True, slots=True)
class _Act:
    """How what is told ended, and by whom it was done: a pseudonym, where known, and its type."""

    outcome: str
    actor: Value | None
    actor_type: str


def _act(outcome: str, groups: Sequence[Attributes]) -> _Act:
    """What a caller did, as far as it is known."""
    known = merge(Signal.LOG, *groups).values
    actor = known.get(names.USER.name)
    if names.DECISION.name not in known:
        return _Act(outcome, actor, "system")
    is_service = known.get(names.IDENTITY_KIND.name) == "service"
    return _Act(outcome, actor, "service" if is_service else "user")


def _log(
    record: Record,
    groups: Sequence[Attributes],
    measured: Sequence[Attributes],
    act: _Act,
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
        common=merge(Signal.LOG, *groups, _audited(record, groups, act)),
    )


def _audited(record: Record, groups: Sequence[Attributes], act: _Act) -> Attributes:
    """What an audit record has to say of any act: who did what to which, and how it ended."""
    known = merge(Signal.LOG, *groups).values
    what = (
        ("target", record.text("target")),
        ("model", known.get(names.MODEL.name)),
        ("key", record.text("key_id")),
        ("configuration", record.text("digest")),
        ("break_glass", record.text("about_id") if record.kind.startswith(LOUD) else None),
    )
    target_type, target = next((each for each in what if each[1] is not None), (None, None))
    return _AUDITED.read(
        {},
        record.lane,
        _HASH_ALGORITHM,
        names.RECORD_SCHEMA,
        act.outcome,
        record.kind,
        act.actor,
        act.actor_type,
        target,
        target_type,
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
