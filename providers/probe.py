"""One small question to a server on this machine, with a bounded answer; time is the caller's."""

import asyncio
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from providers.base import Secret

LOOPBACK = "127.0.0.1"

_ANSWER_LIMIT_BYTES = 1 << 20
_HEAD_LIMIT_BYTES = 32 << 10


class ProbeError(Exception):
    """Nobody there, or nobody who speaks HTTP as we can read it."""


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What came back: status, headers by lower-case name, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def ask(
    port: int, method: str, path: str, body: bytes = b"", *, key: Secret | None = None
) -> ProbeAnswer:
    """Send one request to this machine's `port`, with a key if given, and read the whole answer.

    Raises `ProbeError` when there is none, or when it is over 1 MiB or not HTTP/1.
    """
    shown = "" if key is None else f"authorization: Bearer {key.reveal()}\r\n"
    request = (
        f"{method} {path} HTTP/1.1\r\nhost: {LOOPBACK}:{port}\r\nconnection: close\r\n"
        "accept: application/json\r\ncontent-type: application/json\r\n"
        f"{shown}content-length: {len(body)}\r\n\r\n"
    )
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, port, limit=_HEAD_LIMIT_BYTES)
        with closing(writer):
            writer.write(request.encode("ascii") + body)
            return await _read_answer(reader)
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise ProbeError(f"port {port}: {type(error).__name__}") from error


async def _read_answer(reader: asyncio.StreamReader) -> ProbeAnswer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    start, *lines = head.rstrip("\r\n").split("\r\n")
    version, _, rest = start.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("not HTTP/1")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return ProbeAnswer(int(rest[:3]), headers, await _read_body(reader, headers))


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _read_chunks(reader)
    if "content-length" in headers:
        return await reader.readexactly(_bounded(int(headers["content-length"])))
    body = bytearray()
    while more := await reader.read(_HEAD_LIMIT_BYTES):
        body += more
        _bounded(len(body))
    return bytes(body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    received = 0
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        if size == 0:
            return bytes(body)
        received = _bounded(received + len(line) + size)  # many small chunks cost too
        body += (await reader.readexactly(size + 2))[:-2]


def _bounded(size: int) -> int:
    if not 0 <= size <= _ANSWER_LIMIT_BYTES:
        raise ValueError("answer too large")
    return size
