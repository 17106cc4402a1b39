"""A gateway as a process of its own, started as an operator starts it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.fakes.ledger_file import exchange_records

COMMAND = (str(Path(sys.executable).with_name("gatehouse")),)
HASTY = (sys.executable, "-P", str(Path(__file__).with_name("hasty_gateway.py")))


@dataclass(slots=True)
class GatewayProcess:
    """`gatehouse up`, and what it left behind."""

    process: asyncio.subprocess.Process
    data: Path
    port: int
    developer_key: str
    admin_url: str = ""
    admin_key: str = ""
    output: "asyncio.Task[tuple[bytes, bytes]] | None" = None

    @property
    def pid(self) -> int:
        return self.process.pid

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.process.kill()

    async def ended(self, timeout_seconds: float = 20.0) -> int:
        """Its exit code, once it has ended."""
        return await asyncio.wait_for(self.process.wait(), timeout_seconds)

    async def said(self) -> str:
        """All it has written to its terminal, once it has ended."""
        assert self.output is not None
        return (await self.output)[0].decode()

    def records(self) -> list[dict[str, Any]]:
        """Every durable ledger record, by lane, oldest first."""
        return exchange_records(self.data)

    def children(self) -> set[int]:
        """The processes it has started, and theirs."""
        return descendants(self.pid)


def descendants(pid: int) -> set[int]:
    parents: dict[int, set[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue  # it has just ended
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), set()).add(int(folder.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        below = parents.get(waiting.pop(), set()) - found
        found |= below
        waiting += below
    return found


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def start(
    folder: Path,
    *more: str,
    environ: Mapping[str, str] | None = None,
    command: Sequence[str] = COMMAND,
) -> asyncio.subprocess.Process:
    """Begin `gatehouse up` in a folder that may hold a gatehouse.yaml; its output is piped."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return await asyncio.create_subprocess_exec(
        *(*command, "up", "--port", "0", "--data", str(folder / "data"), *more),
        cwd=folder,
        env={**kept, **(environ or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@asynccontextmanager
async def gateway_process(
    folder: Path,
    *,
    developer_key: str = "",
    environ: Mapping[str, str] | None = None,
    command: Sequence[str] = COMMAND,
) -> AsyncGenerator[GatewayProcess]:
    """A gateway that serves, killed in the end if it still runs. On a later start, its key.

    `environ` is added to the little that it inherits. `command` is `gatehouse`, or `HASTY`.
    """
    ready_file = folder / "ready.json"
    ready_file.unlink(missing_ok=True)
    process = await start(folder, "--ready-file", str(ready_file), environ=environ, command=command)
    output = asyncio.create_task(process.communicate())
    try:
        ready = await _ready(process, ready_file, output)
        port = int(ready["base_url"].rsplit(":", 1)[1])
        key = ready.get("developer_key", developer_key)
        yield GatewayProcess(
            process,
            folder / "data",
            port,
            key,
            ready.get("admin_url", ""),
            ready.get("admin_key", ""),
            output,
        )
    finally:
        if process.returncode is None:
            process.kill()
        await output


async def _ready(
    process: asyncio.subprocess.Process, file: Path, output: "asyncio.Task[tuple[bytes, bytes]]"
) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            if told := _read(file):
                return dict(orjson.loads(told))
            if process.returncode is not None:
                raise AssertionError((await output)[0].decode(errors="replace"))
            await asyncio.sleep(0.02)


def _read(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""
