"""The shipping process, a collector, and a ledger by the real writer: nothing is lost."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.database import FILE_NAME
from gateway.telemetry.endpoint import OtlpProtocol
from gateway.telemetry.handover import Secrets
from gateway.telemetry.names import ATTRIBUTES
from gateway.telemetry.pseudonym import pseudonyms
from gateway.telemetry.supervisor import Shipper, shipper_command
from tests.fakes.ledger import a_ledger_in
from tests.fakes.ledger_stories import CANARY, Stories
from tests.fakes.otlp_receiver import Mood, OtlpReceiver, attributes_of

ROOT = Path(__file__).parents[2]
SECRETS = Secrets(b"pseudonym-key-" * 4, {"authorization": "Bearer t0ken-of-the-collector"})
QUICK = ("--idle-seconds", "0.05", "--backoff-seconds", "0.2")
PROMISED_SECONDS = 5
BOTH = pytest.mark.parametrize("protocol", [OtlpProtocol.GRPC, OtlpProtocol.HTTP])

Start = Callable[..., "subprocess.Popen[bytes]"]


class LedgerFile:
    """A data folder whose ledger is written by the gateway's writer."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._seed = 0

    async def write(self, exchanges: int) -> None:
        """Write this many exchanges of every kind, in a lane of their own."""
        self._seed += 1
        stories = Stories(self._seed)
        kinds = (stories.answered, stories.denied, stories.fell_back, stories.failed, stories.lost)
        async with a_ledger_in(self.data) as folder:
            for number in range(exchanges):
                await folder.write(*kinds[number % len(kinds)]())

    def column(self, query: str) -> list:
        with closing(sqlite3.connect(self.data / FILE_NAME)) as connection:
            return [value for (value,) in connection.execute(query)]

    def record_ids(self) -> list[str]:
        return self.column("SELECT record_id FROM audit_leaf")

    def hashes(self) -> list[str]:
        return self.column("SELECT lower(hex(record_hash)) FROM audit_leaf")


@pytest.fixture
def ledger(tmp_path):
    return LedgerFile(tmp_path / "data")


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as running:
        yield running


@pytest.fixture
def start(ledger, receiver) -> Iterator[Start]:
    """Starts shipping processes, and ends those that are left over."""
    processes: list[subprocess.Popen[bytes]] = []

    def run(protocol: OtlpProtocol = OtlpProtocol.HTTP) -> "subprocess.Popen[bytes]":
        url = receiver.grpc_url if protocol is OtlpProtocol.GRPC else receiver.http_url
        # Beside busy tests it would starve in the background, and here is told what it ships.
        command = shipper_command(ledger.data, url, protocol=protocol, background=False)
        process = subprocess.Popen(
            (*command, *QUICK),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert process.stdin is not None
        process.stdin.write(SECRETS.to_line())
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def all_there(ledger: LedgerFile) -> Callable[[OtlpReceiver], bool]:
    wanted = set(ledger.record_ids())
    return lambda receiver: set(receiver.record_ids()) == wanted


def span_count(receiver: OtlpReceiver) -> int:
    return len({(span.trace_id, span.span_id) for span in receiver.spans})


@BOTH
async def test_every_record_arrives_once_with_its_hash_and_every_exchange_as_a_trace(
    ledger, receiver, start, protocol
):
    await ledger.write(50)
    start(protocol)
    receiver.wait_until(all_there(ledger))
    assert sorted(receiver.record_ids()) == sorted(ledger.record_ids())
    hashes = [attributes_of(log)["audit.integrity.value"] for log in receiver.logs]
    assert sorted(hashes) == sorted(ledger.hashes())
    assert len({span.trace_id for span in receiver.spans}) == 50
    assert span_count(receiver) == len(receiver.spans) == 10 * (3 + 2 + 4 + 3 + 4)


async def test_what_is_written_while_it_runs_arrives_too(ledger, receiver, start):
    await ledger.write(5)
    start()
    receiver.wait_until(all_there(ledger))
    await ledger.write(5)
    receiver.wait_until(all_there(ledger))
    assert len(receiver.record_ids()) == len(ledger.record_ids())


@BOTH
async def test_nothing_is_lost_while_the_collector_is_down(ledger, receiver, start, protocol):
    await ledger.write(20)
    receiver.stop()
    process = start(protocol)
    assert b"collector_away" in process.stderr.readline()
    receiver.start()
    receiver.wait_until(all_there(ledger))


async def test_nothing_is_lost_when_the_collector_goes_away_in_the_middle(ledger, receiver, start):
    await ledger.write(400)
    receiver.seconds_per_answer = 0.05
    start()
    receiver.wait_until(lambda r: len(r.logs) >= 200)
    receiver.stop()
    await ledger.write(50)
    receiver.start()
    receiver.wait_until(all_there(ledger))


async def test_a_slow_collector_gets_everything(ledger, receiver, start):
    await ledger.write(100)
    receiver.seconds_per_answer = 0.4
    start()
    receiver.wait_until(all_there(ledger))


@BOTH
@pytest.mark.parametrize("mood", [Mood.PICKY, Mood.REFUSES, Mood.UNAVAILABLE])
async def test_nothing_is_lost_while_the_collector_refuses(ledger, receiver, start, protocol, mood):
    await ledger.write(40)
    receiver.mood = mood
    start(protocol)
    receiver.wait_until(lambda r: r.requests >= 4)
    receiver.mood = Mood.WILLING
    receiver.wait_until(all_there(ledger))


async def test_nothing_is_lost_when_it_is_killed_again_and_again(ledger, receiver, start):
    await ledger.write(500)
    receiver.seconds_per_answer = 0.02
    for round_ in range(1, 5):
        process = start()
        receiver.wait_until(lambda r, round_=round_: r.requests >= 3 * round_)
        process.kill()
        process.wait()
    start()
    receiver.wait_until(all_there(ledger))
    assert span_count(receiver) == 100 * (3 + 2 + 4 + 3 + 4)


@pytest.mark.parametrize("mood", [Mood.HANGS, Mood.DRIPS, Mood.UNAVAILABLE, Mood.WILLING])
async def test_it_ends_within_five_seconds_whatever_the_collector_does(
    ledger, receiver, start, mood
):
    await ledger.write(20)
    receiver.mood = mood
    process = start()
    receiver.wait_until(lambda r: r.requests >= 1)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=PROMISED_SECONDS)
    assert process.returncode in {0, -signal.SIGALRM}


