"""HTTP/1.1 by hand, so that a stand-in vendor can break it at any byte."""

import asyncio
import gzip
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.vendor_script import HEAD, Cut, Ending, Framing, Script

REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 429: "Too Many"}


AT_ONCE_SECONDS = 10.0  # a busy machine may take some; a call that nobody ends lasts for minutes


class MalformedRequestError(Exception):
    """What came over the connection is no HTTP/1.1 request."""


@dataclass(slots=True)
class Call:
    """A request as it came, and whether its caller hung up before the answer was out."""

    connection: int  # number of the connection it came on, from 1
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    pieces_sent: int = 0
    _gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def gone(self) -> bool:
        """The caller closed the connection while the answer was not finished."""
        return self._gone.is_set()

    async def until_gone(self) -> None:
        """Wait for the caller to hang up. Raises `TimeoutError` when it does not at once."""
        await asyncio.wait_for(self._gone.wait(), AT_ONCE_SECONDS)

    def hang_up(self) -> None:
        """Note that the caller is gone."""
        self._gone.set()

    def header(self, name: str) -> str | None:
        """The value of a header (lower-case name), None when it is missing."""
        return dict(self.headers).get(name)

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def model(self) -> str | None:
        """The model the body names, if it is an object that names one."""
        try:
            value = self.json()
        except ValueError:
            return None
        name = value.get("model") if isinstance(value, dict) else None
        return name if isinstance(name, str) else None


async def read_request(reader: asyncio.StreamReader, prefix: bytes, connection: int) -> Call | None:
    """The next request, or None when the peer closed instead. `prefix` was read before."""
    try:
        head = prefix + await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    lines = head[:-4].decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or parts[2] != "HTTP/1.1":
        raise MalformedRequestError(f"no request line: {lines[0]!r}")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or not name:
            raise MalformedRequestError(f"no header line: {line!r}")
        headers.append((name.lower(), value.strip()))
    path, _, query = parts[1].partition("?")
    body = await _read_body(reader, headers)
    return Call(connection, parts[0], path, query, tuple(headers), body)


async def _read_body(reader: asyncio.StreamReader, headers: list[tuple[str, str]]) -> bytes:
    lengths = [value for name, value in headers if name == "content-length"]
    chunked = [value for name, value in headers if name == "transfer-encoding"]
    if len(lengths) + len(chunked) > 1:
        raise MalformedRequestError("two lengths")
    if not chunked:
        return await reader.readexactly(int(lengths[0])) if lengths else b""
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer ready to be written: its pieces are the events of a stream, or one document."""

    status: int
    content_type: str
    pieces: list[bytes]
    streamed: bool = False


class Writing:
    """Writes one reply to a connection, as the script says."""

    def __init__(self, writer: asyncio.StreamWriter, call: Call, script: Script) -> None:
        self._writer = writer
        self._call = call
        self._script = script
        self._gates = dict(script.gates)
        self._framing = Framing.CHUNKED

    async def write(self, reply: Reply) -> bool:
        """Write it all. True when the connection may carry another request."""
        script, pieces = self._script, reply.pieces
        if script.compresses:
            pieces = [gzip.compress(b"".join(pieces))]
        if script.chop is not None:
            pieces = list(script.chop(b"".join(pieces)))
        default = Framing.CHUNKED if reply.streamed else Framing.LENGTH
        self._framing = script.framing or default
        await self._gate(HEAD)
        await self._send(self._head(reply, sum(map(len, pieces))))
        cut = script.cut
        kept, rest = (pieces, b"") if cut is None else split(pieces, cut)
        for number, piece in enumerate(kept):
            await self._gate(number)
            await self._send(self._framed(piece))
            self._call.pieces_sent = number + 1
            if script.seconds_between_events:
                await asyncio.sleep(script.seconds_between_events)
        await self._gate(len(kept))
        if cut is not None and cut.ending is not Ending.CLEAN:
            await self._break_off(cut.ending, rest)
            return False
        if self._framing is Framing.CHUNKED:
            await self._send(b"0\r\n\r\n")
        return not (script.closes_after or self._framing is Framing.CLOSE)

    async def _gate(self, place: int) -> None:
        if (gate := self._gates.get(place)) is not None:
            await gate.wait()

    async def _send(self, data: bytes) -> None:
        if self._writer.is_closing():  # where the loop raises something else than asyncio does
            raise ConnectionResetError("the caller has hung up")
        self._writer.write(data)
        await self._writer.drain()

    def _head(self, reply: Reply, length: int) -> bytes:
        lines = [
            f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Status')}",
            f"content-type: {reply.content_type}",
        ]
        if self._framing is Framing.CHUNKED:
            lines.append("transfer-encoding: chunked")
        elif self._framing is Framing.LENGTH:
            lines.append(f"content-length: {length}")
        if self._script.compresses:
            lines.append("content-encoding: gzip")
        if self._script.closes_after or self._framing is Framing.CLOSE:
            lines.append("connection: close")
        lines += [f"{name}: {value}" for name, value in self._script.headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _framed(self, piece: bytes) -> bytes:
        if self._framing is Framing.CHUNKED and piece:
            return b"%x\r\n%b\r\n" % (len(piece), piece)
        return piece

    async def _break_off(self, ending: Ending, rest: bytes) -> None:
        if ending is Ending.INSIDE_CHUNK:
            framed = self._framed(rest or b"data: never finished")
            await self._send(framed[: len(framed) // 2])
        if ending is Ending.STALL:
            await asyncio.Event().wait()
        if ending is Ending.RESET:
            reset(self._writer)


def split(pieces: list[bytes], cut: Cut) -> tuple[list[bytes], bytes]:
    """What is sent before the cut, and the piece that would have come next."""
    if cut.events is not None:
        rest = pieces[cut.events] if cut.events < len(pieces) else b""
        return pieces[: cut.events], rest
    left = cut.bytes or 0
    kept: list[bytes] = []
    for piece in pieces:
        if len(piece) > left:
            return ([*kept, piece[:left]] if left else kept), piece[left:]
        kept.append(piece)
        left -= len(piece)
    return kept, b""


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with a TCP reset instead of an orderly close."""
    transport = writer.transport
    twin = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
    if twin.family != socket.AF_UNIX:
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    twin.close()
    transport.abort()


