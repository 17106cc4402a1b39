"""Begin a coroutine at once, where a task of its own would begin it a turn of the loop later.

On a loop with a thousand streams a turn takes tens of milliseconds, and an answer waits for
several: one less is worth having. Python has this from 3.12 on (`eager_start`); here is as much
of it as 3.11 lets one write.
"""

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import suppress
from types import TracebackType


def begin(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[object, None, None]
) -> "asyncio.Task[None]":
    """A task that has made its first step when this returns.

    Raises what that first step raises.
    """
    begun = _Begun(coroutine)
    task = loop.create_task(begun)
    interrupted = asyncio.current_task(loop)
    if interrupted is not None:
        asyncio._leave_task(loop, interrupted)
    asyncio._enter_task(loop, task)  # asyncio's own way for those who extend it
    try:
        begun.make_first_step()
    finally:
        asyncio._leave_task(loop, task)
        if interrupted is not None:
            asyncio._enter_task(loop, interrupted)
    return task


class _Begun(Coroutine[object, None, None]):
    """A coroutine that has made its first step, as its task is to see it: not begun yet."""

    __slots__ = ("_coroutine", "_has_told", "_is_over", "_waits_for")

    def __init__(self, coroutine: Coroutine[object, None, None]) -> None:
        self._coroutine = coroutine
        self._is_over = False
        self._has_told = False  # what it waits for since its first step
        self._waits_for: object = None

    def make_first_step(self) -> None:
        """Up to where it first waits. Raises what the coroutine raises."""
        self._is_over = True
        with suppress(StopIteration):
            self._waits_for = self._coroutine.send(None)
            self._is_over = False

    def send(self, value: None, /) -> object:
        """The next step; at first, what the step before waits for."""
        if self._has_told:
            return self._coroutine.send(value)
        self._has_told = True
        if self._is_over:
            raise StopIteration
        waits_for, self._waits_for = self._waits_for, None
        return waits_for

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        _value: object = None,
        _traceback: TracebackType | None = None,
        /,
    ) -> object:
        """Into the coroutine, which waits already although its task may not know."""
        self._has_told = True
        self._waits_for = None
        if self._is_over:
            raise StopIteration
        return self._coroutine.throw(kind)

    def close(self) -> None:
        """End it."""
        self._coroutine.close()

    def __await__(self) -> Generator[object, None, None]:
        """Only a task drives it."""
        raise TypeError("this coroutine is its task's")

    def __getattr__(self, name: str) -> object:
        """The state of the coroutine itself, for those who look into tasks."""
        return getattr(self._coroutine, name)
