"""A data folder's keys are changed in the name of whoever types, and a gateway is waited for."""

import os
import time
from pathlib import Path

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.key_folder import FolderKeys, until_known
from gateway.cli.key_wishes import KeyWish
from gateway.roles import Role
from gateway.settings import RunningGateway, operating_user, write_running
from gateway.store.database import open_database
from tests.fakes.ledger_file import key_records

WISH = KeyWish("anna", False, frozenset({Role.DEVELOPER}), "default")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    open_database(tmp_path / "data")
    return tmp_path / "data"


def test_what_is_made_is_listed_and_on_record(folder: Path) -> None:
    keys = FolderKeys(folder)
    secret, made = keys.create(WISH)
    _, new, old = keys.rotate(str(made["id"]), 60_000_000)
    ended = keys.revoke_all_of("anna", is_service=False)
    listed = keys.list()
    assert secret[-4:] in str(made["key_hint"])
    assert [each["id"] for each in listed] == [made["id"], new["id"]]
    assert {each["state"] for each in (*ended, *listed)} == {"revoked"}
    assert old["successor"] == new["id"]
    assert {each["actor"]["name"] for each in key_records(folder)} == {operating_user()}


def test_a_key_that_is_not_there_is_not_found(folder: Path) -> None:
    with pytest.raises(CommandFailed) as failed:
        FolderKeys(folder).revoke("key_none")
    assert failed.value.code is Exit.NOT_FOUND


def test_a_gateway_that_runs_is_given_time_to_look(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    until_known(folder)
    write_running(folder, RunningGateway(os.getpid(), "http://127.0.0.1:7070", None))
    until_known(folder)
    assert len(slept) == 1
    assert slept[0] > 1.0
