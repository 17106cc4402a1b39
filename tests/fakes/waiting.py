"""Wait until something holds, not for a time: a test that waits in vain fails."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

IN_VAIN_SECONDS: Final = 60.0
"""Who has waited so long waits in vain: no machine is that busy."""


async def until(holds: Callable[[], object], timeout_seconds: float = IN_VAIN_SECONDS) -> None:
    async with asyncio.timeout(timeout_seconds):
        while True:
            if holds():
                return
            await asyncio.sleep(0.005)


async def until_it_is(
    holds: Callable[[], Awaitable[bool]], timeout_seconds: float = IN_VAIN_SECONDS
) -> None:
    """The same of what has to be asked."""
    async with asyncio.timeout(timeout_seconds):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.05)


async def until_steady(read: Callable[[], int]) -> int:
    """The value once it has not changed for a while."""
    value, unchanged = read(), 0
    async with asyncio.timeout(IN_VAIN_SECONDS):
        while unchanged < 20:
            await asyncio.sleep(0.01)
            unchanged = unchanged + 1 if read() == value else 0
            value = read()
    return int(value)
