"""Send OTLP over HTTP with protobuf: one POST a batch and signal, nothing retried, no redirects."""

import http.client
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.telemetry.encode import Encoded
from gateway.telemetry.endpoint import Endpoint
from gateway.telemetry.otlp import (
    BatchRejected,
    CollectorAway,
    check_logs_taken,
    check_none_rejected,
    check_traces_taken,
    shorten,
)

_MAX_ANSWER = 1 << 20
_AWAY = frozenset({408, 429, 500, 502, 503, 504})
_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    media_type: str
    body: bytes

    @property
    def summary(self) -> str:
        return f"HTTP {self.status}: {shorten(self.body.decode('utf-8', 'replace'))}"


class HttpExporter:
    """One kept connection, dialled anew after a failure."""

    def __init__(self, endpoint: Endpoint, *, timeout_seconds: float) -> None:
        self._endpoint = endpoint
        self._timeout_seconds = timeout_seconds
        self._headers = {**endpoint.headers, "content-type": _PROTOBUF}
        self._connection: http.client.HTTPConnection | None = None

    def export(self, batch: Encoded) -> None:
        """Send both signals. Raises `ExportFailed` if either was not taken in full."""
        if batch.traces:
            answer = self._post(self._endpoint.traces_path, batch.traces)
            _check(answer, "rejectedSpans", check_traces_taken)
        if batch.logs:
            answer = self._post(self._endpoint.logs_path, batch.logs)
            _check(answer, "rejectedLogRecords", check_logs_taken)

    def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _post(self, path: str, body: bytes) -> _Answer:
        try:
            answer = self._exchange(path, body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise CollectorAway(shorten(str(error)) or type(error).__name__) from error
        if answer.status in _AWAY:
            raise CollectorAway(answer.summary)
        if not 200 <= answer.status < 300:
            raise BatchRejected(answer.summary)
        return answer

    def _exchange(self, path: str, body: bytes) -> _Answer:
        connection, link = self._connected()
        with _hung_up_after(link, self._timeout_seconds):
            connection.request("POST", path, body=body, headers=self._headers)
            response = connection.getresponse()
            has_end = response.chunked or response.length is not None or response.version == 10
            content = response.read(_MAX_ANSWER)
            if response.read(1):
                raise http.client.HTTPException("the collector's answer does not end")
            # An empty answer means that all was taken: one that lost its rest must not look so.
            if response.length or not has_end:
                raise http.client.HTTPException("the collector's answer broke off")
        return _Answer(response.status, response.headers.get_content_type(), content)

    def _connected(self) -> tuple[http.client.HTTPConnection, socket.socket]:
        """The kept connection if it still stands, else a new one."""
        connection = self._connection
        if connection is None or connection.sock is None or _has_ended(connection.sock):
            self.close()
            connection = self._connection = self._dial()
            connection.connect()
        return connection, connection.sock

    def _dial(self) -> http.client.HTTPConnection:
        host, port, timeout = self._endpoint.host, self._endpoint.port, self._timeout_seconds
        if not self._endpoint.tls:
            return http.client.HTTPConnection(host, port, timeout=timeout)
        context = ssl.create_default_context(cafile=self._endpoint.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)


def _has_ended(link: socket.socket) -> bool:
    """Whether the other side has hung up: between two answers there is nothing else to read."""
    readable, _, _ = select.select([link], [], [], 0)
    return bool(readable)


@contextmanager
def _hung_up_after(link: socket.socket, seconds: float) -> Iterator[None]:
    """Bound the whole exchange: a socket's own timeout starts anew with every byte.

    Raises `TimeoutError` when time ran out, also when what came until then looks whole.
    """
    ran_out = threading.Event()

    def hang_up() -> None:
        ran_out.set()
        try:
            link.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has just been closed

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if ran_out.is_set():
        raise TimeoutError("the collector did not answer in time")


def _check(answer: _Answer, rejected_key: str, check_protobuf: Callable[[bytes], None]) -> None:
    """Raises `BatchRejected` unless this 2xx answer is OTLP's and says that all was taken."""
    if answer.media_type == _JSON:
        _check_json(answer.body, rejected_key)
    elif answer.media_type == _PROTOBUF or not answer.body:
        check_protobuf(answer.body)
    else:
        raise BatchRejected(f"it answered {shorten(answer.media_type)}: is this a collector?")


def _check_json(body: bytes, rejected_key: str) -> None:
    try:
        partial = json.loads(body or b"{}").get("partialSuccess", {})
        rejected, message = int(partial.get(rejected_key, 0)), str(partial.get("errorMessage", ""))
    except (ValueError, TypeError, AttributeError) as error:
        raise BatchRejected("the answer cannot be read: is this a collector?") from error
    check_none_rejected(rejected, message)
