"""What was changed is remembered privately, with the bytes as they were."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.cli.connecting.changes import Change
from gateway.cli.connecting.record import FileRecord, Record, Records
from gateway.cli.editing import Item
from gateway.cli.editing.syntax import ABSENT
from gateway.cli.exits import CommandFailed
from gateway.cli.offered import Sizes

CHANGES = (
    Change(("env", "A"), "old", 2, "d1"),
    Change(("models", Item("x", "name")), ABSENT, 1, "d2"),
    Change(("n",), None, 1, "d3"),
)
RECORD = Record(
    "claude-code",
    "http://127.0.0.1:7070",
    "coder",
    (
        FileRecord(Path("/h/settings.json"), b'{"key": "secret"}', 0o644, ("w1", "w0"), CHANGES),
        FileRecord(Path("/h/.env"), None, 0o600, ("w2",), (), (Path("/h"),)),
    ),
)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    records = Records(tmp_path / "connected")
    records.write(RECORD)
    assert records.read("claude-code") == RECORD


def test_the_sizes_of_its_model_are_remembered_and_older_records_have_none(tmp_path: Path) -> None:
    records = Records(tmp_path)
    sized = replace(RECORD, sizes=Sizes(200_000, None))
    records.write(sized)
    assert records.read("claude-code") == sized
    file = tmp_path / "claude-code" / "record.json"
    document = json.loads(file.read_text())
    del document["window_tokens"], document["output_tokens"]
    file.write_text(json.dumps(document))
    assert records.read("claude-code") == RECORD


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    Records(tmp_path / "connected").write(RECORD)
    folder = tmp_path / "connected" / "claude-code"
    modes = {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_file_as_it_was_stands_beside_it_under_its_own_name(tmp_path: Path) -> None:
    Records(tmp_path).write(RECORD)
    backup = tmp_path / "claude-code" / "0-settings.json"
    assert backup.read_bytes() == b'{"key": "secret"}'


def test_what_is_not_connected_has_none(tmp_path: Path) -> None:
    assert Records(tmp_path).read("codex") is None


def test_what_was_forgotten_leaves_nothing(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.write(RECORD)
    records.forget("claude-code")
    records.forget("claude-code")
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_cannot_be_read_is_said_with_its_place(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.write(RECORD)
    (tmp_path / "claude-code" / "record.json").write_text("{")
    with pytest.raises(CommandFailed, match="stand beside it"):
        records.read("claude-code")
