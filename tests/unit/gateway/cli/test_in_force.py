"""What commands go by is what is in force: a running gateway's version, a pin, else the files."""

import asyncio
import os
from pathlib import Path

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.in_force import configuration_in_force
from gateway.configuration.build import Configuration
from gateway.settings import RunningGateway, write_running
from gateway.store.changes import Actor
from gateway.store.database import open_database
from gateway.store.versions import Versions
from tests.fakes.configurations import GOOD, configured, write

OTHER = GOOD + "break_glass: { max_hours: 5 }\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, beside a working folder with files that say otherwise by now."""
    working = tmp_path / "work"
    working.mkdir()
    monkeypatch.chdir(working)
    entered(tmp_path / "data", configured(working, OTHER))
    write(working, GOOD)
    return tmp_path / "data"


def entered(folder: Path, configuration: Configuration, *, is_pinned: bool = False) -> None:
    """The database of a gateway that went by this."""

    async def enter() -> None:
        database = open_database(folder)
        versions = Versions(database)
        await versions.enter(configuration)
        if is_pinned:
            await versions.order_at_once(configuration.digest, "why", Actor.os_user("root"))
        await database.close()

    asyncio.run(enter())


def run_beside(folder: Path) -> None:
    running = RunningGateway(os.getpid(), "http://127.0.0.1:7070", Path("gatehouse.yaml"))
    write_running(folder, running)


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
