"""Sits on the wire between an assistant and the gateway: passes all on, remembers the requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.fakes.vendor_server import Call, read_request


@dataclass(slots=True)
class Tap:
    """An address in front of the gateway, and what came in there."""

    url: str
    calls: list[Call] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)  # a keep-alive has come by

    @property
    def asked(self) -> list[Call]:
        """The requests that ask a model for something."""
        return [call for call in self.calls if call.method == "POST"]

    @property
    def lines(self) -> list[str]:
        """What a person would want to see of them."""
        return [f"{call.method} {call.path} ({len(call.body)} bytes)" for call in self.calls]


@asynccontextmanager
async def tapped(gateway: str) -> AsyncIterator[Tap]:
    """A tap on the gateway at this root URL."""
    address = urlsplit(gateway)
    tap = Tap("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(address.hostname, address.port)
        answers = asyncio.create_task(copy(back, writer, tap.waiting))
        try:
            while (call := await read_request(reader, b"", 0)) is not None:
                tap.calls.append(call)
                forth.write(raw(call))
                await forth.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the assistant left in the middle: so does its connection to the gateway
        finally:
            forth.close()
            await asyncio.gather(answers, return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    tap.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield tap
    finally:
        server.close()


async def copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, waiting: asyncio.Event
) -> None:
    """Pass bytes on as they come; end when they end."""
    try:
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
            if KEEP_ALIVE in piece:
                waiting.set()
    except ConnectionError:
        pass  # one of the two has left
    finally:
        writer.close()


def raw(call: Call) -> bytes:
    """A request as it came, with its length told instead of its chunks."""
    target = f"{call.path}?{call.query}" if call.query else call.path
    lines = [f"{call.method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in call.headers if name not in LENGTHS]
    if call.body or call.method == "POST":
        lines.append(f"content-length: {len(call.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + call.body


KEEP_ALIVE = b": keep-alive\n"  # of OpenAI's protocols
LENGTHS = ("content-length", "transfer-encoding")
