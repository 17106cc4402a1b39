"""How an OTLP endpoint is read."""

import pytest

from gateway.telemetry.endpoint import BadEndpoint, OtlpProtocol, read_endpoint

GRPC, HTTP = OtlpProtocol.GRPC, OtlpProtocol.HTTP


@pytest.mark.parametrize(
    ("url", "protocol", "authority", "tls", "logs_path"),
    [
        ("http://127.0.0.1:4317", GRPC, "127.0.0.1:4317", False, "/v1/logs"),
        ("http://127.0.0.1:4317/", GRPC, "127.0.0.1:4317", False, "/v1/logs"),
        ("http://127.0.0.1:4318", HTTP, "127.0.0.1:4318", False, "/v1/logs"),
        ("https://otel.corp/v1/traces", HTTP, "otel.corp:443", True, "/v1/logs"),
        ("https://otel.corp/otlp/v1/traces", HTTP, "otel.corp:443", True, "/otlp/v1/logs"),
        ("https://otel.corp/otlp/", HTTP, "otel.corp:443", True, "/otlp/v1/logs"),
        ("https://otel.corp", GRPC, "otel.corp:443", True, "/v1/logs"),
        ("http://[::1]:4318", HTTP, "[::1]:4318", False, "/v1/logs"),
    ],
)
def test_port_and_path_tell_the_protocol(url, protocol, authority, tls, logs_path):
    endpoint = read_endpoint(url)
    assert (endpoint.protocol, endpoint.authority, endpoint.tls) == (protocol, authority, tls)
    assert endpoint.logs_path == logs_path


def test_a_protocol_that_is_named_wins():
    assert read_endpoint("http://h:4317", protocol=HTTP).protocol is HTTP
    assert read_endpoint("http://h:9999/v1/traces", protocol=GRPC).protocol is GRPC


def test_none_needs_no_endpoint():
    assert read_endpoint("", protocol=OtlpProtocol.NONE).protocol is OtlpProtocol.NONE


@pytest.mark.parametrize(
    "url",
    [
        "",
        "collector:4317",
        "ftp://h:4317",
        "http://",
        "http://h:99999",
        "http://u:p@h",
        "http://h?a=b",
    ],
)
def test_what_is_no_endpoint_is_refused(url):
    with pytest.raises(BadEndpoint):
        read_endpoint(url)


@pytest.mark.parametrize(
    ("name", "value"), [("a b", "s3cret"), ("a", "s3cret\r\nb: c"), ("", "s3cret"), ("a", "s3crét")]
)
def test_a_header_that_is_none_is_refused_without_showing_it(name, value):
    with pytest.raises(BadEndpoint) as refused:
        read_endpoint("http://h:4318", headers={name: value})
    assert "s3cr" not in str(refused.value)


def test_a_token_is_not_shown():
    endpoint = read_endpoint("http://h:4318", headers={"Authorization": "Bearer s3cret"})
    assert endpoint.headers == {"authorization": "Bearer s3cret"}
    assert "s3cret" not in repr(endpoint)
