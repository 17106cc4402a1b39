"""What keeps a gateway from serving is one clear line, and the exit code says of what kind."""

import os
import socket
from pathlib import Path

import pytest

from gateway.audit.lock import LedgerLock
from gateway.cli import run
from gateway.cli.exits import Exit
from gateway.cli.up import own_command


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    working = tmp_path / "work"
    working.mkdir()
    monkeypatch.chdir(working)
    return working


def up(data: Path, *options: str) -> int:
    return run(["up", "--data", str(data), "--port", "0", *options])


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    return shown.err


def test_a_wrong_configuration_in_the_working_folder_is_told_by_line(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "gatehouse.yaml").write_text("vendors: {}\nmodels: {}\nteams: {}\nteems: {}\n")
    assert up(tmp_path / "data") == Exit.CONFIGURATION
    assert "gatehouse.yaml:4:1: teems: unknown field" in complaint(capsys)


def test_a_data_folder_that_cannot_be_made_is_told(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert up(tmp_path / "file" / "data") == Exit.DATA
    assert "choose another with --data" in complaint(capsys)


def test_a_data_folder_in_use_is_told(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = LedgerLock(tmp_path)
    lock.acquire()
    assert up(tmp_path) == Exit.DATA
    assert f"another gateway (process {os.getpid()})" in complaint(capsys)
    lock.release()


def test_a_taken_port_is_told(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert up(tmp_path / "data", "--port", port) == Exit.FAILED
    assert "choose another with --port" in complaint(capsys)


def test_a_model_file_that_is_missing_is_told(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert up(tmp_path / "data", "--model", "absent.gguf") == Exit.FAILED
    assert "absent.gguf: No such file" in complaint(capsys)


def test_a_model_file_beside_a_configuration_is_a_usage_error(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "gatehouse.yaml").write_text("vendors: {}\n")
    assert up(tmp_path / "data", "--model", "some.gguf") == Exit.USAGE
    assert "leave --model out" in complaint(capsys)


def test_a_ready_file_that_cannot_be_written_is_told(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert up(tmp_path / "data", "--ready-file", "/nowhere/ready.json") == Exit.FAILED
    assert "cannot write /nowhere/ready.json" in complaint(capsys)


def test_the_command_is_named_as_this_shell_reaches_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = here / "bin" / "gatehouse"
    script.parent.mkdir()
    script.touch(mode=0o755)
    assert own_command(str(script)) == "bin/gatehouse"
    assert own_command("/opt/my tools/gatehouse") == "'/opt/my tools/gatehouse'"
    monkeypatch.setenv("PATH", str(script.parent))
    assert own_command(str(script)) == "gatehouse"
