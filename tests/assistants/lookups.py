"""A name server that knows nobody, and remembers who was asked for."""

import asyncio
import struct
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

RESOLVER = Path("/etc/resolv.conf")
NO_SUCH_NAME = 0x8183  # a response, recursion available, rcode 3 (RFC 1035, 4.1.1)


class NameServer(asyncio.DatagramProtocol):
    """Answers every question with "no such name" (RFC 1035)."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self._answers: list[asyncio.DatagramTransport] = []

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        """Keep what answers are sent by."""
        self._answers.append(transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Note the name and answer."""
        self.asked.add(name_in(data))
        (number,) = struct.unpack_from("!H", data)
        question = data[12 : data.index(0, 12) + 5]
        head = struct.pack("!6H", number, NO_SUCH_NAME, 1, 0, 0, 0)
        self._answers[0].sendto(head + question, addr)


def name_in(query: bytes) -> str:
    """The name that a query asks for."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode("ascii", "replace").lower())
        at += 1 + length
    return ".".join(labels)


def take_over(folder: Path) -> None:
    """Make this machine's resolver ask us: in a mount namespace of our own, so nobody else sees."""
    ours = folder / "resolv.conf"
    ours.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", ours, RESOLVER.resolve()], check=True)


@asynccontextmanager
async def overheard() -> AsyncIterator[set[str]]:
    """The names that are asked for while the block runs."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        NameServer, local_addr=("127.0.0.1", 53)
    )
    try:
        yield server.asked
    finally:
        transport.close()
