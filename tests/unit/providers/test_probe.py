"""A small question gets a whole answer of bounded size, or none."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from providers.probe import ProbeAnswer, ProbeError, ask


class Stranger:
    """A server on loopback that answers with fixed bytes and hangs up."""

    def __init__(self) -> None:
        self.asked = b""
        self._server: asyncio.Server | None = None

    async def says(self, raw: bytes) -> int:
        """Listen; gives the port."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.asked = await reader.readuntil(b"\r\n\r\n")
            writer.write(raw)
            writer.close()

        self._server = await asyncio.start_server(serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def leave(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()


@pytest.fixture
async def stranger() -> AsyncIterator[Stranger]:
    stranger = Stranger()
    yield stranger
    stranger.leave()


async def test_an_answer_has_status_headers_and_body(stranger: Stranger) -> None:
    port = await stranger.says(
        b"HTTP/1.1 404 Not Found\r\nServer: x\r\nContent-Length: 2\r\n\r\nno"
    )
    assert await ask(port, "GET", "/v1/models") == ProbeAnswer(
        404, {"server": "x", "content-length": "2"}, b"no"
    )


async def test_the_question_names_the_host_it_dials_and_asks_to_hang_up(
    stranger: Stranger,
) -> None:
    port = await stranger.says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    await ask(port, "POST", "/v1/messages", b"[]")
    lines = stranger.asked.decode().split("\r\n")
    assert lines[0] == "POST /v1/messages HTTP/1.1"
    assert {f"host: 127.0.0.1:{port}", "connection: close", "content-length: 2"} <= set(lines)


async def test_an_answer_without_a_length_ends_with_the_connection(stranger: Stranger) -> None:
    port = await stranger.says(b"HTTP/1.0 200 OK\r\n\r\nall of it")
    assert (await ask(port, "GET", "/")).body == b"all of it"


async def test_a_chunked_answer_is_put_together(stranger: Stranger) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
    port = await stranger.says(head + b"3;x=y\r\nall\r\nB\r\n of it here\r\n0\r\n\r\n")
    assert (await ask(port, "GET", "/")).body == b"all of it here"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 300_000,
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (2 << 20),
    ],
)
async def test_what_is_no_answer_or_too_much_of_one_is_refused(
    stranger: Stranger, raw: bytes
) -> None:
    with pytest.raises(ProbeError):
        await ask(await stranger.says(raw), "GET", "/")


async def test_nobody_there_is_no_answer(stranger: Stranger) -> None:
    port = await stranger.says(b"")
    stranger.leave()
    with pytest.raises(ProbeError):
        await ask(port, "GET", "/")
