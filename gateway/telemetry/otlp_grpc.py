"""Send OTLP over gRPC: one call a batch and signal, nothing retried behind our back."""

import grpc

from gateway.telemetry.encode import Encoded
from gateway.telemetry.endpoint import Endpoint
from gateway.telemetry.otlp import (
    BatchRejected,
    CollectorAway,
    check_logs_taken,
    check_traces_taken,
    shorten,
)

_SERVICE = "/opentelemetry.proto.collector."
_TRACES = _SERVICE + "trace.v1.TraceService/Export"
_LOGS = _SERVICE + "logs.v1.LogsService/Export"

_OPTIONS = (
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),  # only the host that the configuration names is dialled
    ("grpc.use_local_subchannel_pool", 1),  # a fresh channel dials at once, without old backoff
    ("grpc.max_receive_message_length", 1 << 20),
)

# What OTLP's specification lets a client retry.
_AWAY = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)


class GrpcExporter:
    """One channel, dialled anew after a failure."""

    def __init__(self, endpoint: Endpoint, *, timeout_seconds: float) -> None:
        self._endpoint = endpoint
        self._timeout_seconds = timeout_seconds
        self._metadata = tuple(endpoint.headers.items())
        self._channel: grpc.Channel | None = None

    def export(self, batch: Encoded) -> None:
        """Send both signals. Raises `ExportFailed` if either was not taken in full."""
        if batch.traces:
            check_traces_taken(self._call(_TRACES, batch.traces))
        if batch.logs:
            check_logs_taken(self._call(_LOGS, batch.logs))

    def close(self) -> None:
        """Hang up."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def _call(self, method: str, request: bytes) -> bytes:
        channel = self._channel or self._dial()
        self._channel = channel
        call = channel.unary_unary(method)  # no serializers: bytes in, bytes out
        try:
            answer: bytes = call(request, timeout=self._timeout_seconds, metadata=self._metadata)
        except grpc.RpcError as error:
            self.close()
            code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
            details = error.details() if isinstance(error, grpc.Call) else ""
            kind = CollectorAway if code in _AWAY else BatchRejected
            raise kind(f"{code.name}: {shorten(details or '')}") from error
        return answer

    def _dial(self) -> grpc.Channel:
        authority, ca_file = self._endpoint.authority, self._endpoint.ca_file
        if not self._endpoint.tls:
            return grpc.insecure_channel(authority, options=_OPTIONS)
        try:
            roots = None if ca_file is None else ca_file.read_bytes()
        except OSError as error:
            raise CollectorAway(f"cannot read {ca_file}: {error.strerror}") from error
        credentials = grpc.ssl_channel_credentials(root_certificates=roots)
        return grpc.secure_channel(authority, credentials, options=_OPTIONS)
