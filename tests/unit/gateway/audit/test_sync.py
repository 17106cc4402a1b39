"""Every way to sync does so, says what failed, and survives a waiter who left."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.audit import sync
from gateway.audit.sync import (
    AioSyncer,
    KernelSyncer,
    RingSyncer,
    Syncer,
    ThreadSyncer,
    Told,
    best_syncer,
)


@pytest.fixture(params=[RingSyncer, AioSyncer, ThreadSyncer])
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
    told: list[str] = ["left"]
    while told:  # a sync may end before its waiter can leave
        told.clear()
        leaving = asyncio.ensure_future(syncer.sync(descriptor, lambda: told.append("left")))
        await asyncio.sleep(0)
        leaving.cancel()
    await asyncio.wait([leaving])
    await asyncio.wait_for(syncer.sync(descriptor, lambda: told.append("next")), 20)
    assert told == ["next"]


async def test_the_best_one_here_is_the_kernels(tmp_path):
    syncer = await best_syncer(tmp_path)
    assert isinstance(syncer, RingSyncer)
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
    assert [type(each) for each in closed] == [RingSyncer, AioSyncer]
    syncer.close()


@pytest.mark.parametrize(
    ("forbidden", "left"),
    [(["RingSyncer"], AioSyncer), (["RingSyncer", "AioSyncer"], ThreadSyncer)],
)
async def test_what_a_sandbox_forbids_is_done_otherwise(tmp_path, monkeypatch, forbidden, left):
    def refuse() -> KernelSyncer:
        raise OSError("forbidden by the sandbox")

    for each in forbidden:
        monkeypatch.setattr(sync, each, refuse)
    syncer = await best_syncer(tmp_path)
    assert isinstance(syncer, left)
    syncer.close()


@pytest.mark.parametrize("kind", [RingSyncer, AioSyncer])
async def test_a_kernel_that_has_no_such_thing_says_so_as_an_os_error(monkeypatch, kind):
    def refuse(syncer: KernelSyncer) -> None:
        raise SystemError("Function not implemented")

    monkeypatch.setattr(kind, "_open", refuse)
    with pytest.raises(OSError, match="Function not implemented"):
        kind()


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


@pytest.mark.parametrize(("kind", "way"), [(RingSyncer, "_ring"), (AioSyncer, "_context")])
async def test_an_order_that_the_kernel_does_not_take_is_an_os_error(descriptor, kind, way):
    syncer: Any = kind()
    setattr(syncer, way, Failing(getattr(syncer, way), "submit", OverflowError("try again")))
    with pytest.raises(OSError, match="try again"):
        await syncer.sync(descriptor)
    syncer.close()


@pytest.mark.parametrize(("kind", "way"), [(RingSyncer, "_ring"), (AioSyncer, "_context")])
async def test_a_sync_that_the_kernel_could_not_do_is_an_os_error(
    descriptor, monkeypatch, kind, way
):
    syncer: Any = kind()
    fault = SystemError("Input/output error")
    operation = Failing(syncer._operation.fdsync(descriptor), "get_value", fault)
    monkeypatch.setattr(syncer, way, Unwrapping(getattr(syncer, way)))
    monkeypatch.setattr(syncer, "_operation", SimpleNamespace(fdsync=lambda _: operation))
    with pytest.raises(OSError, match="Input/output error"):
        await syncer.sync(descriptor)
    syncer.close()
