"""Put one scenario's load on one system and read what it cost from the kernel."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

from benchmarks import bodies
from benchmarks.scenarios import PATHS, Scenario

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SERVER_CORE, LOAD_CORE = 0, 1
SHIPPER = "gateway.telemetry"
REST_SECONDS = 0.75  # it looks for new rows every half second
REST_CPU_SECONDS = 0.02  # and for a look it needs less
MOST_UNREST_SECONDS = 60.0


def can_pin() -> bool:
    """Whether servers and load can be kept on a core each."""
    return shutil.which("taskset") is not None and (os.cpu_count() or 1) > 1


def pinned(command: Sequence[str], core: int) -> list[str]:
    """The command kept on one core where that is possible, as it is where not."""
    return ["taskset", "-c", str(core), *command] if can_pin() else list(command)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds since the start, and resident memory now, of some processes."""

    cpu_seconds: float = 0.0
    memory_mb: float = 0.0

    def __add__(self, other: Self) -> "Cost":
        return Cost(self.cpu_seconds + other.cpu_seconds, self.memory_mb + other.memory_mb)


def parents() -> dict[int, int]:
    """Every live process and its parent."""
    return {pid: int(fields[1]) for pid, fields in stats()}


def stats() -> Iterator[tuple[int, list[str]]]:
    """Each live process with the fields of its `stat` from the state on (see proc(5))."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:  # it ended meanwhile
                continue
            yield int(entry.name), text[text.rindex(")") + 2 :].split()


def tree(root: int) -> list[int]:
    """A process and all its descendants."""
    parent_of = parents()
    found = [root]
    for pid in found:
        found.extend(child for child, parent in parent_of.items() if parent == pid)
    return found


def cost_of(pid: int) -> Cost:
    """What one process has cost; nothing once it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return Cost()
    fields = text[text.rindex(")") + 2 :].split()
    resident = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    cpu = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    return Cost(cpu, int(resident[0]) / 1024 if resident else 0.0)


def is_shipper(pid: int) -> bool:
    """Whether this is the process that ships spans, whose cost is shown apart."""
    try:
        return SHIPPER.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def cost(root: int | None) -> tuple[Cost, Cost]:
    """(the system, its span shipper): cost of a process tree, or nothing for the direct road."""
    serving, shipping = Cost(), Cost()
    for pid in tree(root) if root else ():
        if pid != root and is_shipper(pid):
            shipping += cost_of(pid)
        else:
            serving += cost_of(pid)
    return serving, shipping


def cost_at_rest(root: int) -> Cost:
    """What the span shipper has cost once it has shipped what was left to it.

    It works where the core is idle: the next system's load would find it still at work.
    """
    _, before = cost(root)
    for _ in range(int(MOST_UNREST_SECONDS / REST_SECONDS)):
        time.sleep(REST_SECONDS)
        _, now = cost(root)
        if now.cpu_seconds - before.cpu_seconds <= REST_CPU_SECONDS:
            return now
        before = now
    return before


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a system listens and what it wants to hear."""

    system: str
    address: str  # host:port
    key: str
    pid: int | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StandIn:
    """The model that answers: its address, and what it counted."""

    address: str

    def set(self, *, chunks: int, chunk_delay_us: int, fail: int = 0) -> None:
        """Change its behaviour for requests that arrive later."""
        self._get(f"set?n={chunks or 50}&delay_us={chunk_delay_us}&ttft_us=0&fail={fail}")

    def counts(self) -> dict[str, int]:
        """Requests and chunks so far; this very question is one of the requests."""
        counted: dict[str, int] = self._get("stats")
        return counted

    def _get(self, what: str) -> Any:
        with urlopen(f"http://{self.address}/_mock/{what}", timeout=20) as reply:
            return json.load(reply)


@dataclass(frozen=True, slots=True)
class Bench:
    """The tools of a run: built programs, bodies and the stand-in."""

    tools: Path
    stand_in: StandIn
    seconds: float
    warm_seconds: float

    def load_command(self, scenario: Scenario, endpoint: Endpoint) -> list[str]:
        """The load generator's command line for a scenario."""
        body = bodies.path_of(
            self.tools / "bodies", scenario.wire, scenario.body, streamed=scenario.streamed
        )
        command = [str(self.tools / "loadgen"), "-a", endpoint.address]
        command += ["-p", PATHS[scenario.wire], "-b", str(body), "-c", str(scenario.connections)]
        command += ["-d", str(scenario.window_seconds(self.seconds))]
        command += ["-w", str(self.warm_seconds + scenario.ramp_seconds)]
        command += ["-H", f"Authorization: Bearer {endpoint.key}"]
        for header in endpoint.headers:
            command += ["-H", header]
        if scenario.arrivals_per_second:
            command += ["-r", str(scenario.arrivals_per_second), "-P"]
        if scenario.ramp_seconds:
            command += ["-R", str(scenario.ramp_seconds)]
        if scenario.streamed:
            command += ["-s", "-u", "-m", str(scenario.chunks)]
        return command

    def measure(self, scenario: Scenario, endpoint: Endpoint) -> dict[str, Any]:
        """One row: what the generator saw, and what it cost the system per request and chunk."""
        self.stand_in.set(chunks=scenario.chunks, chunk_delay_us=scenario.chunk_delay_us)
        counted, (spent, shipped) = self.stand_in.counts(), cost(endpoint.pid)
        began = time.monotonic()
        row, peak_mb = self.run_load(
            pinned(self.load_command(scenario, endpoint), LOAD_CORE), endpoint
        )
        wall = time.monotonic() - began
        counted_now, (spent_now, _) = self.stand_in.counts(), cost(endpoint.pid)
        row |= {"system": endpoint.system, "scenario": scenario.name}
        if endpoint.pid is None:
            return row
        # Warm-up included on both sides: the stand-in counts what the CPU was spent on.
        requests = max(counted_now["requests"] - counted["requests"] - 1, 1)
        chunks = max(counted_now["chunks"] - counted["chunks"], 1)
        cpu_us = (spent_now.cpu_seconds - spent.cpu_seconds) * 1e6
        row["cpu_us_per_request"] = round(cpu_us / requests, 1)
        if scenario.streamed:
            row["cpu_us_per_chunk"] = round(cpu_us / chunks, 2)
        shipper_us = (cost_at_rest(endpoint.pid).cpu_seconds - shipped.cpu_seconds) * 1e6
        row["shipper_cpu_us_per_request"] = round(shipper_us / requests, 1)
        row["shipper_cpu_us_per_chunk"] = round(shipper_us / chunks, 2)
        row["core_use"] = round(cpu_us / 1e6 / wall, 3)
        row["peak_mb"] = round(peak_mb, 1)
        return row

    def run_load(self, command: list[str], endpoint: Endpoint) -> tuple[dict[str, Any], float]:
        """Run the generator; its own row, and the most memory the system held meanwhile."""
        peak_mb = 0.0
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as load:
            while load.poll() is None:
                serving, shipping = cost(endpoint.pid)
                peak_mb = max(peak_mb, serving.memory_mb + shipping.memory_mb)
                time.sleep(0.2)
            out, complaint = load.communicate()
        try:
            row: dict[str, Any] = json.loads(out)
        except ValueError:
            row = {"error": (out + complaint)[-300:]}
        return row, peak_mb
