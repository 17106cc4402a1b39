"""Make written bytes durable without holding up the event loop."""

import asyncio
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from caio import linux_aio, linux_uring
    from caio.abstract import AbstractOperation

    _Context = linux_aio.Context | linux_uring.Context

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


class KernelSyncer(ABC):
    """The kernel syncs, and says so through the event loop.

    No thread of ours takes part, which spares two hand-overs of the interpreter's lock a sync.
    Built on a running event loop. Raises `OSError` where the kernel has no such thing, or a
    sandbox forbids it.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended: list[Callable[[], None]] = []  # what is to be told of it
        try:
            self._context, self._operation = self._open()
        except (SystemError, ImportError) as error:  # how the library says that the kernel refused
            raise OSError(str(error)) from error
        self._loop.add_reader(self._context.fileno, self._hear)

    @abstractmethod
    def _open(self) -> "tuple[_Context, type[AbstractOperation]]":
        """Room for one sync at a time, and how one is described. Raises `SystemError`."""

    @abstractmethod
    def _begin(self, operation: "AbstractOperation") -> None:
        """Raises `SystemError`, `ValueError`, `OverflowError` or `OSError`."""

    async def sync(self, descriptor: int, synced: Told | None = None) -> None:
        """See `Syncer`."""
        done: asyncio.Future[None] = self._loop.create_future()
        operation = self._operation.fdsync(descriptor)
        # Told from our own code: the library swallows what its callback raises.
        operation.set_callback(lambda _: self._ended.append(partial(_end, operation, done, synced)))
        try:
            self._begin(operation)
            await done
        except (SystemError, ValueError, OverflowError) as error:  # as the library says it
            raise OSError(str(error)) from error

    def _hear(self) -> None:
        try:
            self._context.poll()
        except BlockingIOError:
            pass  # the counter lags behind; what has happened is found all the same
        self._context.process_events()
        self._tell()

    def _tell(self) -> None:
        ended, self._ended = self._ended, []
        for end in ended:
            end()

    def close(self) -> None:
        """See `Syncer`."""
        self._loop.remove_reader(self._context.fileno)


class RingSyncer(KernelSyncer):
    """io_uring: a worker of the kernel's that belongs to this process.

    So the scheduler puts it before a process that gives way to this one, as the shipper does.
    """

    def _open(self) -> "tuple[_Context, type[AbstractOperation]]":
        from caio import linux_uring

        self._ring = linux_uring.Context(max_requests=1)
        return self._ring, linux_uring.Operation

    def _begin(self, operation: "AbstractOperation") -> None:
        self._ring.submit(operation)
        self._ring.flush()
        self._tell()  # what has failed or ended by now


class AioSyncer(KernelSyncer):
    """Linux' older way, where containers forbid io_uring: a worker that is the kernel's own.

    It waits for the next tick (4 ms) beside a process on the same core that gives way to ours only.
    """

    def _open(self) -> "tuple[_Context, type[AbstractOperation]]":
        from caio import linux_aio

        return linux_aio.Context(max_requests=1), linux_aio.Operation

    def _begin(self, operation: "AbstractOperation") -> None:
        self._context.submit(operation)


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
    """One of the kernel's, where it can sync what is in `folder`; else a thread."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for kind in (RingSyncer, AioSyncer):
            syncer = await _tried(kind, descriptor)
            if syncer is not None:
                return syncer
    finally:
        os.close(descriptor)
    return ThreadSyncer()


async def _tried(kind: Callable[[], KernelSyncer], descriptor: int) -> Syncer | None:
    syncer: KernelSyncer | None = None
    try:
        syncer = kind()
        await syncer.sync(descriptor)
    except OSError as error:
        log.info("ledger_syncs_otherwise", extra={"error": str(error)})
        if syncer is not None:
            syncer.close()
        return None
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
