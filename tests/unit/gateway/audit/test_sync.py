"""Both ways to sync do so, say what failed, and survive a waiter who left."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.audit import sync
from gateway.audit.sync import KernelSyncer, Syncer, ThreadSyncer, Told, best_syncer


@pytest.fixture(params=[KernelSyncer, ThreadSyncer])
async def syncer(request: pytest.FixtureRequest) -> AsyncIterator[Syncer]:
    syncer: Syncer = request.param()
    yield syncer
    syncer.close()


@pytest.fixture
def descriptor(tmp_path: Path) -> int:
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"something")
    return descriptor


async def test_it_returns_time_after_time(syncer, descriptor):
    for _ in range(50):
        await asyncio.wait_for(syncer.sync(descriptor), 20)


async def test_a_descriptor_that_is_closed_is_an_os_error(syncer, descriptor):
    os.close(descriptor)
    with pytest.raises(OSError, match=r"EBADF|Bad file descriptor"):
        await syncer.sync(descriptor)


async def test_a_file_that_cannot_be_synced_is_an_os_error(syncer):
    reading, writing = os.pipe()
    with pytest.raises(OSError, match=r"EINVAL|Invalid argument"):
        await syncer.sync(writing)
    os.close(reading)
    os.close(writing)


async def test_a_waiter_who_leaves_does_not_disturb_the_next(syncer, descriptor):
    leaving = asyncio.ensure_future(syncer.sync(descriptor))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    await asyncio.wait_for(syncer.sync(descriptor), 20)


async def test_it_tells_before_its_waiter_goes_on(syncer, descriptor):
    told: list[str] = []
    await asyncio.wait_for(syncer.sync(descriptor, lambda: told.append("synced")), 20)
    assert told == ["synced"]


async def test_a_sync_that_failed_is_not_told(syncer):
    told: list[str] = []
    reading, writing = os.pipe()
    with pytest.raises(OSError, match=r"EINVAL|Invalid argument"):
        await syncer.sync(writing, lambda: told.append("synced"))
    assert told == []
    os.close(reading)
    os.close(writing)


async def test_a_waiter_who_left_is_not_told(syncer, descriptor):
    told: list[str] = []
    leaving = asyncio.ensure_future(syncer.sync(descriptor, lambda: told.append("left")))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    await asyncio.wait_for(syncer.sync(descriptor, lambda: told.append("next")), 20)
    assert told == ["next"]


async def test_the_best_one_here_is_the_kernels(tmp_path):
    syncer = await best_syncer(tmp_path)
    assert isinstance(syncer, KernelSyncer)
    syncer.close()


async def test_a_kernel_that_cannot_sync_here_is_let_go_of(tmp_path, monkeypatch):
    closed: list[Syncer] = []
    in_earnest = KernelSyncer.close

    async def refuse(syncer: KernelSyncer, descriptor: int, synced: Told | None = None) -> None:
        raise OSError("Invalid argument")

    def close(syncer: KernelSyncer) -> None:
        closed.append(syncer)
        in_earnest(syncer)

    monkeypatch.setattr(KernelSyncer, "sync", refuse)
    monkeypatch.setattr(KernelSyncer, "close", close)
    syncer = await best_syncer(tmp_path)
    assert isinstance(syncer, ThreadSyncer)
    assert [type(each) for each in closed] == [KernelSyncer]
    syncer.close()


async def test_where_the_kernel_refuses_a_thread_does_it(tmp_path, monkeypatch):
    def refuse() -> KernelSyncer:
        raise OSError("forbidden by the sandbox")

    monkeypatch.setattr(sync, "KernelSyncer", refuse)
    syncer = await best_syncer(tmp_path)
    assert isinstance(syncer, ThreadSyncer)
    syncer.close()


class Failing:
    """A part of the library that reports a fault at one of its steps, as the library does."""

    def __init__(self, whole: Any, step: str, fault: Exception) -> None:
        self.whole, self._step, self._fault = whole, step, fault

    def __getattr__(self, name: str) -> Any:
        return self._fail if name == self._step else getattr(self.whole, name)

    def _fail(self, *arguments: object) -> None:
        raise self._fault


class Unwrapping:
    """Hands the context of the kernel the operation itself."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole

    def submit(self, operation: Any) -> Any:
        return self._whole.submit(operation.whole)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)


async def test_an_order_that_the_kernel_does_not_take_is_an_os_error(descriptor):
    syncer: Any = KernelSyncer()
    syncer._context = Failing(syncer._context, "submit", OverflowError("try again"))
    with pytest.raises(OSError, match="try again"):
        await syncer.sync(descriptor)
    syncer.close()


async def test_a_sync_that_the_kernel_could_not_do_is_an_os_error(descriptor, monkeypatch):
    syncer: Any = KernelSyncer()
    fault = SystemError("Input/output error")
    operation = Failing(syncer._operation.fdsync(descriptor), "get_value", fault)
    monkeypatch.setattr(syncer, "_context", Unwrapping(syncer._context))
    monkeypatch.setattr(syncer, "_operation", SimpleNamespace(fdsync=lambda _: operation))
    with pytest.raises(OSError, match="Input/output error"):
        await syncer.sync(descriptor)
    syncer.close()
