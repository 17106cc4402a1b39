"""What would be done to each file is decided whole, over what stood there before us."""

from pathlib import Path

import pytest

from gateway.cli.connecting.plan import plan_connecting, plan_undoing
from gateway.cli.connecting.record import Record
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import JSONC
from gateway.cli.exits import CommandFailed

MINE = b'{"theme": "dark"}'


def settings(path: Path, url: str = "http://one", *, is_secret: bool = False) -> SettingsFile:
    return SettingsFile(path, JSONC, (Setting(("url",), url, is_secret=is_secret),))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.json"
    path.write_bytes(MINE)
    path.chmod(0o644)
    return path


def connected(file: Path, url: str = "http://one", earlier: Record | None = None) -> Record:
    """As after connecting: the file written, and its record."""
    plan = plan_connecting([settings(file, url)], earlier)
    step = plan.steps[0]
    assert step.content is not None
    file.write_bytes(step.content)
    return Record("x", url, "m", plan.files)


def test_nothing_is_written_by_planning(file: Path) -> None:
    plan = plan_connecting([settings(file)], None)
    assert plan.steps[0].changes_something
    assert file.read_bytes() == MINE


def test_planned_again_there_is_nothing_to_do(file: Path) -> None:
    record = connected(file)
    assert not plan_connecting([settings(file)], record).steps[0].changes_something


def test_a_second_gateway_is_written_over_what_stood_before_the_first(file: Path) -> None:
    record = connected(file, "http://two", connected(file))
    assert record.files[0].before == MINE
    assert plan_undoing(record.files).steps[0].content == MINE


def test_what_somebody_added_since_is_kept_by_both(file: Path) -> None:
    record = connected(file)
    file.write_bytes(file.read_bytes().replace(b'"dark"', b'"dark", "mine": 1'))
    again = connected(file, "http://two", record)
    assert plan_undoing(again.files).steps[0].content == b'{"theme": "dark", "mine": 1}'


def test_a_key_in_a_file_makes_it_private_and_undoing_gives_the_rights_back(file: Path) -> None:
    plan = plan_connecting([settings(file, is_secret=True)], None)
    assert plan.steps[0].mode == 0o600
    assert plan_undoing(plan.files).steps[0].mode == 0o644


def test_a_file_that_we_made_goes_unless_somebody_uses_it(tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    record = connected(file)
    assert plan_undoing(record.files).steps[0].content is None
    file.write_bytes(file.read_bytes().replace(b"{", b'{"mine": 1,', 1))
    assert plan_undoing(record.files).steps[0].content == b'{"mine": 1\n}\n'


def test_a_file_that_is_elsewhere_now_is_put_back(file: Path, tmp_path: Path) -> None:
    record = connected(file)
    plan = plan_connecting([settings(tmp_path / "elsewhere.json")], record)
    assert [step.content for step in plan.steps if step.found.path == file] == [MINE]


def test_a_file_that_is_gone_stays_gone(file: Path) -> None:
    record = connected(file)
    file.unlink()
    assert not plan_undoing(record.files).steps[0].changes_something


def test_after_a_kill_between_record_and_file_undoing_is_still_exact(file: Path) -> None:
    first = connected(file)
    written = file.read_bytes()
    second = connected(file, "http://two", first)
    file.write_bytes(written)  # as if the second had never come to the file
    assert plan_undoing(second.files).steps[0].content == MINE
    file.write_bytes(MINE)  # nor the first
    assert not plan_undoing(second.files).steps[0].changes_something


def test_a_file_that_is_not_json_is_refused_with_file_and_line(file: Path) -> None:
    file.write_bytes(b'{\n  "a": \n}')
    with pytest.raises(CommandFailed, match=r"settings\.json:3: .*left as it is"):
        plan_connecting([settings(file)], None)
