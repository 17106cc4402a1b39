"""A task that has made its first step is a task like any other."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine

import pytest

from gateway import eager


def test_the_first_step_is_made_before_the_loop_turns() -> None:
    steps: list[str] = []

    async def work() -> None:
        steps.append("first")
        await asyncio.sleep(0)
        steps.append("second")

    async def main() -> None:
        task = await _begun_by_the_loop(work)
        assert steps == ["first"]
        await task
        assert steps == ["first", "second"]

    asyncio.run(main())


def test_the_task_is_the_current_one_from_the_first_step_on() -> None:
    seen: list[asyncio.Task[object] | None] = []

    async def work() -> None:
        seen.append(asyncio.current_task())
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    async def main() -> None:
        task = await _begun_by_the_loop(work)
        await task
        assert seen == [task, task]

    asyncio.run(main())


def test_what_waits_goes_on_with_what_it_waited_for() -> None:
    async def main() -> None:
        future = asyncio.get_running_loop().create_future()
        got: list[int] = []

        async def work() -> None:
            got.append(await future)

        task = await _begun_by_the_loop(work)
        future.set_result(7)
        await task
        assert got == [7]

    asyncio.run(main())


def test_what_is_over_in_its_first_step_is_a_task_that_has_ended() -> None:
    async def work() -> None:
        pass

    async def main() -> None:
        task = await _begun_by_the_loop(work)
        await task
        assert task.done()

    asyncio.run(main())


def test_cancelled_before_the_loop_turns_it_is_told_so_where_it_waits() -> None:
    """An exchange that was begun must be closed, although its task never ran."""
    told: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            told.append("cancelled")
            await asyncio.sleep(0)
            told.append("closed")
            raise

    async def main() -> None:
        task = await _begun_by_the_loop(work, then=asyncio.Task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert told == ["cancelled", "closed"]

    asyncio.run(main())


def test_cancelled_later_it_is_told_so_and_may_go_on() -> None:
    told: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            told.append("cancelled")

    async def main() -> None:
        task = await _begun_by_the_loop(work)
        await asyncio.sleep(0.01)
        task.cancel()
        await task
        assert told == ["cancelled"]

    asyncio.run(main())


def test_cancelled_when_it_is_over_already_it_stays_over() -> None:
    async def work() -> None:
        pass

    async def main() -> None:
        task = await _begun_by_the_loop(work, then=asyncio.Task.cancel)
        await asyncio.wait([task])
        assert not task.cancelled()

    asyncio.run(main())


def test_a_first_step_that_fails_is_the_callers_to_hear_of() -> None:
    async def work() -> None:
        raise ValueError("at once")

    async def main() -> None:
        with pytest.raises(ValueError, match="at once"):
            await _begun_by_the_loop(work)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_who_looks_into_the_task_sees_the_coroutine() -> None:
    """anyio asks the state of the coroutines that it is to cancel."""

    async def work() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        task = await _begun_by_the_loop(work)
        coroutine = task.get_coro()
        assert isinstance(coroutine, Coroutine)
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_SUSPENDED
        task.cancel()
        assert "work" in repr(task)

    asyncio.run(main())


async def _begun_by_the_loop(
    work: "Callable[[], object]",
    then: "Callable[[asyncio.Task[None]], object]" = lambda _task: None,
) -> "asyncio.Task[None]":
    """As a protocol begins it: from a callback of the loop, where no task runs."""
    loop = asyncio.get_running_loop()
    begun: asyncio.Future[asyncio.Task[None]] = loop.create_future()

    def call_back() -> None:
        try:
            task = eager.begin(loop, work())  # type: ignore[arg-type]  # a coroutine function's
            then(task)
        except ValueError as error:
            begun.set_exception(error)
        else:
            begun.set_result(task)

    loop.call_soon(call_back)
    return await begun
