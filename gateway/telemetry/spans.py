"""Project ledger records onto telemetry: one ended exchange becomes one trace and its log records.

Pure: the same records give the same spans, ids included, so that sending them again after a crash
changes nothing for a sink that drops repeats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from gateway.telemetry import names
from gateway.telemetry.attributes import (
    NO_ATTRIBUTES,
    Attributes,
    measure_answer,
    measure_end,
    measure_request,
    merge,
    own_of,
    read_answer,
    read_assistant,
    read_attempt,
    read_caller,
    read_end,
    read_request,
)
from gateway.telemetry.fitting import fit_count
from gateway.telemetry.logs import log_of, lone_log, repeat_log
from gateway.telemetry.model import LATE, Log, Projection, Pseudonym, Record, Span, SpanKind
from gateway.telemetry.names import Signal
from gateway.telemetry.story import CLIENT_LEFT, Story, read_story

_NO_PARENT = b""


def trace_id(exchange_id: str) -> bytes:
    """The trace of an exchange: 16 bytes that follow from its audit id."""
    return _digest("trace", exchange_id)[:16]


def _digest(part: str, exchange_id: str) -> bytes:
    return sha256(f"gatehouse {part} {exchange_id}".encode("utf-8", "replace")).digest()


def project(records: Sequence[Record], pseudonym: Pseudonym) -> Projection:
    """The trace and the log records of one ended exchange, given all its records.

    Records that belong to no exchange, or to one without an end, become log records alone.
    `pseudonym` turns a subject into what may leave; nothing else of the subject does.
    """
    story = read_story(records)
    exchange_id = story.end.text("exchange_id") if story is not None else None
    if story is None or exchange_id is None:
        alone = tuple(_told_alone(record, pseudonym) for record in records)
        return Projection(records[-1].lane, (), alone)
    told = _Telling(story, exchange_id, pseudonym)
    spans = [told.server_span()]
    if story.opening is not None:
        spans.append(told.policy_span(story.opening))
    spans += [told.client_span(number) for number in range(len(story.attempts))]
    # An end that another process wrote tells of the replica that took the request all the same.
    lane = story.end.lane if story.opening is None else story.opening.lane
    return Projection(lane, tuple(spans), tuple(map(told.log, records)))


def _told_alone(record: Record, pseudonym: Pseudonym) -> Log:
    exchange_id = record.text("exchange_id")
    if exchange_id is None or record.kind not in {"repeated", LATE}:
        return lone_log(record, pseudonym)
    ids = _ids(exchange_id, attempts=0)
    if record.kind == LATE:
        return lone_log(record, pseudonym, (ids.trace, ids.server))
    groups = (read_caller(record, pseudonym), read_request(record))
    return repeat_log(record, groups, (measure_request(record),), (ids.trace, ids.policy))


@dataclass(frozen=True, slots=True)
class _Ids:
    """The ids of one exchange's trace: all follow from its audit id."""

    trace: bytes
    server: bytes
    policy: bytes
    clients: tuple[bytes, ...]


def _ids(exchange_id: str, attempts: int) -> _Ids:
    whole = _digest("trace", exchange_id)  # 32 bytes: enough for the trace and two spans
    tries = (_digest(f"attempt {number + 1}", exchange_id)[:8] for number in range(attempts))
    return _Ids(whole[:16], whole[16:24], whole[24:], tuple(tries))


class _Telling:
    """One exchange being told: what its spans and log records share is read once."""

    def __init__(self, story: Story, exchange_id: str, pseudonym: Pseudonym) -> None:
        opening = story.opening
        self._story = story
        self._ids = _ids(exchange_id, len(story.attempts))
        self._caller = read_caller(opening, pseudonym) if opening else NO_ATTRIBUTES
        self._request = read_request(opening) if opening else NO_ATTRIBUTES
        self._assistant = read_assistant(opening) if opening else NO_ATTRIBUTES
        self._size = measure_request(opening) if opening else NO_ATTRIBUTES
        self._tries = [read_attempt(story, attempt) for attempt in story.attempts]
        self._answer, self._used = read_answer(story), measure_answer(story)
        self._end, self._took = read_end(story), measure_end(story)

    def server_span(self) -> Span:
        story, of = self._story, Signal.SERVER
        common = merge(of, self._caller, self._end, self._request, self._assistant)
        path = common.values.get(names.HTTP_ROUTE.name, "")
        return Span(
            trace_id=self._ids.trace,
            span_id=self._ids.server,
            parent_id=_NO_PARENT,
            name=f"POST {path}".rstrip(),
            kind=SpanKind.SERVER,
            start_us=story.start_us,
            end_us=story.end_us,
            own=own_of(of, story.end, self._size, self._took),
            common=common,
            error=_failure(story.error),
        )

    def policy_span(self, opening: Record) -> Span:
        return Span(
            trace_id=self._ids.trace,
            span_id=self._ids.policy,
            parent_id=self._ids.server,
            name=names.POLICY_SPAN,
            kind=SpanKind.INTERNAL,
            start_us=self._story.start_us,
            end_us=opening.time_us,
            own=own_of(Signal.POLICY, opening, self._size),
            common=merge(Signal.POLICY, self._caller, self._request, self._assistant),
        )

    def client_span(self, number: int) -> Span:
        story, attempt, of = self._story, self._story.attempts[number], Signal.CLIENT
        answers = attempt is story.last_attempt
        answer, used = (self._answer, self._used) if answers else (NO_ATTRIBUTES, NO_ATTRIBUTES)
        common = merge(of, self._caller, self._request, self._tries[number], answer)
        operation = common.values.get(names.OPERATION.name, "chat")
        lasted_us = fit_count(story.end_of(attempt).get("duration_us"))
        end_us = story.end_us if lasted_us is None else attempt.time_us + lasted_us
        return Span(
            trace_id=self._ids.trace,
            span_id=self._ids.clients[number],
            parent_id=self._ids.server,
            name=f"{operation} {common.values.get(names.REQUEST_MODEL.name, '')}".rstrip(),
            kind=SpanKind.CLIENT,
            start_us=attempt.time_us,
            end_us=max(attempt.time_us, min(end_us, story.end_us)),
            own=own_of(of, attempt, self._size, used),
            common=common,
            error=_failure(story.error_of(attempt)),
        )

    def log(self, record: Record) -> Log:
        """The log record of one of the exchange's records, beside the span that it tells of."""
        story, span = self._story, self._ids.server
        groups, measured = [self._caller], list[Attributes]()
        if record.kind == "attempted":
            number = story.attempts.index(record)
            groups.append(self._tries[number])
            span = self._ids.clients[number]
        if record is story.opening:
            groups += [self._request, self._assistant]
            measured.append(self._size)
            span = self._ids.policy
        if record is story.end:
            groups += [self._answer, self._end]
            measured += [self._used, self._took]
        return log_of(record, story, groups, measured, (self._ids.trace, span))


def _failure(error: str | None) -> str | None:
    """The error that makes a span's status one. A client that left is nobody's failure."""
    return None if error == CLIENT_LEFT else error
