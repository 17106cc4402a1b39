"""Shipping processes of several replicas on one PostgreSQL: each record goes once, none is lost."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.database_address import DatabaseAddress
from gateway.store.database import open_store
from gateway.store.keys import Keys
from gateway.telemetry.endpoint import OtlpProtocol
from gateway.telemetry.handover import Secrets
from gateway.telemetry.supervisor import shipper_command
from tests.fakes.ledger import Clock, a_ledger_in
from tests.fakes.ledger_stories import Stories
from tests.fakes.otlp_receiver import OtlpReceiver
from tests.fakes.postgres import execute
from tests.unit.gateway.store.test_keys import ANNA, a_key

ROOT = Path(__file__).parents[2]
QUICK = ("--idle-seconds", "0.05", "--backoff-seconds", "0.2")

Start = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as running:
        yield running


@pytest.fixture
def start(tmp_path: Path, receiver: OtlpReceiver, postgres_url: str) -> Iterator[Start]:
    """Starts the shipping process beside the writer of a lane."""
    secrets = Secrets(b"pseudonym-key-" * 4, database=postgres_url)
    processes: list[subprocess.Popen[bytes]] = []

    def run(lane: str) -> "subprocess.Popen[bytes]":
        command = shipper_command(
            tmp_path,
            receiver.http_url,
            protocol=OtlpProtocol.HTTP,
            lane=lane,
            background=False,  # beside busy tests it would starve there
        )
        process = subprocess.Popen((*command, *QUICK), cwd=ROOT, stdin=subprocess.PIPE, bufsize=0)
        assert process.stdin is not None
        process.stdin.write(secrets.to_line())
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


async def write(folder: Path, url: str, exchanges: int, seed: int) -> str:
    """So many exchanges of every kind, in a lane of their own; its name."""
    stories = Stories(seed)
    kinds = (stories.answered, stories.denied, stories.fell_back, stories.failed, stories.lost)
    clock = Clock(1_790_000_000_000_000 + seed)
    async with a_ledger_in(folder, clock, DatabaseAddress.read(url)) as opened:
        for number in range(exchanges):
            await opened.write(*kinds[number % len(kinds)]())
    return opened.writer.lane


async def record_ids(url: str) -> list[str]:
    return [row["record_id"] for row in await execute(url, "SELECT record_id FROM audit_leaf")]


async def arrived(receiver: OtlpReceiver, url: str) -> list[str]:
    """What has come, once everything has."""
    wanted = set(await record_ids(url))
    holds = lambda taken: set(taken.record_ids()) == wanted  # noqa: E731 - one line of it
    await asyncio.to_thread(receiver.wait_until, holds)
    return sorted(receiver.record_ids())


async def test_what_several_replicas_ship_arrives_once(
    tmp_path: Path, receiver: OtlpReceiver, start: Start, postgres_url: str
) -> None:
    lanes = [await write(tmp_path, postgres_url, 40, seed) for seed in (1, 2)]
    database = await open_store(tmp_path, DatabaseAddress.read(postgres_url))
    await Keys(database).create(a_key(), b"d" * 32, ANNA)  # a lane that is nobody's own
    await database.close()
    for lane in [*lanes, "01OFAREPLICATHATHASNOTHING"]:
        start(lane)
    await write(tmp_path, postgres_url, 20, 3)  # and one whose gateway is gone
    assert await arrived(receiver, postgres_url) == sorted(await record_ids(postgres_url))


async def test_what_a_killed_process_had_not_shipped_another_ships(
    tmp_path: Path, receiver: OtlpReceiver, start: Start, postgres_url: str
) -> None:
    lanes = [await write(tmp_path, postgres_url, 150, seed) for seed in (1, 2)]
    first, _ = (start(lane) for lane in lanes)
    await asyncio.to_thread(receiver.wait_until, lambda taken: len(taken.record_ids()) > 50)
    first.kill()
    assert set(await arrived(receiver, postgres_url)) == set(await record_ids(postgres_url))
