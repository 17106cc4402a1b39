"""Other programs' files are replaced whole, and not where somebody meant otherwise."""

import os
import stat
from pathlib import Path

import pytest

from gateway.cli.connecting.disk import (
    Found,
    Overtaken,
    check_writable,
    look,
    make_folders,
    remove,
    replace,
)
from gateway.cli.exits import CommandFailed


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.json"
    path.write_bytes(b"old")
    path.chmod(0o644)
    return path


def test_a_file_is_found_with_its_content_and_permissions(file: Path) -> None:
    assert look(file) == Found(file, b"old", 0o644)


def test_no_file_is_found_as_none(tmp_path: Path) -> None:
    assert look(tmp_path / "none" / "settings.json").content is None


def test_a_link_is_followed_so_that_it_stays_one(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(file)
    found = look(link)
    replace(found, b"new", 0o600)
    assert link.is_symlink()
    assert file.read_bytes() == b"new"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="is not a file"):
        look(tmp_path)


def test_a_link_to_nothing_and_one_to_itself_are_refused(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(CommandFailed, match="is not there"):
        look(tmp_path / "gone")
    with pytest.raises(CommandFailed, match="link to itself"):
        look(tmp_path / "circle")


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CommandFailed, match="is not a file"):
        look(tmp_path / "pipe")


def test_a_file_beyond_any_settings_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as opened:
        opened.truncate(5 << 20)
    with pytest.raises(CommandFailed, match="larger than any"):
        look(tmp_path / "huge")


def test_a_read_only_file_is_respected_also_by_root(file: Path) -> None:
    file.chmod(0o444)
    with pytest.raises(CommandFailed, match="read-only"):
        check_writable(look(file))


def test_a_new_content_has_its_permissions_from_the_start_and_leaves_nothing_behind(
    file: Path,
) -> None:
    replace(look(file), b"new", 0o600)
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["settings.json"]


def test_a_file_written_in_between_is_left_and_said(file: Path) -> None:
    found = look(file)
    file.write_bytes(b"theirs")
    with pytest.raises(Overtaken):
        replace(found, b"new", 0o600)
    with pytest.raises(Overtaken):
        remove(found)
    assert file.read_bytes() == b"theirs"
    assert [each.name for each in file.parent.iterdir()] == ["settings.json"]


def test_a_file_that_came_or_went_in_between_is_said(file: Path, tmp_path: Path) -> None:
    found, missing = look(file), look(tmp_path / "other.json")
    file.unlink()
    (tmp_path / "other.json").write_bytes(b"theirs")
    with pytest.raises(Overtaken):
        replace(found, b"new", 0o600)
    with pytest.raises(Overtaken):
        replace(missing, b"new", 0o600)


def test_folders_are_made_private_and_told(tmp_path: Path) -> None:
    made = make_folders(tmp_path / "a" / "b")
    assert made == [tmp_path / "a", tmp_path / "a" / "b"]
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    assert make_folders(tmp_path / "a" / "b") == []


def test_a_key_in_a_file_takes_others_rights_away() -> None:
    found = Found(Path("x"), b"", 0o664)
    assert (found.mode_for(is_private=True), found.mode_for(is_private=False)) == (0o600, 0o664)
