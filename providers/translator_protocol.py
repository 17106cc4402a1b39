"""What the gateway and its translator say to each other: calls, frames of a reply, errors."""

import base64
import struct
from collections.abc import Iterator
from typing import Any

import orjson

from providers.base import (
    Auth,
    Secret,
    Target,
    UpstreamCall,
    Vendor,
    VendorRecord,
    Via,
    WireName,
)
from providers.errors import (
    ProviderBusy,
    ProviderCredentials,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    ReplyCut,
    UnsupportedFeature,
)

_LENGTH = struct.Struct(">I")
READY = b"ready\n"
"""The one line the translator writes, once it serves."""

DATA, FAILED, END = b"D", b"E", b"Z"
"""Kinds of frames of a reply. A reply that does not close with `END` or `FAILED` was cut."""

_PLAIN: dict[str, type[ProviderError]] = {
    each.__name__: each
    for each in (
        ProviderCredentials,
        ProviderUnavailable,
        ProviderTimeout,
        ReplyCut,
        UnsupportedFeature,
    )
}


def pack_call(call: UpstreamCall) -> bytes:
    """A call as one body: its facts as JSON, then the client's bytes. `account` stays here."""
    vendor, record = call.target.vendor, call.target.vendor.record
    facts = {
        "wire": call.wire,
        "streaming": call.streaming,
        "counting": call.counting,
        "model": call.target.upstream_model,
        "vendor": {
            "name": vendor.name,
            "base_url": vendor.base_url,
            "api_key": None if vendor.api_key is None else vendor.api_key.reveal(),
            "wires": sorted(vendor.wires),
            "via": vendor.via,
            "may_drop_tools": sorted(vendor.may_drop_tools),
        },
        "record": {
            "kind": record.kind,
            "in_house": record.in_house,
            "paths": {wire.value: path for wire, path in record.paths.items()},
            "auth": {wire.value: auth for wire, auth in record.auth.items()},
            "litellm_prefix": record.litellm_prefix,
            "forwarded_headers": sorted(record.forwarded_headers),
        },
    }
    preamble = orjson.dumps(facts)
    return b"".join((_LENGTH.pack(len(preamble)), preamble, call.body))


def unpack_call(data: bytes) -> UpstreamCall:
    """The call that `pack_call` packed. Raises `ValueError` or `LookupError` for anything else."""
    if len(data) < _LENGTH.size:
        raise ValueError("too short for a call")
    end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    facts: dict[str, Any] = orjson.loads(data[_LENGTH.size : end])
    told, kind = facts["vendor"], facts["record"]
    record = VendorRecord(
        kind=kind["kind"],
        in_house=kind["in_house"],
        base_url=None,
        paths={WireName(wire): path for wire, path in kind["paths"].items()},
        auth={WireName(wire): Auth(auth) for wire, auth in kind["auth"].items()},
        litellm_prefix=kind["litellm_prefix"],
        via=Via(told["via"]),
        forwarded_headers=frozenset(kind["forwarded_headers"]),
    )
    vendor = Vendor(
        name=told["name"],
        record=record,
        base_url=told["base_url"],
        api_key=None if told["api_key"] is None else Secret(told["api_key"]),
        wires=frozenset(WireName(each) for each in told["wires"]),
        via=Via(told["via"]),
        may_drop_tools=frozenset(told["may_drop_tools"]),
    )
    return UpstreamCall(
        wire=WireName(facts["wire"]),
        target=Target(vendor, facts["model"]),
        body=data[end:],
        headers=(),
        streaming=facts["streaming"],
        counting=facts["counting"],
    )


def pack_error(error: ProviderError) -> bytes:
    """An error's description."""
    told: dict[str, Any] = {
        "kind": type(error).__name__,
        "message": error.message,
        "target": error.target,
    }
    if isinstance(error, ProviderBusy):
        told["retry_after_seconds"] = error.retry_after_seconds
    if isinstance(error, ProviderRejected):
        told["status"] = error.status
        told["body"] = base64.b64encode(error.body).decode("ascii")
        told["same_protocol"] = error.same_protocol
    return orjson.dumps(told)


def unpack_error(data: bytes) -> ProviderError:
    """The error that was described; `ProviderUnavailable` when nothing was."""
    try:
        told: dict[str, Any] = orjson.loads(data)
        kind, message, target = told["kind"], told["message"], told["target"]
        if kind == "ProviderBusy":
            seconds = told["retry_after_seconds"]
            return ProviderBusy(message, retry_after_seconds=seconds, target=target)
        if kind == "ProviderRejected":
            body = base64.b64decode(told["body"])
            same = told["same_protocol"]
            return ProviderRejected(told["status"], (), body, same_protocol=same, target=target)
        return _PLAIN[kind](message, target=target)
    except (ValueError, LookupError, TypeError):
        return ProviderUnavailable("the translator failed")


def pack_frame(kind: bytes, data: bytes = b"") -> bytes:
    """One frame of a reply."""
    return kind + _LENGTH.pack(len(data)) + data


class Frames:
    """Takes a reply's bytes apart, however they were cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The frames that are complete by now: kind and content."""
        self._rest += data
        head = 1 + _LENGTH.size
        while len(self._rest) >= head:
            end = head + _LENGTH.unpack_from(self._rest, 1)[0]
            if len(self._rest) < end:
                return
            frame = self._rest[:1], self._rest[head:end]
            self._rest = self._rest[end:]
            yield frame
