"""What commands go by is what is in force: a running gateway's version, a pin, else the files."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.in_force import (
    configuration_asked_about,
    configuration_in_force,
    names_in_force,
)
from gateway.settings import RunningGateway, write_running
from gateway.store.database import open_database
from tests.fakes.configurations import GOOD, configured, write
from tests.unit.gateway.cli.conftest import entered

OTHER = GOOD + "break_glass: { max_hours: 5 }\n"
REFUSED = GOOD.replace("  web:\n    models: [coder]", "  broken:\n    models: [codr]")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, beside a working folder with files that say otherwise by now."""
    working = tmp_path / "work"
    working.mkdir()
    monkeypatch.chdir(working)
    entered(tmp_path / "data", configured(working, OTHER))
    write(working, GOOD)
    return tmp_path / "data"


def run_beside(folder: Path) -> None:
    config = Path("gatehouse.yaml").absolute()
    running = RunningGateway(os.getpid(), "http://127.0.0.1:7070", config)
    write_running(folder, running)


def teams(folder: Path, config: Path | None = None) -> tuple[str, list[str]]:
    told, named = names_in_force(config, folder)
    return told, [] if named is None else list(named.teams)


def hours(folder: Path, config: Path | None = None) -> int:
    return configuration_in_force(config, folder).break_glass.max_seconds // 3600


def test_without_a_gateway_the_files_count(folder):
    assert hours(folder) == 24


def test_beside_a_gateway_what_it_goes_by_counts(folder):
    run_beside(folder)
    assert hours(folder) == 5


def test_without_a_gateway_a_pin_counts(folder):
    entered(folder, configured(Path.cwd(), OTHER), is_pinned=True)
    write(Path.cwd(), GOOD)
    assert hours(folder) == 5


def test_a_file_that_is_named_counts(folder):
    run_beside(folder)
    assert hours(folder, Path("gatehouse.yaml")) == 24


def test_files_that_are_wrong_are_told(folder):
    write(Path.cwd(), GOOD + "nonsense: 1\n")
    with pytest.raises(CommandFailed, match="nonsense") as failed:
        configuration_in_force(None, folder)
    assert failed.value.code == Exit.CONFIGURATION


def test_a_team_that_is_new_in_the_files_counts_at_once(folder):
    run_beside(folder)
    write(Path.cwd(), GOOD.replace("  web:", "  new:"))
    assert teams(folder) == (str(Path("gatehouse.yaml").absolute()), ["payments", "new"])


def test_beside_a_gateway_that_refuses_its_files_the_names_are_those_it_goes_by(folder):
    run_beside(folder)
    write(Path.cwd(), REFUSED)
    told, named = teams(folder)
    assert named == ["payments", "web"]
    assert told.startswith("version ")
    assert "gatehouse.yaml is wrong" in told


def test_a_versions_names_are_as_its_files_had_them(folder):
    run_beside(folder)
    (written,) = names_in_force(Path("gatehouse.yaml"), folder)[1].models
    write(Path.cwd(), REFUSED)
    (offered,) = names_in_force(None, folder)[1].models
    assert replace(offered, display_name=None) == written


def test_without_a_gateway_files_that_are_wrong_have_the_names_they_have(folder):
    write(Path.cwd(), REFUSED)
    assert teams(folder)[1] == ["payments", "broken"]


def test_while_a_version_is_pinned_the_names_are_its_own(folder):
    entered(folder, configured(Path.cwd(), OTHER), is_pinned=True)
    write(Path.cwd(), GOOD.replace("  web:", "  new:"))
    assert teams(folder)[1] == ["payments", "web"]
    assert "pinned" in teams(folder)[0]
    run_beside(folder)
    assert teams(folder)[1] == ["payments", "web"]


def test_names_of_a_file_that_is_named_are_the_files(folder):
    run_beside(folder)
    write(Path.cwd(), REFUSED)
    assert teams(folder, Path("gatehouse.yaml"))[1] == ["payments", "broken"]


def test_where_no_gateway_has_run_there_is_no_version_to_ask_for(folder, tmp_path):
    assert teams(tmp_path / "new")[1] == ["payments", "web"]
    Path("gatehouse.yaml").unlink()
    assert names_in_force(None, tmp_path / "new") == ("the embedded default", None)


def test_a_database_that_cannot_be_read_leaves_the_files(folder, capsys):
    (folder / "gatehouse.db").write_bytes(b"no database")
    assert teams(folder)[1] == ["payments", "web"]
    assert "whether a version is pinned is not known" in capsys.readouterr().err


def test_a_folder_that_cannot_be_looked_into_leaves_the_files(folder, capsys):
    assert teams(folder / ("x" * 300))[1] == ["payments", "web"]
    assert "cannot look into the data folder" in capsys.readouterr().err


def test_what_is_asked_about_is_the_files_beside_a_gateway_that_has_some(folder):
    run_beside(folder)
    assert configuration_asked_about(None, folder).break_glass.max_seconds == 24 * 3600


def test_what_is_asked_about_beside_a_gateway_without_files_is_what_it_goes_by(folder):
    write_running(folder, RunningGateway(os.getpid(), "http://127.0.0.1:7070", None))
    assert configuration_asked_about(None, folder).break_glass.max_seconds == 5 * 3600
    named = configuration_asked_about(Path("gatehouse.yaml"), folder)
    assert named.break_glass.max_seconds == 24 * 3600


def test_what_a_gateway_without_files_found_and_is_gone_cannot_be_asked_about(tmp_path):
    open_database(tmp_path)
    write_running(tmp_path, RunningGateway(os.getpid(), "http://127.0.0.1:7070", None))
    with pytest.raises(CommandFailed, match="start it anew, or name a file") as failed:
        configuration_asked_about(None, tmp_path)
    assert failed.value.code == Exit.NOT_FOUND
