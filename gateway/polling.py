"""Keep up with what others write to the database: look again and again, and never give up."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)


class Polling:
    """Calls `refresh` every `seconds` once it is started. While the database does not answer, what
    is known stays."""

    def __init__(
        self,
        name: str,
        refresh: Callable[[], Awaitable[None]],
        *,
        seconds: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._name = name
        self._refresh = refresh
        self._seconds = seconds
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look from now on."""
        self._task = asyncio.create_task(self._run(), name=self._name)
        self._task.add_done_callback(self._report_end)

    async def stop(self) -> None:
        """Look no more. Safe to call twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        while True:
            await self._sleep(self._seconds)
            try:
                await self._refresh()
            except (SQLAlchemyError, OSError) as error:
                log.warning(
                    "refresh_failed", extra={"of": self._name, "error": type(error).__name__}
                )

    def _report_end(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None:
            log.error("refresh_stopped", extra={"of": self._name}, exc_info=task.exception())
