"""Questions to the database that may take long: two at a time, so that requests find readers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gateway.admin.problems import Problem

AT_ONCE: Final = 2  # of the database's four readers
MOST_WAITING: Final = 32


class Reads:
    """Lets callers in by turns."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn. Raises a problem (503) where too many wait."""
        if self._waiting >= MOST_WAITING:
            told = "too many questions at once; ask again"
            raise Problem(503, "busy", told, retry_after_seconds=1)
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()