class Connections:
    """The open connections of a server, served one request after another."""

    def __init__(self) -> None:
        self.opened = 0
        self.bad_requests: list[str] = []
        self._writers: dict[asyncio.StreamWriter, asyncio.Task[Any]] = {}
        self._changed = asyncio.Condition()

    @property
    def open_now(self) -> int:
        """How many connections stand."""
        return len(self._writers)

    async def requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> AsyncIterator[tuple[Call, "Exchange"]]:
        """Each request of a connection, with the way to answer it; ends with the connection."""
        self.opened += 1
        number = self.opened
        task = asyncio.current_task()
        assert task is not None
        self._writers[writer] = task
        if writer.get_extra_info("sslcontext") is None:
            # drain() then waits until all is with the system (uvloop's TLS would wait for ever)
            writer.transport.set_write_buffer_limits(0)
        prefix = b""
        try:
            while (call := await read_request(reader, prefix, number)) is not None:
                exchange = Exchange(reader, writer, call)
                yield call, exchange
                if not exchange.reusable:
                    break
                prefix = exchange.read_ahead
        except (MalformedRequestError, ValueError, asyncio.IncompleteReadError) as error:
            self.bad_requests.append(str(error))
        except ConnectionError:
            pass  # the caller left while we read: the call says so
        finally:
            self._writers.pop(writer, None)
            writer.close()
            async with self._changed:
                self._changed.notify_all()

    async def until_none(self) -> None:
        """Wait until the last caller is gone."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._writers)

    async def drop_all(self) -> None:
        """Close every connection at once, and wait for their tasks."""
        tasks = list(self._writers.values())
        for writer in list(self._writers):
            writer.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Exchange:
    """One request being answered, while somebody watches whether its caller is still there."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, call: Call
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._call = call
        self.reusable = False
        self.read_ahead = b""

    async def answer(self, script: Script, reply: Reply) -> None:
        """Do what the script says; stop and note it when the caller hangs up."""
        answering = asyncio.ensure_future(self._perform(script, reply))
        watching = asyncio.ensure_future(self._reader.read(1))
        try:
            await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                self.read_ahead = _result(watching)
                if self.read_ahead:
                    await answering
            if answering.done():
                self.reusable = answering.result()
            else:
                self._call.hang_up()
        except ConnectionError:
            self._call.hang_up()
        finally:
            answering.cancel()
            watching.cancel()
            results = await asyncio.gather(answering, watching, return_exceptions=True)
            if isinstance(results[1], bytes):
                self.read_ahead = results[1]

    async def _perform(self, script: Script, reply: Reply) -> bool:
        if script.silent:
            await asyncio.Event().wait()
        if script.resets:
            reset(self._writer)
            return False
        if script.closes:
            return False
        return await Writing(self._writer, self._call, script).write(reply)


def _result(watching: "asyncio.Future[bytes]") -> bytes:
    return b"" if watching.exception() is not None else watching.result()
