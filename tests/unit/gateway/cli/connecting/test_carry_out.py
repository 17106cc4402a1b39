"""A plan is carried out whole or not at all."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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


def connect_while(
    plan: Plan, record: Record, records: Records, pipe: Path, meanwhile: Callable[[], None]
) -> None:
    """Carry out a plan; whoever looks at the file that is a pipe by now waits for `meanwhile`."""
    os.mkfifo(pipe)

    def act() -> None:
        with pipe.open("wb") as opened:  # waits until the plan has come so far
            meanwhile()
            opened.write(b"theirs")

    with ThreadPoolExecutor() as pool:
        acting = pool.submit(act)
        try:
            connect(plan, record, records)
        finally:
            acting.result(timeout=10)


def test_what_cannot_be_taken_back_is_named_and_can_still_be_undone(
    tmp_path: Path, records: Records
) -> None:
    first, second, third = (tmp_path / "new" / f"{each}.json" for each in (1, 2, 3))
    first.parent.mkdir()
    first.write_text("{}")
    plan, record = planned(first, second, third)
    aside = tmp_path / "aside.json"

    def takes_its_place() -> None:
        first.rename(aside)
        first.mkdir()

    with pytest.raises(CommandFailed, match=r"1\.json \(Is a directory\).*--undo"):
        connect_while(plan, record, records, third, takes_its_place)
    assert not second.exists()
    third.unlink()
    first.rmdir()
    aside.rename(first)
    remembered = records.read("x")
    assert remembered is not None
    disconnect(plan_undoing(remembered.files), remembered, records)
    assert first.read_text() == "{}"
    assert records.read("x") is None


def test_a_file_that_is_left_stays_remembered_until_it_is_clean(
    tmp_path: Path, records: Records
) -> None:
    old, new, last = (tmp_path / f"{each}.json" for each in ("old", "new", "last"))
    old.write_text("{}")
    connect(*planned(old), records)
    earlier = records.read("x")
    plan = plan_connecting(files(new, last), earlier)

    def take_their_places() -> None:
        for each in (old, new):
            each.rename(each.with_suffix(".aside"))
            each.mkdir()

    # What is to be left comes last: by then the new files are written.
    (*steps, leaving) = plan.steps
    with pytest.raises(CommandFailed, match=r"new\.json"):
        connect_while(
            Plan((steps[0], leaving, steps[1])),
            Record("x", "http://one", "m", plan.files),
            records,
            last,
            take_their_places,
        )
    remembered = records.read("x")
    assert remembered is not None
    assert {each.path for each in remembered.files} == {old, new, last}


def test_a_file_that_is_left_is_forgotten_once_it_is_clean(
    tmp_path: Path, records: Records
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    connect(*planned(old), records)
    plan = plan_connecting(files(new), records.read("x"))
    connect(plan, Record("x", "http://one", "m", plan.files), records)
    remembered = records.read("x")
    assert remembered is not None
    assert [each.path for each in remembered.files] == [new]
    assert not old.exists()


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
