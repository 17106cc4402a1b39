"""Keep the sums of what was used level with the ledger, from when somebody first asks for them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from gateway.admin.problems import Problem
from gateway.polling import Polling

EVERY_SECONDS: Final = 60.0
PATIENCE_SECONDS: Final = 8.0


class Sums(Protocol):
    """What is to be kept level (`gateway.store.rollup.Rollup`)."""

    async def behind(self) -> int:
        """How many records are not summed yet."""
        ...

    async def is_kept(self) -> bool:
        """Whether anybody has ever asked."""
        ...

    async def catch_up(self) -> None:
        """Sum what is there. One at a time: the next begins when the one before has ended."""
        ...


class Level:
    """Sums on behalf of whoever asks, and, where anybody ever did, once a minute."""

    def __init__(
        self,
        sums: Sums,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sums = sums
        self._patience_seconds = patience_seconds
        self._polling = Polling("usage-level", self._keep, seconds=EVERY_SECONDS, sleep=sleep)
        self._catching_up: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to keep up."""
        self._polling.start()

    async def stop(self) -> None:
        """Stop, also half-way: what is summed stays. Safe to call twice."""
        await self._polling.stop()
        ending = {*self._catching_up}
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)

    async def reach(self) -> None:
        """Return once all is summed. Raises a problem (503) where that takes long; it goes on."""
        task = self._caught_up()
        done, _ = await asyncio.wait({task}, timeout=self._patience_seconds)
        if done:
            return task.result()
        raise Problem(
            503,
            "usage_behind",
            f"{await self._sums.behind():,} records of the ledger are still to be summed, as "
            "always when somebody asks for the first time; ask again in a moment",
            retry_after_seconds=10,
        )

    def _caught_up(self) -> "asyncio.Task[None]":
        """One that has not begun yet: it will find all that is there now."""
        if len(self._catching_up) > 1:
            return self._catching_up[-1]
        task = asyncio.create_task(self._sums.catch_up(), name="usage-catch-up")
        self._catching_up.append(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._catching_up.remove(task)
        if not task.cancelled():
            task.exception()  # whoever still waits is told

    async def _keep(self) -> None:
        if await self._sums.is_kept():
            await self._sums.catch_up()
