"""Start the systems one after another, know when each first answers, stop only what we started."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from benchmarks import bodies
from benchmarks.measure import LOAD_CORE, SERVER_CORE, Endpoint, StandIn, cost, pinned
from benchmarks.peers import KEY, Launch, Place, System, clean_environment
from benchmarks.scenarios import OPENAI, PATHS

START_LIMIT_SECONDS = 120.0
STOP_LIMIT_SECONDS = 15.0
POLL_SECONDS = 0.02
Answer = TypeVar("Answer")


class NotReady(Exception):
    """A system did not answer in time; its log says why."""


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Fleet:
    """The stand-in and the systems in front of it, for as long as the `with` lasts."""

    work: Path
    stand_in_port: int = field(default_factory=free_port)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def stand_in(self) -> StandIn:
        """The model behind them all."""
        return StandIn(f"127.0.0.1:{self.stand_in_port}")

    def __enter__(self) -> Self:
        program = str(self.work / "mock_upstream")
        launch = Launch((program, str(self.stand_in_port)), self.work)
        self._spawn("stand-in", launch, LOAD_CORE)
        self._await(lambda: self.stand_in.counts() is not None, "stand-in")
        self.endpoints["direct"] = Endpoint("direct", self.stand_in.address, KEY)
        self.facts["direct"] = {}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)

    def add(self, system: System, *, starts: int) -> None:
        """Start a system, `starts` times; the best start counts, the last one stays.

        Raises `NotReady` when it does not answer.
        """
        best = float("inf")
        for _ in range(starts):
            self.stop(system.name)
            best = min(best, self._start(system))
        pid = self._running[system.name].pid
        serving, shipping = cost(pid)
        self.facts[system.name] = {
            "start_seconds": round(best, 2),
            "start_cpu_seconds": round(serving.cpu_seconds + shipping.cpu_seconds, 2),
            "idle_mb": round(serving.memory_mb + shipping.memory_mb, 1),
            "shipper_idle_mb": round(shipping.memory_mb, 1),
        }

    def stop(self, name: str) -> None:
        """End one system and its children, kindly at first."""
        process = self._running.pop(name, None)
        if process is None:
            return
        signal_group(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_SECONDS)
        signal_group(process.pid, signal.SIGKILL)  # and whatever it left behind
        process.wait()

    def _start(self, system: System) -> float:
        """Seconds from its first instruction to its first whole answer."""
        folder = self.work / f"run-{system.name}"
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        launch = system.launch(
            Place(self.work.resolve(), folder.resolve(), port, self.stand_in.address)
        )
        began = time.monotonic()
        self._spawn(system.name, launch, SERVER_CORE)
        key = self._await(lambda: key_of(launch), system.name)
        pid = self._running[system.name].pid
        endpoint = Endpoint(system.name, f"127.0.0.1:{port}", key, pid, launch.headers)
        self._await(lambda: answers(endpoint, self.work), system.name)
        self.endpoints[system.name] = endpoint
        return time.monotonic() - began

    def _spawn(self, name: str, launch: Launch, core: int) -> None:
        with (self.work / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                pinned(launch.command, core),
                cwd=launch.folder,
                env=clean_environment(launch.environment),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _await(self, question: Callable[[], Answer], name: str) -> Answer:
        """Ask until the answer is true. Raises `NotReady` when the process ends or time does."""
        limit = time.monotonic() + START_LIMIT_SECONDS
        while time.monotonic() < limit:
            with suppress(OSError, HTTPException, ValueError):
                if answer := question():
                    return answer
            if self._running[name].poll() is not None:
                break
            time.sleep(POLL_SECONDS)
        raise NotReady(f"{name} did not answer; see {self.work / name}.log")


def signal_group(leader: int, sign: signal.Signals) -> None:
    """Signal the session that one of our processes leads, if any of it lives."""
    with suppress(ProcessLookupError):
        os.killpg(leader, sign)


def key_of(launch: Launch) -> str:
    """The key to ask with: the gateway tells its own in its ready file."""
    if launch.ready_file is None:
        return KEY
    key: str = json.loads(launch.ready_file.read_text())["developer_key"]
    return key


def answers(endpoint: Endpoint, work: Path) -> bool:
    """Whether a small request gets a whole answer with usage in it."""
    body = bodies.path_of(work / "bodies", OPENAI, "1kb", streamed=False).read_bytes()
    headers = {"Authorization": f"Bearer {endpoint.key}", "Content-Type": "application/json"}
    headers |= dict(header.split(": ", 1) for header in endpoint.headers)
    request = Request(f"http://{endpoint.address}{PATHS[OPENAI]}", body, headers)
    try:
        with urlopen(request, timeout=30) as reply:
            return b'"usage"' in reply.read()
    except HTTPError as refused:
        refused.close()
        return False
