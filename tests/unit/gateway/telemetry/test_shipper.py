"""The shipping process's own start and stop; what it ships stands in tests/integration."""

import errno
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.telemetry.shipper import LAST_WORDS_SECONDS, POLITE, StopSignal, main, step_back

URL = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def process_as_before() -> Iterator[None]:
    """Signals and logging are this process's own again afterwards; no alarm is left to end it."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    signal.alarm(0)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture
def refusal(tmp_path: Path, capsys: Any) -> Any:
    """Starts it with arguments that cannot work; what it says then."""

    def start(*arguments: str) -> str:
        assert main(["--data", str(tmp_path), *arguments]) == 2
        return str(capsys.readouterr().err)

    return start


def a_key(folder: Path, key: bytes) -> str:
    file = folder / "key"
    file.write_bytes(key)
    return str(file)


def test_without_a_key_no_user_could_leave_under_a_pseudonym(refusal):
    assert "--key-file is needed" in refusal("--endpoint", URL)


def test_a_key_that_is_too_short_is_refused_and_not_shown(refusal, tmp_path):
    told = refusal("--endpoint", URL, "--key-file", a_key(tmp_path, b"canary"))
    assert "shipper_refused" in told
    assert "canary" not in told


def test_a_missing_key_file_is_said(refusal, tmp_path):
    assert "No such file" in refusal("--endpoint", URL, "--key-file", str(tmp_path / "none"))


@pytest.mark.parametrize("endpoint", ["", "collector:4317", "http://user:canary@host"])
def test_an_endpoint_that_is_none_is_said_without_its_secret(refusal, tmp_path, endpoint):
    told = refusal("--endpoint", endpoint, "--key-file", a_key(tmp_path, b"k" * 32))
    assert "an OTLP endpoint" in told
    assert "canary" not in told


def test_an_unknown_argument_ends_it_at_once():
    with pytest.raises(SystemExit) as ended:
        main(["--data", "x", "--unheard-of"])
    assert ended.value.code == 2


def test_nobody_asked_so_a_wait_lasts_its_time():
    assert StopSignal().wait(0.01) is False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_wait_ends_when_it_is_asked_to_stop_and_so_does_every_later_one(number):
    stop = StopSignal()
    os.kill(os.getpid(), number)
    assert stop.wait(60) is True
    assert stop.wait(60) is True


def test_asked_once_it_has_seconds_left_and_asking_again_gives_no_more():
    stop = StopSignal()
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.wait(60)
    assert 0 < signal.alarm(60) <= LAST_WORDS_SECONDS
    os.kill(os.getpid(), signal.SIGTERM)
    assert signal.alarm(0) > LAST_WORDS_SECONDS


def test_it_stops_when_the_pipe_from_its_parent_ends():
    stop = StopSignal()
    reading, writing = os.pipe()
    stop.follow(reading)
    os.write(writing, b"still there")
    assert stop.wait(0) is False
    os.close(writing)
    assert stop.wait(60) is True
    os.close(reading)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_beside_a_gateway_it_takes_the_back_seat() -> None:
    program = (
        "import os; from gateway.telemetry.shipper import step_back; step_back();"
        "print(os.nice(0), os.sched_getscheduler(0) == os.SCHED_IDLE)"
    )
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(min(os.nice(0) + POLITE, 19)), "True"]


def test_a_sandbox_that_forbids_it_is_no_reason_not_to_ship(monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "not here")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(os, "nice", lambda _: 0)
    step_back()
