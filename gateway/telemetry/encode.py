"""Encode projections as OTLP export requests, in protobuf."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import cast

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan

from gateway.telemetry import names
from gateway.telemetry.fitting import Value
from gateway.telemetry.model import Common, Log, Projection, Severity, Span, SpanKind
from gateway.telemetry.protobuf import encode_attribute, nest, tag_of

_NANOS = 1000
_SAMPLED = 1
_REMEMBERED = 512  # of each kind of what many spans have in common

_OF_SPAN = tag_of(OtlpSpan, "attributes")
_OF_LOG = tag_of(LogRecord, "attributes")
_PARENT = tag_of(OtlpSpan, "parent_span_id") + b"\x08"

# Fields of fixed size, each behind its tag: start, end, trace (16 bytes), span (8 bytes).
_SPAN_PLACE = Struct("<BQBQ2s16s2s8s")
_LOG_TIMES = Struct("<BQBQ")
_LOG_PLACE = Struct("<2s16s2s8s")


@dataclass(frozen=True, slots=True)
class Encoded:
    """One batch, ready to send: the request of each signal; empty bytes where there is nothing."""

    traces: bytes
    logs: bytes


def _by_lane(projections: Iterable[Projection]) -> dict[str, list[Projection]]:
    lanes: dict[str, list[Projection]] = {}
    for projection in projections:
        lanes.setdefault(projection.lane, []).append(projection)
    return lanes


def _pairs(attributes: Mapping[str, Value]) -> list[bytes]:
    return [encode_attribute(name, value) for name, value in attributes.items()]


@lru_cache(maxsize=_REMEMBERED)
def _common_pairs(common: Common) -> tuple[bytes, ...]:
    return tuple(_pairs(common.values))


@lru_cache(maxsize=_REMEMBERED)
def _joined(tag: bytes, common: Common) -> bytes:
    return b"".join([tag + pair for pair in _common_pairs(common)])


def _attributes(tag: bytes, of: Span | Log) -> bytes:
    """All attributes, as the field of that tag: what it shares with others is joined only once."""
    return _joined(tag, of.common) + b"".join([tag + pair for pair in _pairs(of.own)])


@lru_cache(maxsize=_REMEMBERED)
def _span_face(name: str, kind: SpanKind, error: str | None) -> bytes:
    """What a span says of its kind; a thousand spans say the same."""
    face = OtlpSpan(name=name, flags=_SAMPLED, kind=cast("OtlpSpan.SpanKind.ValueType", kind))
    if error is not None:
        face.status.code = Status.STATUS_CODE_ERROR
        face.status.message = error
    encoded: bytes = face.SerializeToString()
    return encoded


def _encode_span(span: Span) -> bytes:
    place = _SPAN_PLACE.pack(
        0x39, span.start_us * _NANOS, 0x41, span.end_us * _NANOS,
        b"\x0a\x10", span.trace_id, b"\x12\x08", span.span_id,
    )  # fmt: skip
    parent = _PARENT + span.parent_id if span.parent_id else b""
    face = _span_face(span.name, span.kind, span.error)
    return place + parent + face + _attributes(_OF_SPAN, span)


@lru_cache(maxsize=_REMEMBERED)
def _log_face(event: str, severity: Severity, is_sampled: bool) -> bytes:
    """What a log record says of its kind."""
    face = LogRecord(
        severity_number=cast("SeverityNumber.ValueType", severity),
        severity_text=severity.name,
        event_name=event,
        flags=_SAMPLED if is_sampled else 0,
    )
    face.body.string_value = event
    encoded: bytes = face.SerializeToString()
    return encoded


def _encode_log(log: Log) -> bytes:
    time = log.time_us * _NANOS
    place = _LOG_TIMES.pack(0x09, time, 0x59, time)
    if log.trace_id:
        place += _LOG_PLACE.pack(b"\x4a\x10", log.trace_id, b"\x52\x08", log.span_id)
    face = _log_face(log.event, log.severity, bool(log.trace_id))
    return place + face + _attributes(_OF_LOG, log)


class _Frame:
    """The messages around the spans, or the log records, of one lane: request, resource, scope."""

    def __init__(
        self,
        request: tuple[type[Message], str],
        resource: tuple[type[ResourceSpans | ResourceLogs], str],
        scope: tuple[type[ScopeSpans | ScopeLogs], str],
    ) -> None:
        self._request_tag = tag_of(*request)
        self._resource, self._resource_tag = resource[0], tag_of(*resource)
        self._scope, self._item_tag = scope[0], tag_of(*scope)

    def around(
        self, items: Iterable[bytes], sender: Resource, scope: InstrumentationScope
    ) -> bytes:
        """A request that says `items` of one sender; requests that are joined are one."""
        url = names.SCHEMA_URL
        scoped: bytes = self._scope(scope=scope, schema_url=url).SerializeToString()
        scoped += b"".join([nest(self._item_tag, item) for item in items])
        block: bytes = self._resource(resource=sender, schema_url=url).SerializeToString()
        return nest(self._request_tag, block + nest(self._resource_tag, scoped))


_TRACES = _Frame(
    (ExportTraceServiceRequest, "resource_spans"),
    (ResourceSpans, "scope_spans"),
    (ScopeSpans, "spans"),
)
_LOGS = _Frame(
    (ExportLogsServiceRequest, "resource_logs"),
    (ResourceLogs, "scope_logs"),
    (ScopeLogs, "log_records"),
)


class Encoder:
    """Encodes for one exporter. `version` is the gateway's.

    The library encodes the frames, and once what many spans share; messages merge by joining
    their bytes.
    """

    def __init__(self, version: str) -> None:
        self._version = version
        self._scope = InstrumentationScope(name=names.SCOPE, version=version)

    def encode(self, projections: Sequence[Projection]) -> Encoded:
        """One export request for the spans and one for the log records of `projections`.

        A lane is one start of one replica, and so a resource of its own.
        """
        traces, logs = [], []
        for lane, told in _by_lane(projections).items():
            sender = self._sender(lane)
            spans = [_encode_span(span) for each in told for span in each.spans]
            if spans:
                traces.append(_TRACES.around(spans, sender, self._scope))
            records = [_encode_log(log) for each in told for log in each.logs]
            logs.append(_LOGS.around(records, sender, self._scope))
        return Encoded(b"".join(traces), b"".join(logs))

    def _sender(self, lane: str) -> Resource:
        said = {
            names.SERVICE_NAME: names.SCOPE,
            names.SERVICE_VERSION: self._version,
            names.SERVICE_INSTANCE: lane,
        }
        return Resource(
            attributes=[
                KeyValue(key=attribute.name, value=AnyValue(string_value=value))
                for attribute, value in said.items()
            ]
        )
