"""A command beside a running gateway goes by that gateway's configuration."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.configured import configuration_path, read_names
from gateway.cli.exits import CommandFailed, Exit
from gateway.settings import OfferedModel, RunningGateway, write_running

CONFIGURATION = """
vendors:
  house: { kind: in_house, base_url: "http://127.0.0.1:8000", wires: [openai_chat] }
  deepseek: { kind: deepseek, api_key: "${SET_ONLY_WHERE_THE_GATEWAY_RUNS}" }
models:
  coder: { targets: [house/qwen, deepseek/deepseek-chat] }
  small: { targets: [house/tiny] }
teams:
  payments: { models: [coder], data_class: confidential }
  web: { models: [coder, small], data_class: internal }
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The data folder and the working folder."""
    data, working = tmp_path / "data", tmp_path / "work"
    data.mkdir()
    working.mkdir()
    return data, working


@pytest.fixture
def ended_pid() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def written(path: Path, text: str = CONFIGURATION) -> Path:
    path.write_text(text)
    return path


def left_by(pid: int, data: Path, config: Path | None) -> None:
    write_running(data, RunningGateway(pid, "http://127.0.0.1:7070", config))


def test_the_file_that_is_named_comes_first(folders: tuple[Path, Path]) -> None:
    data, working = folders
    left_by(os.getpid(), data, written(data / "running.yaml"))
    named = written(working / "named.yaml")
    assert configuration_path(named, data, working) == named


def test_a_named_file_that_is_not_there_is_told(folders: tuple[Path, Path]) -> None:
    data, working = folders
    with pytest.raises(CommandFailed, match="there is no file") as caught:
        configuration_path(working / "absent.yaml", data, working)
    assert caught.value.code is Exit.NOT_FOUND


def test_the_running_gateways_file_comes_before_the_working_folders(
    folders: tuple[Path, Path],
) -> None:
    data, working = folders
    written(working / "gatehouse.yaml")
    running = written(data / "running.yaml")
    left_by(os.getpid(), data, running)
    assert configuration_path(None, data, working) == running


def test_a_running_gateway_without_a_file_means_the_embedded_default(
    folders: tuple[Path, Path],
) -> None:
    data, working = folders
    written(working / "gatehouse.yaml")
    left_by(os.getpid(), data, None)
    assert configuration_path(None, data, working) is None


def test_else_the_working_folder_is_looked_at(folders: tuple[Path, Path], ended_pid: int) -> None:
    data, working = folders
    here = written(working / "gatehouse.yaml")
    left_by(ended_pid, data, written(data / "last.yaml"))
    assert configuration_path(None, data, working) == here


def test_else_the_last_gateways_file_is_remembered(
    folders: tuple[Path, Path], ended_pid: int
) -> None:
    data, working = folders
    last = written(data / "last.yaml")
    left_by(ended_pid, data, last)
    assert configuration_path(None, data, working) == last
    last.unlink()
    assert configuration_path(None, data, working) is None


def test_names_are_read_without_the_secrets_of_the_gateways_environment(tmp_path: Path) -> None:
    named = read_names(written(tmp_path / "gatehouse.yaml"))
    assert named.teams == {"payments": ("coder",), "web": ("coder", "small")}
    assert named.models == (
        OfferedModel("coder", ("house/qwen", "deepseek/deepseek-chat")),
        OfferedModel("small", ("house/tiny",)),
    )


@pytest.mark.parametrize(
    "text", ["", "teams: [a]", "teams: {a: 1}\nmodels: {}", "models: {}", "- 1", "{{{", "a: !!x 1"]
)
def test_a_file_of_another_shape_is_a_configuration_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        read_names(written(tmp_path / "gatehouse.yaml", text))
    assert caught.value.code is Exit.CONFIGURATION


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="cannot read"):
        read_names(tmp_path)
