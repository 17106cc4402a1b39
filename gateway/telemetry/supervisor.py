"""Keep the shipping process running beside the gateway: start it, start it again, stop it."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.telemetry.endpoint import OtlpProtocol
from gateway.telemetry.handover import Secrets
from providers.base import Secret

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0
_FIRST_BACKOFF_SECONDS = 1.0
_LONGEST_BACKOFF_SECONDS = 30.0
_SETTLED_SECONDS = 60.0  # a process that lived this long starts the backoff anew

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class LedgerPlace:
    """Where a shipper finds the ledger: in the data folder, or at the address `database`.

    `lane` is the one that the gateway beside it writes. An address holds a password.
    """

    data: Path
    lane: str = ""
    database: Secret | None = None


def shipper_command(
    data: Path,
    endpoint: str,
    *,
    protocol: OtlpProtocol | None = None,
    ca_file: Path | None = None,
    lane: str = "",
    background: bool = True,
) -> tuple[str, ...]:
    """The command line of a supervised shipper for this data folder, endpoint and lane.

    In the `background` it works where a core is idle only; on a busy machine that may be never.
    """
    command = [sys.executable, "-m", "gateway.telemetry", "--supervised"]
    command += ["--background"] if background else []
    command += ["--data", str(data), "--endpoint", endpoint]
    if protocol is not None:
        command += ["--protocol", protocol.value]
    if lane:
        command += ["--lane", lane]
    if ca_file is not None:
        command += ["--ca-file", str(ca_file)]
    return tuple(command)


class Shipper:
    """One shipping process, kept alive from `start` to `stop`.

    The gateway never waits for it: should it be gone, rows stay in the ledger until it is back.
    `sleep` waits between two starts.
    """

    def __init__(
        self,
        command: Sequence[str],
        secrets: Secrets,
        *,
        sleep: Sleep = asyncio.sleep,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._command = tuple(command)
        self._secrets = secrets
        self._sleep = sleep
        self._stop_seconds = stop_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._backoff_seconds = _FIRST_BACKOFF_SECONDS

    @property
    def pid(self) -> int | None:
        """The process as it runs now; None between two of them."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    def start(self) -> None:
        """Begin to keep it running. Call it once, on the event loop."""
        self._keeper = asyncio.create_task(self._keep(), name="telemetry-shipper")

    async def stop(self) -> None:
        """Let it ship what is left, for `stop_seconds` at most. Safe to call twice."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        keeper.cancel()
        await asyncio.wait([keeper])
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            await _end(process, self._stop_seconds)

    async def _keep(self) -> None:
        while True:
            started = asyncio.get_running_loop().time()
            code = await self._run()
            lived_seconds = asyncio.get_running_loop().time() - started
            if lived_seconds > _SETTLED_SECONDS:
                self._backoff_seconds = _FIRST_BACKOFF_SECONDS
            log.error("shipper_exited", extra={"code": code, "lived_seconds": lived_seconds})
            await self._sleep(self._backoff_seconds)
            self._backoff_seconds = min(self._backoff_seconds * 2, _LONGEST_BACKOFF_SECONDS)

    async def _run(self) -> int | None:
        """Start it, hand it the secrets, and wait for its end. None when it cannot be started."""
        try:
            # In our own session: in another, Linux would give it half of a core that both need.
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.PIPE
            )
        except OSError as error:
            log.error("shipper_not_started", extra={"error": str(error)})
            return None
        self._process = process
        assert process.stdin is not None
        try:
            process.stdin.write(self._secrets.to_line())
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has gone already; its code says why
        return await process.wait()


async def _end(process: asyncio.subprocess.Process, seconds: float) -> None:
    process.terminate()
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        log.error("shipper_killed", extra={"pid": process.pid})
        process.kill()
        await process.wait()
