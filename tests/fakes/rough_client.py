"""An HTTP/1.1 client by hand, for what no proper client would send, and for never reading."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from tests.fakes.waiting import IN_VAIN_SECONDS


@dataclass(frozen=True, slots=True)
class RoughAnswer:
    """One answer, its framing taken off. `pieces` are the HTTP chunks, where there were any."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    pieces: tuple[bytes, ...] = ()

    def json(self) -> Any:
        return json.loads(self.body)


class RoughClient:
    """A connection whose every byte is the test's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def dial(cls, port: int, receive_buffer_bytes: int | None = None) -> Self:
        plain = socket.socket()
        if receive_buffer_bytes is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=plain, limit=64 * 1024)
        return cls(reader, writer)

    async def sends(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def posts(self, path: str, body: bytes, **headers: str) -> None:
        """A whole request with a proper length."""
        await self.sends(head_of(path, content_length=str(len(body)), **headers) + body)

    async def head(self) -> tuple[int, dict[str, str]]:
        """The status and headers of the next answer."""
        async with asyncio.timeout(IN_VAIN_SECONDS):
            raw = await self.reader.readuntil(b"\r\n\r\n")
        lines = raw[:-4].decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines[1:])
        return int(lines[0].split(" ")[1]), {name: value.strip() for name, _, value in pairs}

    async def chunk(self) -> bytes:
        """The next chunk of a chunked body; empty at its end."""
        async with asyncio.timeout(IN_VAIN_SECONDS):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            return (await self.reader.readexactly(size + 2))[:-2]

    async def answer(self) -> RoughAnswer:
        """The next answer, whole."""
        status, headers = await self.head()
        if headers.get("transfer-encoding") == "chunked":
            pieces = []
            while piece := await self.chunk():
                pieces.append(piece)
            return RoughAnswer(status, headers, b"".join(pieces), tuple(pieces))
        async with asyncio.timeout(IN_VAIN_SECONDS):
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return RoughAnswer(status, headers, body)

    async def until_closed(self) -> bytes:
        """Everything until the server hangs up, politely or not."""
        found = b""
        async with asyncio.timeout(IN_VAIN_SECONDS):
            try:
                while piece := await self.reader.read(65536):
                    found += piece
            except ConnectionError:
                pass  # a reset ends a connection too
        return found

    def vanishes(self) -> None:
        """Hang up at once."""
        self.writer.transport.abort()


def head_of(path: str, *, method: str = "POST", **headers: str) -> bytes:
    """A request's head; underscores in names stand for hyphens."""
    sent = {"host": "gateway", "content_type": "application/json", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in sent.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1")


@asynccontextmanager
async def rough_client(
    port: int, receive_buffer_bytes: int | None = None
) -> AsyncGenerator[RoughClient]:
    """Dial, and hang up in the end."""
    client = await RoughClient.dial(port, receive_buffer_bytes)
    try:
        yield client
    finally:
        client.vanishes()
