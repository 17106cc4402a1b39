"""Every call in flight; once a second each is asked whether it is to be ended."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.call import STREAM_HEADERS, Call, Interruption
from policy.types import Identity

TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may wait, in seconds.

    `body` and `body_bytes_per_second`: after that long, a body must have come at this rate.
    `keep_alive`: balancers cut silent connections at 60 s, and Claude Code shows a stall after
    about 20 s. `stalled_reader`: how long a client may leave its answer unread.
    """

    body: float = 20.0
    body_bytes_per_second: int = 1024
    keep_alive: float = 15.0
    stalled_reader: float = 120.0


class Calls:
    """The calls in flight and the one clock that watches them.

    `is_ended` says of who asks whether what runs for them is to be ended.
    """

    def __init__(self, patience: Patience, is_ended: Callable[[Identity], bool]) -> None:
        self._patience = patience
        self._is_ended = is_ended
        self._open: set[Call] = set()
        self._ticking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._open))

    def open(self, call: Call) -> None:
        """Watch this call."""
        self._open.add(call)

    def close(self, call: Call) -> None:
        """Stop watching it."""
        self._open.discard(call)
        call.close()

    async def end_all(self, limit_seconds: float) -> None:
        """End what still runs: each client is told, each exchange is closed."""
        tasks = [task for call in self if (task := call.end()) is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=limit_seconds)

    def start(self) -> None:
        """Begin to tick."""
        self._ticking = asyncio.get_running_loop().create_task(self._tick_forever())

    def stop(self) -> None:
        """Stop ticking."""
        if self._ticking is not None:
            self._ticking.cancel()

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tick(time.monotonic())

    def tick(self, now: float) -> None:
        """Look at every call once. `now` is monotonic seconds."""
        for call in self:
            if call.has_just_sent:
                call.has_just_sent = False
                call.last_sent = now
            if call.identity is not None and self._is_ended(call.identity):
                call.end_revoked()
            if call.is_reading:
                if self._is_slow(call, now):
                    call.interrupt(Interruption.SLOW_BODY)
            elif call.sending_since is not None:
                if now - call.sending_since > self._patience.stalled_reader:
                    call.interrupt(Interruption.STALLED_READER)
            elif call.is_streaming and now - call.last_sent > self._patience.keep_alive:
                call.keep_alive((*STREAM_HEADERS, *call.identifying_headers()))

    def _is_slow(self, call: Call, now: float) -> bool:
        waited = now - call.opened
        expected_bytes = waited * self._patience.body_bytes_per_second
        return waited > self._patience.body and call.received_bytes < expected_bytes
