"""Make written bytes durable without holding up the event loop."""

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from caio.abstract import AbstractOperation

log = logging.getLogger(__name__)


Told = Callable[[], None]


class Syncer(Protocol):
    """Brings a file's written bytes to its device. One sync at a time."""

    async def sync(self, descriptor: int, synced: Told | None = None) -> None:
        """Return once what was written before is durable. Raises `OSError` when it is not.

        `synced`, called as soon as that is known, may come a turn of the loop earlier; not after
        a failure, nor when the waiter has left.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds. No sync may be under way."""
        ...


class KernelSyncer:
    """Linux' asynchronous I/O: the kernel's own worker syncs, and says so through the event loop.

    No thread of ours takes part, which spares two hand-overs of the interpreter's lock a sync.
    Built on a running event loop. Raises `OSError` where the kernel has no such thing, or a
    sandbox forbids it.
    """

    def __init__(self) -> None:
        from caio import linux_aio

        self._loop = asyncio.get_running_loop()
        self._operation = linux_aio.Operation
        self._ended: list[Callable[[], None]] = []  # what is to be told of it
        try:
            self._context = linux_aio.Context(max_requests=1)
        except SystemError as error:  # how the library says that the kernel refused
            raise OSError(str(error)) from error
        self._loop.add_reader(self._context.fileno, self._hear)

    async def sync(self, descriptor: int, synced: Told | None = None) -> None:
        """See `Syncer`."""
        done: asyncio.Future[None] = self._loop.create_future()
        operation = self._operation.fdsync(descriptor)
        # Told from our own code: the library swallows what its callback raises.
        operation.set_callback(lambda _: self._ended.append(partial(_end, operation, done, synced)))
        try:
            self._context.submit(operation)
            await done
        except (SystemError, ValueError, OverflowError) as error:  # as the library says it
            raise OSError(str(error)) from error

    def _hear(self) -> None:
        try:
            self._context.poll()
        except BlockingIOError:
            pass  # the counter lags behind; what has happened is found all the same
        self._context.process_events()
        ended, self._ended = self._ended, []
        for end in ended:
            end()

    def close(self) -> None:
        """See `Syncer`."""
        self._loop.remove_reader(self._context.fileno)


class ThreadSyncer:
    """A thread that waits for the device. Works everywhere."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "ledger-sync")

    async def sync(self, descriptor: int, synced: Told | None = None) -> None:
        """See `Syncer`."""
        await asyncio.get_running_loop().run_in_executor(self._thread, _sync_fully, descriptor)
        if synced is not None:
            synced()

    def close(self) -> None:
        """See `Syncer`."""
        self._thread.shutdown(wait=False)


def _end(operation: "AbstractOperation", done: "asyncio.Future[None]", synced: Told | None) -> None:
    if done.done():  # the kernel goes on when its waiter is cancelled
        return
    try:
        operation.get_value()
    except (SystemError, ValueError, OverflowError) as error:
        done.set_exception(error)
        return
    done.set_result(None)
    if synced is not None:
        synced()


async def best_syncer(folder: Path) -> Syncer:
    """The kernel's, where it can sync what is in `folder`; else a thread."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    syncer: KernelSyncer | None = None
    try:
        syncer = KernelSyncer()
        await syncer.sync(descriptor)
    except (ImportError, OSError) as error:
        log.info("ledger_syncs_in_a_thread", extra={"error": str(error)})
        if syncer is not None:
            syncer.close()
        return ThreadSyncer()
    finally:
        os.close(descriptor)
    return syncer


def _sync_fully(descriptor: int) -> None:
    """`fdatasync`, or on macOS the one call that does not stop at the drive's cache."""
    try:
        import fcntl

        full = fcntl.F_FULLFSYNC  # type: ignore[attr-defined]
    except AttributeError:
        os.fdatasync(descriptor)
    else:
        fcntl.fcntl(descriptor, full)
