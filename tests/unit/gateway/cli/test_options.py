"""Where the data folder is not named, the environment says, and it is absolute in any case."""

from pathlib import Path
from typing import get_args

import pytest

from gateway.cli.options import Data, data_folder


def test_the_folder_that_is_named_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_DATA", "/from/environment")
    assert data_folder(Path("/named")) == Path("/named")


def test_else_the_environment_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_DATA", "/from/environment")
    assert data_folder(None) == Path("/from/environment")


def test_a_relative_folder_is_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert data_folder(Path("data")) == tmp_path / "data"


def test_a_tilde_is_the_home_folder() -> None:
    assert data_folder(Path("~/gate")) == Path.home() / "gate"


def test_a_folder_that_may_not_be_read_is_left_to_the_command_to_tell() -> None:
    """Else it is a usage error, which is another exit code. Root, as whom tests run, reads all."""
    _, option = get_args(Data)
    assert option.readable is False
