"""A plan is carried out whole or not at all."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.cli.connecting.carry_out import connect, disconnect, until_not_overtaken
from gateway.cli.connecting.disk import Overtaken
from gateway.cli.connecting.plan import Plan, plan_connecting, plan_undoing
from gateway.cli.connecting.record import Record, Records
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import JSONC
from gateway.cli.exits import CommandFailed


def files(*paths: Path) -> Sequence[SettingsFile]:
    return [SettingsFile(path, JSONC, (Setting(("url",), "http://one"),)) for path in paths]


def planned(*paths: Path) -> tuple[Plan, Record]:
    plan = plan_connecting(files(*paths), None)
    return plan, Record("x", "http://one", "m", plan.files)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "connected")


def test_folders_that_were_made_go_with_the_files(tmp_path: Path, records: Records) -> None:
    deep = tmp_path / "a" / "b" / "settings.json"
    plan, record = planned(deep)
    connect(plan, record, records)
    assert deep.is_file()
    remembered = records.read("x")
    assert remembered is not None
    disconnect(plan_undoing(remembered.files), remembered, records)
    assert not (tmp_path / "a").exists()
    assert records.read("x") is None


def test_a_file_overtaken_takes_the_others_back(tmp_path: Path, records: Records) -> None:
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    first.write_text("{}")
    second.write_text("{}")
    plan, record = planned(first, second)
    second.write_text('{"theirs": 1}')
    with pytest.raises(Overtaken):
        connect(plan, record, records)
    assert first.read_text() == "{}"
    assert second.read_text() == '{"theirs": 1}'
    assert records.read("x") is None


def test_a_folder_that_takes_no_file_takes_the_others_back(
    tmp_path: Path, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "1.json", tmp_path / ("n" * 250 + ".json")  # no room for a twin
    plan, record = planned(first, second)
    with pytest.raises(OSError, match="too long"):
        connect(plan, record, records)
    assert not first.exists()
    assert records.read("x") is None


def test_one_who_was_overtaken_tries_again(tmp_path: Path, records: Records) -> None:
    file = tmp_path / "1.json"
    file.write_text("{}")
    attempts = 0

    def attempt() -> Plan:
        nonlocal attempts
        attempts += 1
        plan, record = planned(file)
        if attempts == 1:
            file.write_text('{"theirs": 1}')
        connect(plan, record, records)
        return plan

    until_not_overtaken(attempt)
    assert file.read_text() == '{"theirs": 1, "url": "http://one"}'


def test_one_who_is_always_overtaken_gives_up_with_a_word(tmp_path: Path) -> None:
    def attempt() -> Plan:
        raise Overtaken(tmp_path / "busy.json")

    with pytest.raises(CommandFailed, match=r"busy\.json is being written"):
        until_not_overtaken(attempt)
