"""A command works on the data folder, or on the admin API that its options or environment name."""

from pathlib import Path

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.server import KEY_FILE_VARIABLE, KEY_VARIABLE, URL_VARIABLE
from gateway.cli.state import FolderState, ServerState, state_at

URL = "http://127.0.0.1:7071"


@pytest.fixture(autouse=True)
def _a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)
    monkeypatch.setenv(KEY_VARIABLE, "gth_x")


def test_a_folder_is_meant_unless_a_server_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert state_at(None, tmp_path, tmp_path / "x.yaml") == FolderState(
        tmp_path, tmp_path / "x.yaml"
    )
    assert isinstance(state_at(URL, None), ServerState)
    monkeypatch.setenv(URL_VARIABLE, URL)
    assert isinstance(state_at(None, None), ServerState)
    assert state_at(None, tmp_path) == FolderState(tmp_path)


def test_a_server_has_its_own_configuration() -> None:
    with pytest.raises(CommandFailed, match="--config does not go with --server") as failed:
        state_at(URL, None, Path("gatehouse.yaml"))
    assert failed.value.code is Exit.USAGE
