"""Exporters against a real receiver: what counts as taken, and what does not."""

import pytest

from gateway.telemetry.encode import Encoded, Encoder
from gateway.telemetry.endpoint import OtlpProtocol, read_endpoint
from gateway.telemetry.otlp import BatchRejected, CollectorAway, make_exporter
from gateway.telemetry.otlp_grpc import GrpcExporter
from gateway.telemetry.spans import project
from tests.fakes.ledger_stories import Stories, chained
from tests.fakes.otlp_receiver import Mood, OtlpReceiver

BOTH = pytest.mark.parametrize("protocol", [OtlpProtocol.GRPC, OtlpProtocol.HTTP])


@pytest.fixture
def receiver():
    with OtlpReceiver() as running:
        yield running


@pytest.fixture
def export(receiver):
    """Sends one answered exchange to the receiver."""
    exporters = []

    def send(protocol: OtlpProtocol, timeout_seconds: float = 5, **options) -> None:
        url = receiver.grpc_url if protocol is OtlpProtocol.GRPC else receiver.http_url
        endpoint = read_endpoint(url, protocol=protocol, **options)
        exporters.append(make_exporter(endpoint, timeout_seconds=timeout_seconds))
        exporters[-1].export(a_batch())

    yield send
    for exporter in exporters:
        exporter.close()


def a_batch() -> Encoded:
    return Encoder("1").encode([project(chained(Stories().answered()), str)])


@BOTH
def test_spans_and_log_records_arrive(receiver, export, protocol):
    export(protocol)
    assert (len(receiver.spans), len(receiver.logs)) == (3, 3)


@BOTH
def test_a_token_travels_as_a_header(receiver, export, protocol):
    export(protocol, headers={"Authorization": "Bearer s3cret"})
    assert receiver.headers[0]["authorization"] == "Bearer s3cret"


@BOTH
def test_a_partial_success_is_a_failure(receiver, export, protocol):
    receiver.mood = Mood.PICKY
    with pytest.raises(BatchRejected, match="1 rejected: one looks odd"):
        export(protocol)


@BOTH
def test_a_remark_without_a_rejection_is_a_success(receiver, export, protocol):
    receiver.mood = Mood.REMARKS
    export(protocol)
    assert len(receiver.logs) == 3


@BOTH
def test_a_busy_collector_is_away(receiver, export, protocol):
    receiver.mood = Mood.UNAVAILABLE
    with pytest.raises(CollectorAway, match="back soon"):
        export(protocol)
    assert receiver.requests == 1


@BOTH
def test_a_refusal_is_a_rejection_and_is_tried_once(receiver, export, protocol):
    receiver.mood = Mood.REFUSES
    with pytest.raises(BatchRejected, match="not like this"):
        export(protocol)
    assert receiver.requests == 1


@BOTH
def test_a_collector_that_never_answers_is_away_in_time(receiver, export, protocol):
    receiver.mood = Mood.HANGS
    with pytest.raises(CollectorAway):
        export(protocol, timeout_seconds=0.2)


@BOTH
def test_a_collector_that_is_down_is_away_and_found_again(receiver, protocol):
    url = receiver.grpc_url if protocol is OtlpProtocol.GRPC else receiver.http_url
    exporter = make_exporter(read_endpoint(url, protocol=protocol), timeout_seconds=5)
    exporter.export(a_batch())
    receiver.stop()
    with pytest.raises(CollectorAway):
        exporter.export(a_batch())
    receiver.start()
    exporter.export(a_batch())
    exporter.close()
    assert len(receiver.logs) == 6


def test_an_answer_that_drips_for_ever_is_away_in_time(receiver, export):
    receiver.mood = Mood.DRIPS
    with pytest.raises(CollectorAway):
        export(OtlpProtocol.HTTP, timeout_seconds=0.3)


def test_a_collector_that_sends_grpc_clients_away_is_not_followed(receiver, export):
    with pytest.raises(CollectorAway):
        GrpcExporter(
            read_endpoint(receiver.http_url, protocol=OtlpProtocol.GRPC), timeout_seconds=2
        ).export(a_batch())
    assert receiver.spans == []


def test_a_web_page_is_no_collector(receiver, export):
    receiver.mood = Mood.WEB_PAGE
    with pytest.raises(BatchRejected, match="is this a collector"):
        export(OtlpProtocol.HTTP)


def test_a_missing_certificate_file_is_told_and_may_come_later(receiver, export, tmp_path):
    url = receiver.http_url.replace("http:", "https:")
    endpoint = read_endpoint(url, ca_file=tmp_path / "none.pem")
    with pytest.raises(CollectorAway):
        make_exporter(endpoint, timeout_seconds=1).export(a_batch())


def test_the_exporter_none_takes_everything():
    exporter = make_exporter(read_endpoint("", protocol=OtlpProtocol.NONE), timeout_seconds=1)
    exporter.export(a_batch())
    exporter.close()
