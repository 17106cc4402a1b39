"""Where the data folder is not named, the environment says, and it is absolute in any case."""

from pathlib import Path

import pytest

from gateway.cli.options import data_folder


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
