"""Keep up with what others write to the database: look again and again, and never give up."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)


async def failure_of(looking: Awaitable[object]) -> BaseException | None:
    """See it through, however it ends, and tell what it raised; None when it was cancelled.

    Cancelling this ends it, too.
    """
    task = asyncio.ensure_future(looking)
    try:
        await asyncio.wait([task])
    finally:
        task.cancel()
        await asyncio.wait([task])
    return None if task.cancelled() else task.exception()


class Polling:
    """Calls `refresh` every `seconds` once it is started, the first time `at_once` or after those.
    However a look ends, the next one comes; meanwhile what is known stays."""

    def __init__(
        self,
        name: str,
        refresh: Callable[[], Awaitable[None]],
        *,
        seconds: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        at_once: bool = False,
    ) -> None:
        self._name = name
        self._refresh = refresh
        self._seconds = seconds
        self._sleep = sleep
        self._at_once = at_once
        self._failure = ""  # of the last look: told at length once, and not every second
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look from now on."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Look no more. Safe to call twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        if self._at_once:
            await self._look()
        while True:
            await self._sleep(self._seconds)
            await self._look()

    async def _look(self) -> None:
        failure = await failure_of(self._refresh())
        before, self._failure = self._failure, "" if failure is None else type(failure).__name__
        if failure is None:
            return
        facts = {"of": self._name, "error": self._failure}
        if isinstance(failure, SQLAlchemyError | OSError):
            log.warning("refresh_failed", extra=facts)
        else:
            is_new = before != self._failure
            log.error("refresh_failed", extra=facts, exc_info=failure if is_new else None)
