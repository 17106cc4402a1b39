"""What keeps a gateway from serving is one clear line, and the exit code says of what kind."""

import os
import socket
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from gateway.audit.lock import LedgerLock
from gateway.cli.exits import Exit
from gateway.cli.up import greet, own_command
from gateway.settings import Ready
from tests.unit.gateway.cli.conftest import CommandLine


def up_fails(command_line: CommandLine, code: Exit, *options: str) -> str:
    """The complaint of a gateway that must not start."""
    ran = command_line.run("up", "--port", "0", *options)
    assert (ran.code, ran.out) == (code, "")
    assert "Traceback" not in ran.err
    return ran.err


def test_a_wrong_configuration_in_the_working_folder_is_told_by_line(
    command_line: CommandLine,
) -> None:
    file = command_line.working / "gatehouse.yaml"
    file.write_text("vendors: {}\nmodels: {}\nteams: {}\nteems: {}\n")
    complaint = up_fails(command_line, Exit.CONFIGURATION)
    assert "gatehouse.yaml:4:1: teems: unknown field" in complaint


def test_a_data_folder_that_cannot_be_made_is_told(command_line: CommandLine) -> None:
    command_line.data.touch()
    assert "choose another with --data" in up_fails(command_line, Exit.DATA)


def test_a_data_folder_in_use_is_told(command_line: CommandLine) -> None:
    command_line.make_folder()
    lock = LedgerLock(command_line.data)
    lock.acquire()
    assert f"another gateway (process {os.getpid()})" in up_fails(command_line, Exit.DATA)
    lock.release()


def test_a_taken_port_is_told(command_line: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        complaint = up_fails(command_line, Exit.FAILED, "--port", port)
    assert "choose another with --port" in complaint


def test_a_model_file_that_is_missing_is_told(command_line: CommandLine) -> None:
    complaint = up_fails(command_line, Exit.FAILED, "--model", "absent.gguf")
    assert "absent.gguf: No such file" in complaint


def test_a_model_file_beside_a_configuration_is_a_usage_error(command_line: CommandLine) -> None:
    (command_line.working / "gatehouse.yaml").write_text("vendors: {}\n")
    complaint = up_fails(command_line, Exit.USAGE, "--model", "some.gguf")
    assert "leave --model out" in complaint


def test_a_ready_file_that_cannot_be_written_is_told(command_line: CommandLine) -> None:
    complaint = up_fails(command_line, Exit.FAILED, "--ready-file", "/nowhere/ready.json")
    assert "cannot write /nowhere/ready.json" in complaint


def test_a_greeting_that_nobody_reads_does_not_stop_the_gateway() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ready = Ready("http://127.0.0.1:7070", 1, False, None, None, "default", (), None, Path("/data"))
    with os.fdopen(writer, "w") as stdout, redirect_stdout(stdout):
        greet(ready)
        stdout.write("what comes later goes nowhere, and does not raise")


def test_the_command_is_named_as_this_shell_reaches_it(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = command_line.working / "bin" / "gatehouse"
    script.parent.mkdir()
    script.touch(mode=0o755)
    assert own_command(str(script)) == "bin/gatehouse"
    assert own_command("/opt/my tools/gatehouse") == "'/opt/my tools/gatehouse'"
    monkeypatch.setenv("PATH", str(script.parent))
    assert own_command(str(script)) == "gatehouse"


def test_an_address_that_is_not_here_is_told_with_the_option_that_says_it(
    command_line: CommandLine,
) -> None:
    complaint = up_fails(command_line, Exit.FAILED, "--host", "192.0.2.1")
    assert "choose another with --host" in complaint
    assert "--port" not in complaint


def test_a_file_that_is_passed_over_for_its_name_is_told(command_line: CommandLine) -> None:
    misnamed = command_line.working / "gatehouse.yml"
    misnamed.write_text("vendors: {}\n")
    named = ("--model", "absent.gguf")  # what ends a start without a file
    told = f"note: {misnamed} is passed over for its name: rename it to gatehouse.yaml"
    assert up_fails(command_line, Exit.FAILED, *named).startswith(told)
    assert "passed over" not in up_fails(
        command_line, Exit.CONFIGURATION, "--config", "gatehouse.yml"
    )
    (command_line.working / "gatehouse.yaml").write_text("vendors: {}\n")
    assert "passed over" not in up_fails(command_line, Exit.CONFIGURATION)
