"""Project ledger records onto telemetry: one ended exchange becomes one trace and its log records.

Pure: the same records give the same spans, ids included, so that sending them again after a crash
changes nothing for a sink that drops repeats.
"""

from collections.abc import Sequence
from hashlib import sha256

from gateway.telemetry import names
from gateway.telemetry.asked import Asked, read_request
from gateway.telemetry.attributes import Attributes
from gateway.telemetry.fitting import fit_count
from gateway.telemetry.logs import log_of, lone_log
from gateway.telemetry.model import (
    Projection,
    Pseudonym,
    Record,
    Span,
    SpanKind,
)
from gateway.telemetry.names import Signal
from gateway.telemetry.story import CLIENT_LEFT, Story, read_story

_NO_PARENT = b""


def _digest(exchange_id: str, part: str) -> bytes:
    return sha256(f"gatehouse {part} {exchange_id}".encode("utf-8", "replace")).digest()


def trace_id(exchange_id: str) -> bytes:
    """The trace of an exchange: 16 bytes that follow from its audit id."""
    return _digest(exchange_id, "trace")[:16]


def _span_id(exchange_id: str, part: str) -> bytes:
    return _digest(exchange_id, part)[:8]


def project(records: Sequence[Record], pseudonym: Pseudonym) -> Projection:
    """The trace and the log records of one ended exchange, given all its records.

    Records that belong to no exchange, or to one without an end, become log records alone.
    `pseudonym` turns a subject into what may leave; nothing else of the subject does.
    """
    story = read_story(records)
    exchange_id = story.end.text("exchange_id") if story is not None else None
    if story is None or exchange_id is None:
        alone = tuple(lone_log(record) for record in records)
        return Projection(records[-1].lane, (), alone)
    asked = read_request(story.opening, pseudonym)
    trace = trace_id(exchange_id)
    spans = [_server(story, asked, trace, exchange_id)]
    if story.opening is not None:
        spans.append(_policy(story, story.opening, asked, trace, exchange_id))
    spans += [_client(story, each, asked, trace, exchange_id) for each in story.attempts]
    logs = [log_of(each, story, asked, trace, _span_of(each, exchange_id)) for each in records]
    return Projection(story.end.lane, tuple(spans), tuple(logs))


def _attempt_part(attempt: Record) -> str:
    return f"attempt {attempt.number('attempt')}"


def _span_of(record: Record, exchange_id: str) -> bytes:
    """The span that a record's log record belongs to."""
    match record.kind:
        case "admitted" | "denied":
            return _span_id(exchange_id, "policy")
        case "attempted":
            return _span_id(exchange_id, _attempt_part(record))
        case _:
            return _span_id(exchange_id, "server")


def _server(story: Story, asked: Asked, trace: bytes, exchange_id: str) -> Span:
    attributes = Attributes(Signal.SERVER, asked.server)
    attributes.put_record(story.end)
    attributes.put_end(story)
    attributes.put(names.ERROR_TYPE, story.error)
    path = attributes.values.get(names.HTTP_ROUTE.name, "")
    return Span(
        trace_id=trace,
        span_id=_span_id(exchange_id, "server"),
        parent_id=_NO_PARENT,
        name=f"POST {path}".rstrip(),
        kind=SpanKind.SERVER,
        start_us=story.start_us,
        end_us=story.end_us,
        attributes=attributes.values,
        error=_failure(story.error),
    )


def _policy(story: Story, opening: Record, asked: Asked, trace: bytes, exchange_id: str) -> Span:
    attributes = Attributes(Signal.POLICY, asked.policy)
    attributes.put_record(opening)
    return Span(
        trace_id=trace,
        span_id=_span_id(exchange_id, "policy"),
        parent_id=_span_id(exchange_id, "server"),
        name=names.POLICY_SPAN,
        kind=SpanKind.INTERNAL,
        start_us=story.start_us,
        end_us=opening.time_us,
        attributes=attributes.values,
    )


def _client(story: Story, attempt: Record, asked: Asked, trace: bytes, exchange_id: str) -> Span:
    attributes = Attributes(Signal.CLIENT, asked.client)
    attributes.put_record(attempt)
    attributes.put_attempt(story, attempt)
    if attempt is story.last_attempt:
        attributes.put_answer(story)
    error = story.error_of(attempt)
    attributes.put(names.ERROR_TYPE, error)
    operation = attributes.values.get(names.OPERATION.name, "chat")
    model = attributes.values.get(names.REQUEST_MODEL.name, "")
    lasted_us = fit_count(story.end_of(attempt).get("duration_us"))
    end_us = story.end_us if lasted_us is None else attempt.time_us + lasted_us
    return Span(
        trace_id=trace,
        span_id=_span_id(exchange_id, _attempt_part(attempt)),
        parent_id=_span_id(exchange_id, "server"),
        name=f"{operation} {model}".rstrip(),
        kind=SpanKind.CLIENT,
        start_us=attempt.time_us,
        end_us=max(attempt.time_us, min(end_us, story.end_us)),
        attributes=attributes.values,
        error=_failure(error),
    )


def _failure(error: str | None) -> str | None:
    """The error that makes a span's status one. A client that left is nobody's failure."""
    return None if error == CLIENT_LEFT else error
