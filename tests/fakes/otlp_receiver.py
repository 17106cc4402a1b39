"""A collector that can be down, slow, busy or picky, or be none at all: OTLP over gRPC and HTTP."""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_SERVICE = "opentelemetry.proto.collector."
_NEVER_SECONDS = 600


class Mood(Enum):
    """How the receiver answers."""

    WILLING = auto()
    UNAVAILABLE = auto()  # gRPC UNAVAILABLE, HTTP 503
    PICKY = auto()  # takes all but one of a batch and says so in partial_success
    REMARKS = auto()  # takes all, with a remark in partial_success
    REFUSES = auto()  # gRPC INVALID_ARGUMENT, HTTP 400
    WEB_PAGE = auto()  # HTTP 200 with a page of HTML: no collector at all
    DRIPS = auto()  # HTTP 200, then a byte a moment, without end
    HANGS = auto()  # takes the request and never answers


def value_of(value: AnyValue):
    """The Python value of an attribute."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(value_of(each) for each in value.array_value.values)
    return getattr(value, kind)


def attributes_of(item) -> dict:
    """The attributes of a span, a log record or a resource."""
    return {pair.key: value_of(pair.value) for pair in item.attributes}


class OtlpReceiver:
    """Both protocols on loopback ports. What arrives is kept in `spans`, `logs` and `resources`.

    `seconds_per_answer` makes it slow; `raw` holds the requests as they came.
    """

    def __init__(self) -> None:
        self.mood = Mood.WILLING
        self.spans: list[Span] = []
        self.logs: list[LogRecord] = []
        self.resources: list[dict] = []
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.requests = 0
        self.seconds_per_answer = 0.0
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._grpc: grpc.Server | None = None
        self._http: ThreadingHTTPServer | None = None
        self._grpc_port = 0
        self._http_port = 0
        self._links: set[socket.socket] = set()

    @property
    def grpc_url(self) -> str:
        """Where gRPC is spoken; stays the same when it is started again."""
        return f"http://127.0.0.1:{self._grpc_port}"

    @property
    def http_url(self) -> str:
        """Where HTTP is spoken; stays the same when it is started again."""
        return f"http://127.0.0.1:{self._http_port}/v1/traces"

    def __enter__(self) -> "OtlpReceiver":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the same ports as before if there were any."""
        self._stopping.clear()
        self._start_grpc()
        self._start_http()

    def stop(self) -> None:
        """Be gone: connections end, dialling is refused."""
        self._stopping.set()
        if self._grpc is not None:
            self._grpc.stop(grace=0).wait()
            self._grpc = None
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None
        for link in tuple(self._links):
            _shut(link)

    def wait_until(self, holds: Callable[["OtlpReceiver"], bool], seconds: float = 60) -> None:
        """Return as soon as it holds; fail when it does not in time."""
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self), seconds), (
                f"after {seconds} s: {len(self.spans)} spans, {len(self.logs)} log records, "
                f"{self.requests} requests"
            )

    def record_ids(self) -> list[str]:
        """`audit.record.id` of every log record, repeats included, in order of arrival."""
        with self._changed:
            return [str(attributes_of(each)["audit.record.id"]) for each in self.logs]

    def _start_grpc(self) -> None:
        server = grpc.server(ThreadPoolExecutor(4), options=(("grpc.so_reuseport", 0),))
        for service, take in (
            ("trace.v1.TraceService", self._take_traces),
            ("logs.v1.LogsService", self._take_logs),
        ):
            handler = grpc.unary_unary_rpc_method_handler(self._grpc_method(take))
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(_SERVICE + service, {"Export": handler}),)
            )
        self._grpc_port = server.add_insecure_port(f"127.0.0.1:{self._grpc_port}")
        server.start()
        self._grpc = server

    def _grpc_method(self, take):
        def export(request: bytes, context: grpc.ServicerContext) -> bytes:
            self._note_request(dict(context.invocation_metadata()))
            if self.mood is Mood.UNAVAILABLE:
                context.abort(grpc.StatusCode.UNAVAILABLE, "back soon")
            if self.mood is Mood.REFUSES:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not like this")
            if self.mood is Mood.HANGS:
                self._stopping.wait(_NEVER_SECONDS)
            return take(request).SerializeToString()

        return export

    def _start_http(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                receiver._links.add(self.connection)

            def finish(self) -> None:
                receiver._links.discard(self.connection)
                super().finish()

            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers["content-length"]))
                receiver._note_request({k.lower(): v for k, v in self.headers.items()})
                receiver._answer_http(self, request)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", self._http_port), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        self._http_port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self._http = server

    def _answer_http(self, handler: BaseHTTPRequestHandler, request: bytes) -> None:
        match self.mood:
            case Mood.UNAVAILABLE:
                return _reply(handler, 503, b"back soon", "text/plain")
            case Mood.REFUSES:
                return _reply(handler, 400, b"not like this", "text/plain")
            case Mood.WEB_PAGE:
                return _reply(handler, 200, b"<html>welcome</html>", "text/html")
            case Mood.DRIPS:
                return self._drip(handler)
            case Mood.HANGS:
                self._stopping.wait(_NEVER_SECONDS)
                handler.close_connection = True
                return None
        take = self._take_logs if handler.path.endswith("/v1/logs") else self._take_traces
        return _reply(handler, 200, take(request).SerializeToString(), "application/x-protobuf")

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "application/x-protobuf")
        handler.end_headers()
        handler.close_connection = True
        try:
            while not self._stopping.wait(0.05):
                handler.wfile.write(b"\n")
                handler.wfile.flush()
        except OSError:
            pass

    def _note_request(self, headers: dict[str, str]) -> None:
        with self._changed:
            self.requests += 1
            self.headers.append(headers)
            self._changed.notify_all()
        if self.seconds_per_answer:
            self._stopping.wait(self.seconds_per_answer)

    def _take_traces(self, raw: bytes) -> ExportTraceServiceResponse:
        request = ExportTraceServiceRequest.FromString(raw)
        blocks = request.resource_spans
        spans = [span for block in blocks for scope in block.scope_spans for span in scope.spans]
        response = ExportTraceServiceResponse()
        if self.mood is Mood.PICKY:
            spans = spans[:-1]
            response.partial_success.rejected_spans = 1
        if self.mood in {Mood.PICKY, Mood.REMARKS}:
            response.partial_success.error_message = "one looks odd"
        self._keep(raw, [attributes_of(block.resource) for block in blocks], spans, [])
        return response

    def _take_logs(self, raw: bytes) -> ExportLogsServiceResponse:
        request = ExportLogsServiceRequest.FromString(raw)
        blocks = request.resource_logs
        logs = [log for block in blocks for scope in block.scope_logs for log in scope.log_records]
        response = ExportLogsServiceResponse()
        if self.mood is Mood.PICKY:
            logs = logs[:-1]
            response.partial_success.rejected_log_records = 1
        if self.mood in {Mood.PICKY, Mood.REMARKS}:
            response.partial_success.error_message = "one looks odd"
        self._keep(raw, [attributes_of(block.resource) for block in blocks], [], logs)
        return response

    def _keep(
        self, raw: bytes, resources: list[dict], spans: list[Span], logs: list[LogRecord]
    ) -> None:
        with self._changed:
            self.raw.append(raw)
            self.resources.extend(resources)
            self.spans.extend(spans)
            self.logs.extend(logs)
            self._changed.notify_all()


def _shut(link: socket.socket) -> None:
    try:
        link.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it has ended by itself


def _reply(handler: BaseHTTPRequestHandler, status: int, body: bytes, media_type: str) -> None:
    handler.send_response(status)
    handler.send_header("content-type", media_type)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
