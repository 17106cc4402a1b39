"""What an answer over HTTP means, byte by byte, and when a connection is used again."""

import socket
import threading
from collections.abc import Iterator

import pytest

from gateway.telemetry.encode import Encoded
from gateway.telemetry.endpoint import read_endpoint
from gateway.telemetry.otlp import BatchRejected, CollectorAway
from gateway.telemetry.otlp_http import HttpExporter

TRACES = Encoded(traces=b"spans", logs=b"")
JSON, PROTOBUF = "application/json", "application/x-protobuf"


class CannedCollector:
    """Gives the answers it was given, one a request, over one connection after another."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.has_hung_up = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1/traces"

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with link:
                self._talk(link)
            self.has_hung_up.set()

    def _talk(self, link: socket.socket) -> None:
        while request := link.recv(65_536):
            while b"spans" not in request:
                request += link.recv(65_536)
            self.requests.append(request)
            answer = self.answers.pop(0)
            is_last = not self.answers  # before it leaves: then the test may give more
            link.sendall(answer)
            if is_last:
                return


@pytest.fixture
def collector() -> Iterator[CannedCollector]:
    canned = CannedCollector()
    yield canned
    canned.stop()


@pytest.fixture
def exporter(collector) -> Iterator[HttpExporter]:
    exporter = HttpExporter(read_endpoint(collector.url), timeout_seconds=5)
    yield exporter
    exporter.close()


def answer(status: int, body: bytes = b"", kind: str | None = PROTOBUF, **headers: str) -> bytes:
    named = {"content-length": str(len(body)), **headers}
    if kind is not None:
        named["content-type"] = kind
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body


@pytest.mark.parametrize(
    "taken",
    [
        answer(200),
        answer(202, kind=None),
        answer(200, b"{}", JSON),
        answer(200, b"", "application/json; charset=utf-8"),
        answer(200, b'{"partialSuccess":{}}', JSON),
        answer(200, b'{"partialSuccess":{"rejectedSpans":"0","errorMessage":"slow down"}}', JSON),
    ],
)
def test_an_answer_that_rejects_nothing_means_taken(collector, exporter, taken):
    collector.answers = [taken]
    exporter.export(TRACES)
    assert len(collector.requests) == 1


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (answer(200, b'{"partialSuccess":{"rejectedSpans":"2"}}', JSON), "2 rejected"),
        (answer(200, b'{"partialSuccess":{"rejectedSpans":2}}', JSON), "2 rejected"),
        (answer(200, b'{"partialSuccess":null}', JSON), "is this a collector"),
        (answer(200, b"[1]", JSON), "is this a collector"),
        (answer(200, b"{", JSON), "is this a collector"),
        (answer(200, b"\xff\xff", PROTOBUF), "is this a collector"),
        (answer(200, b"<html>", "text/html"), "text/html: is this a collector"),
        (answer(401, b"who are you", "text/plain"), "HTTP 401: who are you"),
        (answer(400, b"\x1b[2Jno", "text/plain"), "HTTP 400:  \\[2Jno"),
    ],
)
def test_any_other_answer_is_a_rejection_with_its_reason(collector, exporter, refused, why):
    collector.answers = [refused]
    with pytest.raises(BatchRejected, match=why):
        exporter.export(TRACES)


def test_a_redirect_is_not_followed(collector, exporter):
    collector.answers = [answer(307, location="http://127.0.0.1:1/v1/traces")]
    with pytest.raises(BatchRejected, match="HTTP 307"):
        exporter.export(TRACES)
    assert len(collector.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_collector_that_is_busy_is_away(collector, exporter, status):
    collector.answers = [answer(status, b"later", "text/plain")]
    with pytest.raises(CollectorAway, match=f"HTTP {status}: later"):
        exporter.export(TRACES)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 X\r\ncontent-le",
        b"HTTP/1.1 200 X\r\ncontent-type: application/x-protobuf\r\n",
        b"HTTP/1.1 200 X\r\ncontent-length: 20\r\n\r\n",
        b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
)
def test_an_answer_that_broke_off_is_not_taken_for_a_yes(collector, exporter, broken):
    collector.answers = [broken]
    with pytest.raises(CollectorAway):
        exporter.export(TRACES)


def test_an_endless_answer_is_not_read_to_its_end(collector, exporter):
    collector.answers = [answer(200, b"x" * ((1 << 20) + 1))]
    with pytest.raises(CollectorAway, match="does not end"):
        exporter.export(TRACES)


def test_one_connection_serves_many_batches(collector, exporter):
    collector.answers = [answer(200)] * 3
    for _ in range(3):
        exporter.export(TRACES)
    assert (len(collector.requests), collector.connections) == (3, 1)


def test_a_connection_that_has_ended_is_dialled_anew_and_nothing_is_lost(collector, exporter):
    collector.answers = [answer(200)]
    exporter.export(TRACES)
    assert collector.has_hung_up.wait(60)
    collector.answers = [answer(200)]
    exporter.export(TRACES)
    assert (len(collector.requests), collector.connections) == (2, 2)
