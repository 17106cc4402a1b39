"""What surrounds the gateway is read in one place, and misread nowhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.settings import (
    OfferedModel,
    Ready,
    RunningGateway,
    configuration_in,
    data_dir_default,
    read_running,
    write_private,
    write_running,
)


def test_the_data_folder_is_the_one_the_environment_names(tmp_path: Path) -> None:
    environ = {"GATEHOUSE_DATA": str(tmp_path), "XDG_DATA_HOME": "/elsewhere"}
    assert data_dir_default(environ) == tmp_path


def test_a_tilde_in_the_environment_is_the_home_folder() -> None:
    assert data_dir_default({"GATEHOUSE_DATA": "~/gate"}) == Path.home() / "gate"


def test_else_it_is_below_the_users_data_folder(tmp_path: Path) -> None:
    assert data_dir_default({"XDG_DATA_HOME": str(tmp_path)}) == tmp_path / "gatehouse"


@pytest.mark.parametrize("environ", [{}, {"XDG_DATA_HOME": ""}, {"XDG_DATA_HOME": "relative"}])
def test_else_below_home(environ: dict[str, str]) -> None:
    assert data_dir_default(environ) == Path.home() / ".local" / "share" / "gatehouse"


def test_a_configuration_is_found_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "gatehouse.yaml").touch()
    assert configuration_in(tmp_path) == (tmp_path / "gatehouse.yaml").resolve()


def test_a_folder_of_that_name_is_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "gatehouse.yaml").mkdir()
    assert configuration_in(tmp_path) is None


def test_what_a_gateway_leaves_is_read_back(tmp_path: Path) -> None:
    running = RunningGateway(
        pid=os.getpid(),
        base_url="http://127.0.0.1:7070",
        config=tmp_path.resolve() / "gatehouse.yaml",
        models=(
            OfferedModel("coder", ("house/qwen", "vendor/other")),
            OfferedModel("tiny", ("house/t",), "Tiny", ("claude-tiny",), 8_192, 1_024),
        ),
    )
    write_running(tmp_path, running)
    assert read_running(tmp_path) == running
    assert running.is_alive


def test_a_gateway_that_has_ended_is_not_alive() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not RunningGateway(ended.pid, "http://127.0.0.1:1", None).is_alive


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"pid": "x", "base_url": "", "config": null}', "[" * 100_000, "\x00"]
)
def test_a_damaged_file_is_no_gateway(tmp_path: Path, text: str) -> None:
    (tmp_path / "running.json").write_text(text)
    assert read_running(tmp_path) is None


def test_without_a_file_there_is_no_gateway(tmp_path: Path) -> None:
    assert read_running(tmp_path) is None


def test_a_private_file_is_for_its_owner_only_and_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_file_does_not_follow_a_link_laid_before_it(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "ready.json").symlink_to(victim)
    write_private(tmp_path / "ready.json", "secret")
    assert victim.read_text() == "untouched"


def test_keys_do_not_show_when_a_ready_gateway_is_printed() -> None:
    ready = Ready("http://x", 1, True, "gth_admin", "gth_developer", "web", (), None, Path())
    assert "gth_" not in repr(ready)
