"""What the upstream client costs: ours beside aiohttp, in one run, against one raw upstream.

    .venv/bin/python -m benchmarks.upstream_client

The upstream is a process of its own, so its CPU is not counted. Rounds are interleaved, the
figures are medians: CPU of this process per request and per streamed chunk, and their ratio.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import aiohttp
import uvloop

from providers.http.client import HttpClient
from providers.http.origin import Endpoint, parse_base_url
from providers.http.reply import Timeouts

ROUNDS = 7
REQUESTS = 1500
AT_ONCE = 16
STREAMS = 50
CHUNKS = 60
CHUNK_EVERY_SECONDS = 0.02
SIZES = {"1 KB": 1_000, "100 KB": 100_000}

HEADERS = {"content-type": "application/json", "authorization": "Bearer " + "k" * 48}
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"' + b"w" * 90 + b'"}}]}\n\n'
FRAMED = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)

Ask = Callable[[str, bytes], Awaitable[int]]
"""(path, body) -> bytes of the answer, read as they come."""


class Upstream(asyncio.Protocol):
    """Answers as fast as it can: `/json` with a document, `/stream` with paced events."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.pending = b""

    def data_received(self, data: bytes) -> None:
        self.pending += data
        head, found, rest = self.pending.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(rest) < length:
            return
        self.pending = b""
        if head.startswith(b"POST /stream"):
            opening = b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            self.transport.write(b"HTTP/1.1 200 OK\r\n" + opening)
            self.write_event(CHUNKS)
        else:
            opening = b"content-type: application/json\r\ncontent-length: 1000\r\n\r\n"
            self.transport.write(b"HTTP/1.1 200 OK\r\n" + opening + b"x" * 1000)

    def write_event(self, left: int) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(FRAMED if left else b"0\r\n\r\n")
        if left:
            loop = asyncio.get_running_loop()
            loop.call_later(CHUNK_EVERY_SECONDS, self.write_event, left - 1)


async def serve() -> None:
    """Run the upstream until its input is closed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@asynccontextmanager
async def our_client(url: str) -> AsyncIterator[Ask]:
    """The gateway's own."""
    client, timeouts = HttpClient(), Timeouts()
    origin, _ = parse_base_url(url)
    fixed = tuple((name.encode(), value.encode()) for name, value in HEADERS.items())
    endpoints = {path: Endpoint.build("POST", origin, path, fixed) for path in ("/json", "/stream")}

    async def ask(path: str, body: bytes) -> int:
        reply = await client.request(endpoints[path], (), body, timeouts=timeouts)
        size = 0
        while piece := await reply.body.read():
            size += len(piece)
        return size

    yield ask
    await client.aclose()


@asynccontextmanager
async def aiohttp_client(url: str) -> AsyncIterator[Ask]:
    """aiohttp, set up for the same work: no decompression, no overall timeout."""
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=120)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, auto_decompress=False
    ) as session:

        async def ask(path: str, body: bytes) -> int:
            size = 0
            async with session.post(url + path, data=body, headers=HEADERS) as reply:
                while piece := await reply.content.readany():
                    size += len(piece)
            return size

        yield ask


async def cpu_per_request(ask: Ask, body_bytes: int) -> float:
    """Microseconds of CPU of a request, a few at once."""
    body, left = b"x" * body_bytes, iter(range(REQUESTS))

    async def work() -> None:
        for _ in left:
            assert await ask("/json", body) == 1000

    began = time.process_time_ns()
    await asyncio.gather(*[work() for _ in range(AT_ONCE)])
    return (time.process_time_ns() - began) / REQUESTS / 1000


async def cpu_per_chunk(ask: Ask) -> float:
    """Microseconds of CPU of a streamed chunk, many streams at once."""
    began = time.process_time_ns()
    sizes = await asyncio.gather(*[ask("/stream", b"{}") for _ in range(STREAMS)])
    assert set(sizes) == {len(EVENT) * CHUNKS}
    return (time.process_time_ns() - began) / (STREAMS * CHUNKS) / 1000


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: what was measured, with ours and with aiohttp, each round."""

    name: str
    ours: list[float]
    theirs: list[float]

    def __str__(self) -> str:
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        ratios = [a / b for a, b in zip(self.ours, self.theirs, strict=True)]
        spread = f"[{min(ratios):.2f}..{max(ratios):.2f}]"
        return f"| {self.name} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.2f} {spread} |"


async def measure(url: str) -> list[Figure]:
    """All rows, rounds interleaved, one round to warm up."""
    figures = [Figure(f"a request of {name}", [], []) for name in SIZES]
    chunk = Figure("a streamed chunk", [], [])
    async with our_client(url) as ours, aiohttp_client(url) as theirs:
        for number in range(ROUNDS + 1):
            for figure, size in zip(figures, SIZES.values(), strict=True):
                for found, ask in ((figure.ours, ours), (figure.theirs, theirs)):
                    found.append(await cpu_per_request(ask, size))
            for found, ask in ((chunk.ours, ours), (chunk.theirs, theirs)):
                found.append(await cpu_per_chunk(ask))
            if number == 0:
                for figure in (*figures, chunk):
                    figure.ours.clear()
                    figure.theirs.clear()
    return [*figures, chunk]


def main() -> None:
    """Start the upstream, measure, print a table."""
    if sys.argv[1:] == ["--serve"]:
        uvloop.run(serve())
        return
    command = [sys.executable, "-m", "benchmarks.upstream_client", "--serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as upstream:
        assert upstream.stdout is not None
        port = int(upstream.stdout.readline())
        figures = uvloop.run(measure(f"http://127.0.0.1:{port}"))
        upstream.communicate()  # closes its input: it ends
    print("| CPU, µs | ours | aiohttp | ratio [per round] |\n|---|---|---|---|")
    for figure in figures:
        print(figure)


if __name__ == "__main__":
    main()
