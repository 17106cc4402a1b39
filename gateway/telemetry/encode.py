"""Encode projections as OTLP export requests, in protobuf."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from gateway.telemetry import names
from gateway.telemetry.model import Log, Projection, Span, Value

_NANOS = 1000
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class Encoded:
    """One batch, ready to send: the request of each signal; empty bytes where there is nothing."""

    traces: bytes
    logs: bytes


class _KeyValues(Protocol):
    def add(self) -> KeyValue: ...


def _put_value(into: AnyValue, value: Value) -> None:
    if isinstance(value, str):
        into.string_value = value
    elif isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, int):
        into.int_value = value
    elif isinstance(value, float):
        into.double_value = value
    else:
        for each in value:
            into.array_value.values.add().string_value = each


def _put_attributes(into: _KeyValues, attributes: Mapping[str, Value]) -> None:
    # `add` and assign costs a third of building each message by keyword (measured).
    for key, value in attributes.items():
        pair = into.add()
        pair.key = key
        _put_value(pair.value, value)


def _put_span(into: trace_pb2.Span, span: Span) -> None:
    into.trace_id = span.trace_id
    into.span_id = span.span_id
    into.parent_span_id = span.parent_id
    into.flags = _SAMPLED
    into.name = span.name
    into.kind = cast("trace_pb2.Span.SpanKind.ValueType", span.kind.value)
    into.start_time_unix_nano = span.start_us * _NANOS
    into.end_time_unix_nano = span.end_us * _NANOS
    if span.error is not None:
        into.status.code = trace_pb2.Status.STATUS_CODE_ERROR
        into.status.message = span.error
    _put_attributes(into.attributes, span.attributes)


def _put_log(into: LogRecord, log: Log) -> None:
    into.time_unix_nano = into.observed_time_unix_nano = log.time_us * _NANOS
    into.severity_number = cast("SeverityNumber.ValueType", log.severity.value)
    into.severity_text = log.severity.name
    into.event_name = log.event
    into.body.string_value = log.event
    into.trace_id = log.trace_id
    into.span_id = log.span_id
    into.flags = _SAMPLED if log.trace_id else 0
    _put_attributes(into.attributes, log.attributes)


def _put_resource(into: Resource, lane: str, version: str) -> None:
    resource: dict[str, Value] = {
        names.SERVICE_NAME.name: names.SCOPE,
        names.SERVICE_VERSION.name: version,
        names.SERVICE_INSTANCE.name: lane,
    }
    _put_attributes(into.attributes, resource)


def _by_lane(projections: Iterable[Projection]) -> dict[str, list[Projection]]:
    lanes: dict[str, list[Projection]] = {}
    for projection in projections:
        lanes.setdefault(projection.lane, []).append(projection)
    return lanes


def _traces(lanes: Mapping[str, Sequence[Projection]], version: str) -> bytes:
    request = ExportTraceServiceRequest()
    for lane, projections in lanes.items():
        block = request.resource_spans.add(schema_url=names.SCHEMA_URL)
        _put_resource(block.resource, lane, version)
        scoped = block.scope_spans.add(schema_url=names.SCHEMA_URL)
        scoped.scope.name, scoped.scope.version = names.SCOPE, version
        for projection in projections:
            for span in projection.spans:
                _put_span(scoped.spans.add(), span)
    return request.SerializeToString()


def _logs(lanes: Mapping[str, Sequence[Projection]], version: str) -> bytes:
    request = ExportLogsServiceRequest()
    for lane, projections in lanes.items():
        block = request.resource_logs.add(schema_url=names.SCHEMA_URL)
        _put_resource(block.resource, lane, version)
        scoped = block.scope_logs.add(schema_url=names.SCHEMA_URL)
        scoped.scope.name, scoped.scope.version = names.SCOPE, version
        for projection in projections:
            for log in projection.logs:
                _put_log(scoped.log_records.add(), log)
    return request.SerializeToString()


def encode(projections: Sequence[Projection], version: str) -> Encoded:
    """One export request for the spans and one for the log records of `projections`.

    `version` is the gateway's; a lane is one start of one replica and becomes a resource.
    """
    with_spans = [projection for projection in projections if projection.spans]
    traces = _traces(_by_lane(with_spans), version) if with_spans else b""
    return Encoded(traces, _logs(_by_lane(projections), version) if projections else b"")
