"""The supervisor with small stand-ins for the shipping process."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from gateway.telemetry.endpoint import OtlpProtocol
from gateway.telemetry.handover import Secrets
from gateway.telemetry.supervisor import Shipper, shipper_command

SECRETS = Secrets(b"k" * 32, {"authorization": "Bearer s3cret"})

TELLS_AND_STAYS = """
import pathlib, sys
line = sys.stdin.readline()
pathlib.Path(sys.argv[1]).write_text(line)
sys.stdin.read()
"""
IGNORES_TERM = """
import pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).write_text(sys.stdin.readline())
signal.pause()
"""
ENDS = "import sys; sys.exit(3)"


def python(script: str, *arguments: object) -> tuple[str, ...]:
    return (sys.executable, "-c", script, *map(str, arguments))


class Pauses:
    """Notes how long the supervisor wants to wait; the wait itself ends after `count` of them."""

    def __init__(self, count: int) -> None:
        self.seconds: list[float] = []
        self.enough = asyncio.Event()
        self._count = count

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if len(self.seconds) >= self._count:
            self.enough.set()
            await asyncio.Event().wait()


@pytest.fixture
def pipe(tmp_path):
    """A pipe by name: reading it waits until somebody has written."""
    path = tmp_path / "told"
    os.mkfifo(path)
    return path


async def written(pipe: Path) -> str:
    return await asyncio.to_thread(pipe.read_text)


@pytest.fixture
async def keep():
    """Starts a shipper and stops it when the test is over."""
    running: list[Shipper] = []

    def start(shipper: Shipper) -> Shipper:
        running.append(shipper)
        shipper.start()
        return shipper

    yield start
    for shipper in running:
        await shipper.stop()


async def test_secrets_come_on_standard_input_and_not_in_the_command_line(keep, pipe):
    command = python(TELLS_AND_STAYS, pipe)
    keep(Shipper(command, SECRETS))
    told = await written(pipe)
    assert Secrets.from_line(told.encode()) == SECRETS
    assert "s3cret" not in " ".join(command)


async def test_it_shares_a_session_with_the_gateway_or_linux_would_not_let_it_give_way(keep, pipe):
    shipper = keep(Shipper(python(TELLS_AND_STAYS, pipe), SECRETS))
    await written(pipe)
    assert os.getsid(shipper.pid) == os.getsid(0)


async def test_a_process_that_ends_is_started_again_with_growing_pauses(keep):
    pauses = Pauses(6)
    keep(Shipper(python(ENDS), SECRETS, sleep=pauses.sleep))
    async with asyncio.timeout(30):
        await pauses.enough.wait()
    assert pauses.seconds == [1, 2, 4, 8, 16, 30]


async def test_a_process_that_is_killed_is_started_again(keep, pipe):
    pauses = Pauses(1)
    shipper = keep(Shipper(python(TELLS_AND_STAYS, pipe), SECRETS, sleep=pauses.sleep))
    await written(pipe)
    assert shipper.pid is not None
    os.kill(shipper.pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        await pauses.enough.wait()
    assert pauses.seconds == [1]


async def test_a_program_that_does_not_exist_is_tried_again_and_hurts_nobody(keep):
    pauses = Pauses(2)
    shipper = keep(Shipper(("/nonexistent/program",), SECRETS, sleep=pauses.sleep))
    async with asyncio.timeout(20):
        await pauses.enough.wait()
    assert shipper.pid is None


async def test_stopping_ends_the_process_and_may_be_asked_twice(keep, pipe):
    shipper = keep(Shipper(python(TELLS_AND_STAYS, pipe), SECRETS))
    await written(pipe)
    pid = shipper.pid
    await shipper.stop()
    await shipper.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_process_that_will_not_go_is_killed(keep, pipe):
    shipper = keep(Shipper(python(IGNORES_TERM, pipe), SECRETS, stop_seconds=0.2))
    await written(pipe)
    pid = shipper.pid
    await shipper.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_stopping_what_never_started_does_nothing():
    await Shipper(python(ENDS), SECRETS).stop()


def test_the_command_names_the_module_the_folder_and_the_endpoint():
    command = shipper_command(
        Path("/data"), "http://c:4318", protocol=OtlpProtocol.HTTP, ca_file=Path("/ca.pem")
    )
    assert command[0] == sys.executable
    assert " ".join(command[1:]) == (
        "-m gateway.telemetry --supervised --background --data /data --endpoint http://c:4318"
        " --protocol http --ca-file /ca.pem"
    )


def test_in_the_foreground_it_is_a_process_like_others():
    assert "--background" not in shipper_command(Path("/data"), "http://c", background=False)


def test_secrets_are_not_shown():
    assert "s3cret" not in repr(SECRETS)
    assert "kkkk" not in repr(SECRETS)