async def test_it_ends_within_five_seconds_over_grpc_too(ledger, receiver, start):
    await ledger.write(20)
    receiver.mood = Mood.HANGS
    process = start(OtlpProtocol.GRPC)
    receiver.wait_until(lambda r: r.requests >= 1)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=PROMISED_SECONDS)


async def test_it_ends_within_five_seconds_of_its_parent(ledger, receiver, start):
    await ledger.write(1)
    process = start()
    receiver.wait_until(all_there(ledger))
    process.stdin.close()
    process.stdin = None
    process.wait(timeout=PROMISED_SECONDS)
    assert process.returncode == 0


async def test_asked_to_stop_it_ships_what_is_left(ledger, receiver, start):
    await ledger.write(100)  # of which one page is on its way when it is asked, and one is left
    receiver.seconds_per_answer = 0.01
    process = start()
    receiver.wait_until(lambda r: r.requests >= 1)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=PROMISED_SECONDS)
    assert set(receiver.record_ids()) == set(ledger.record_ids())


@BOTH
async def test_no_secret_no_name_and_no_reason_reaches_collector_or_log(
    ledger, receiver, start, protocol
):
    await ledger.write(20)
    receiver.mood = Mood.REFUSES
    process = start(protocol)
    receiver.wait_until(lambda r: r.requests >= 2)
    receiver.mood = Mood.WILLING
    receiver.wait_until(all_there(ledger))
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    bodies = "".join(ledger.column("SELECT body FROM audit_body"))
    everything = b"".join(receiver.raw) + log
    secrets = (CANARY.encode(), SECRETS.pseudonym_key, b"t0ken-of-the-collector")
    assert CANARY in bodies
    assert [secret for secret in secrets if secret in everything] == []


async def test_users_leave_under_the_pseudonym_of_the_key_handed_over(ledger, receiver, start):
    await ledger.write(1)
    start()
    receiver.wait_until(all_there(ledger))
    pseudonym = pseudonyms(SECRETS.pseudonym_key)(f"{CANARY}@example.com")
    assert {attributes_of(log)["enduser.pseudo.id"] for log in receiver.logs} == {pseudonym}


async def test_no_name_outside_the_table_arrives(ledger, receiver, start):
    await ledger.write(20)
    start()
    receiver.wait_until(all_there(ledger))
    arrived = {name for item in (*receiver.spans, *receiver.logs) for name in attributes_of(item)}
    arrived |= {name for resource in receiver.resources for name in resource}
    assert arrived - {attribute.name for attribute in ATTRIBUTES} == set()


async def test_the_gateway_s_supervisor_runs_it_and_stops_it(ledger, receiver):
    await ledger.write(10)
    command = shipper_command(ledger.data, receiver.http_url, background=False)
    shipper = Shipper((*command, *QUICK), SECRETS)
    shipper.start()
    await asyncio.to_thread(receiver.wait_until, all_there(ledger))
    assert shipper.pid is not None
    # Weighed with us by the kernel, and not reached by what is sent to our group.
    assert (os.getsid(shipper.pid), os.getpgid(shipper.pid)) == (os.getsid(0), shipper.pid)
    began = time.monotonic()
    await shipper.stop()
    assert time.monotonic() - began < 5
    assert receiver.headers[0]["authorization"] == "Bearer t0ken-of-the-collector"


async def test_beside_a_gateway_it_works_in_the_background(ledger, receiver):
    await ledger.write(1)
    shipper = Shipper((*shipper_command(ledger.data, receiver.http_url), *QUICK), SECRETS)
    shipper.start()
    # Where nothing is idle it gets a core for a few thousandths of the time.
    await asyncio.to_thread(receiver.wait_until, all_there(ledger), 100)
    assert shipper.pid is not None
    assert os.sched_getscheduler(shipper.pid) == os.SCHED_IDLE
    await shipper.stop()


async def test_the_exporter_none_moves_a_cursor_of_its_own(ledger):
    await ledger.write(10)
    command = shipper_command(ledger.data, "", protocol=OtlpProtocol.NONE, background=False)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=subprocess.PIPE)
    await process.communicate(SECRETS.to_line())
    reached = ledger.column("SELECT sink || ' ' || seq FROM audit_cursor")
    assert reached == [f"none {len(ledger.record_ids())}"]


def test_without_a_key_it_refuses_to_start(ledger):
    command = (sys.executable, "-m", "gateway.telemetry", "--data", str(ledger.data))
    refused = subprocess.run(
        (*command, "--endpoint", "http://127.0.0.1:4318"),
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert refused.returncode == 2
    assert b"--key-file" in refused.stderr
