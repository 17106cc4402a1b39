"""Read where and how to send OTLP from one URL, the way people write it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

_GRPC_PORT, _HTTP_PORT = 4317, 4318  # registered for OTLP
_TRACES, _LOGS = "/v1/traces", "/v1/logs"
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_HEADER_VALUE = re.compile(r"[ -~]{0,4096}")


class OtlpProtocol(StrEnum):
    """The two encodings of OTLP we speak; `none` builds everything and sends nothing."""

    GRPC = "grpc"
    HTTP = "http"
    NONE = "none"


class BadEndpoint(ValueError):
    """The endpoint cannot be used; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A collector: where it is and how it wants to be spoken to.

    `headers` (or gRPC metadata, lower case) may hold its token, and is never printed.
    `ca_file` replaces the system's certificate authorities.
    """

    protocol: OtlpProtocol
    host: str = ""
    port: int = 0
    tls: bool = False
    traces_path: str = _TRACES
    logs_path: str = _LOGS
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: Path | None = None

    @property
    def authority(self) -> str:
        """`host:port`, with an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def read_endpoint(
    url: str,
    *,
    protocol: OtlpProtocol | None = None,
    headers: Mapping[str, str] | None = None,
    ca_file: Path | None = None,
) -> Endpoint:
    """Read an OTLP endpoint such as `http://127.0.0.1:4317` or `https://host/otlp/v1/traces`.

    Without `protocol`, port 4318 or a path means HTTP with protobuf, anything else gRPC, which has
    no use for a path. `https` means TLS. Raises `BadEndpoint` with what to write instead.
    """
    if protocol is OtlpProtocol.NONE:
        return Endpoint(OtlpProtocol.NONE)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadEndpoint(f"the OTLP endpoint is no URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadEndpoint("an OTLP endpoint looks like http://127.0.0.1:4317 or https://host:4318")
    if parts.username is not None or parts.query or parts.fragment:
        raise BadEndpoint(
            "an OTLP endpoint has no user, query or fragment: a token goes in a header"
        )
    path = parts.path.rstrip("/")
    if protocol is None:
        is_http = port == _HTTP_PORT or (path and port != _GRPC_PORT)
        protocol = OtlpProtocol.HTTP if is_http else OtlpProtocol.GRPC
    tls = parts.scheme == "https"
    base = path.removesuffix(_TRACES).removesuffix(_LOGS)
    return Endpoint(
        protocol=protocol,
        host=parts.hostname,
        port=port or _default_port(protocol, tls=tls),
        tls=tls,
        traces_path=base + _TRACES,
        logs_path=base + _LOGS,
        headers=_checked(headers or {}),
        ca_file=ca_file,
    )


def _checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise BadEndpoint("an OTLP header has letters, digits and dashes, then printable ASCII")
    return {name.lower(): value for name, value in headers.items()}


def _default_port(protocol: OtlpProtocol, *, tls: bool) -> int:
    if tls:
        return 443
    return _GRPC_PORT if protocol is OtlpProtocol.GRPC else _HTTP_PORT
