"""The port to a collector, what may go wrong there, and the choice of one by its protocol.

ExportFailed
 |- CollectorAway      nobody there, too slow, or busy: the same batch may be taken later
 |- BatchRejected      the collector does not want this batch, or not all of it
"""

from typing import Protocol

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from gateway.telemetry.encode import Encoded
from gateway.telemetry.endpoint import Endpoint, OtlpProtocol

_SHOWN = 200


class ExportFailed(Exception):
    """A batch was not taken in full. Sending it again is always safe: sinks drop repeats."""


class CollectorAway(ExportFailed):
    """The collector did not answer, or asked us to come back later."""


class BatchRejected(ExportFailed):
    """The collector refused some or all of the batch, or its answer is not OTLP's."""


class Exporter(Protocol):
    """Sends batches to one collector; one try a call, within the timeout it was made with."""

    def export(self, batch: Encoded) -> None:
        """Send it. Returns when the collector has taken every part; raises `ExportFailed`."""
        ...

    def close(self) -> None:
        """Hang up. Safe to call twice."""
        ...


class NullExporter:
    """Takes everything and throws it away: for measuring what building costs."""

    def export(self, batch: Encoded) -> None:
        """Forget it."""

    def close(self) -> None:
        """Nothing is open."""


def check_traces_taken(answer: bytes) -> None:
    """Raises `BatchRejected` unless this answer says that every span was taken."""
    response = ExportTraceServiceResponse()
    _parse(response, answer)
    partial = response.partial_success
    check_none_rejected(partial.rejected_spans, partial.error_message)


def check_logs_taken(answer: bytes) -> None:
    """Raises `BatchRejected` unless this answer says that every log record was taken."""
    response = ExportLogsServiceResponse()
    _parse(response, answer)
    partial = response.partial_success
    check_none_rejected(partial.rejected_log_records, partial.error_message)


def check_none_rejected(rejected: int, message: str) -> None:
    """Raises `BatchRejected` if a partial success means that anything was dropped.

    Without a rejection a message is a remark, and the batch was taken.
    """
    if rejected != 0:
        raise BatchRejected(f"{rejected} rejected: {shorten(message)}")


def _parse(response: ExportTraceServiceResponse | ExportLogsServiceResponse, raw: bytes) -> None:
    try:
        response.ParseFromString(raw)
    except DecodeError as error:
        raise BatchRejected("the answer cannot be read: is this a collector?") from error


def shorten(text: str) -> str:
    """What a stranger wrote, fit for one log line."""
    return "".join(each if each.isprintable() else " " for each in text[:_SHOWN])


def make_exporter(endpoint: Endpoint, *, timeout_seconds: float) -> Exporter:
    """The exporter for this endpoint. Nothing is dialled before the first export."""
    match endpoint.protocol:
        case OtlpProtocol.NONE:
            return NullExporter()
        case OtlpProtocol.GRPC:
            # 17 MB of memory that only this protocol needs.
            from gateway.telemetry.otlp_grpc import GrpcExporter

            return GrpcExporter(endpoint, timeout_seconds=timeout_seconds)
        case OtlpProtocol.HTTP:
            from gateway.telemetry.otlp_http import HttpExporter

            return HttpExporter(endpoint, timeout_seconds=timeout_seconds)
