"""What is encoded can be read back by anybody who speaks OTLP."""

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from gateway.telemetry.encode import Encoder
from gateway.telemetry.model import Common, Log, Projection, Severity, Span, SpanKind
from gateway.telemetry.spans import project
from tests.fakes.ledger_stories import Stories, chained
from tests.fakes.otlp_receiver import attributes_of

VALUES = {"text": "ä\x00b", "yes": True, "one": 1, "half": 1.0, "many": ("a", "b")}


def a_span(**changes) -> Span:
    fields = {
        "trace_id": b"t" * 16,
        "span_id": b"s" * 8,
        "parent_id": b"p" * 8,
        "name": "chat coder",
        "kind": SpanKind.CLIENT,
        "start_us": 5,
        "end_us": 7,
        "own": VALUES,
        "error": "busy",
    }
    return Span(**{**fields, **changes})


def test_a_span_is_read_back_as_it_was():
    encoded = Encoder("1.2").encode([Projection("L1", (a_span(),), ())])
    block = ExportTraceServiceRequest.FromString(encoded.traces).resource_spans[0]
    span = block.scope_spans[0].spans[0]
    assert (span.trace_id, span.span_id, span.parent_span_id) == (b"t" * 16, b"s" * 8, b"p" * 8)
    assert (span.name, span.kind) == ("chat coder", 3)
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (5000, 7000)
    assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "busy")
    assert attributes_of(span) == VALUES
    assert attributes_of(block.resource) == {
        "service.name": "gatehouse",
        "service.version": "1.2",
        "service.instance.id": "L1",
    }


def test_true_and_one_stay_what_they_are_also_when_seen_before():
    encoder = Encoder("1")
    spans = (
        a_span(own={"n": 1}),
        a_span(own={"n": True}),
        a_span(own={"n": 1.0}),
    )
    encoded = encoder.encode([Projection("L1", spans, ())])
    read = ExportTraceServiceRequest.FromString(encoded.traces).resource_spans[0].scope_spans[0]
    assert [type(attributes_of(span)["n"]) for span in read.spans] == [int, bool, float]


def test_a_log_record_is_read_back_as_it_was():
    log = Log(b"t" * 16, b"s" * 8, "gatehouse.audit.denied", Severity.WARN, 9, VALUES)
    encoded = Encoder("1").encode([Projection("L1", (), (log,))])
    read = ExportLogsServiceRequest.FromString(encoded.logs).resource_logs[0].scope_logs[0]
    record = read.log_records[0]
    assert encoded.traces == b""
    assert (record.event_name, record.severity_number, record.severity_text) == (
        "gatehouse.audit.denied",
        13,
        "WARN",
    )
    assert (record.time_unix_nano, record.trace_id, record.span_id) == (9000, b"t" * 16, b"s" * 8)
    assert attributes_of(record) == VALUES


def test_each_lane_is_a_resource_of_its_own():
    first = project(chained(Stories(1).answered(), "L1"), str)
    second = project(chained(Stories(2).answered(), "L2"), str)
    encoded = Encoder("1").encode([first, second, first])
    blocks = ExportTraceServiceRequest.FromString(encoded.traces).resource_spans
    assert [attributes_of(block.resource)["service.instance.id"] for block in blocks] == [
        "L1",
        "L2",
    ]
    assert [len(block.scope_spans[0].spans) for block in blocks] == [6, 3]


def test_nothing_is_encoded_as_nothing():
    encoded = Encoder("1").encode([])
    assert (encoded.traces, encoded.logs) == (b"", b"")


def test_what_is_shared_and_what_is_its_own_are_one_span_and_every_name_stands_once():
    shared = Common({"text": "shared", "yes": True})
    spans = (a_span(common=shared, own={"one": 1}), a_span(common=shared, own={"half": 0.5}))
    encoded = Encoder("1").encode([Projection("L1", spans, ())])
    read = ExportTraceServiceRequest.FromString(encoded.traces).resource_spans[0].scope_spans[0]
    assert [attributes_of(span) for span in read.spans] == [
        {"text": "shared", "yes": True, "one": 1},
        {"text": "shared", "yes": True, "half": 0.5},
    ]
    assert [attributes_of(span) for span in read.spans] == [each.attributes for each in spans]
