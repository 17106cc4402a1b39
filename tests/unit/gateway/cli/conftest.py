"""A data folder as a gateway leaves it, and the command line, run in this process."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.audit.record import RecordBody
from gateway.audit.writer import LedgerWriter
from gateway.cli import run
from gateway.cli.server import KEY_FILE_VARIABLE, KEY_VARIABLE, URL_VARIABLE
from gateway.configuration.build import Configuration
from gateway.store.changes import Actor
from gateway.store.database import open_database
from gateway.store.versions import Versions
from tests.fakes.ledger import a_lane_in
from tests.fakes.ledger_stories import Stories
from tests.fakes.serving import Serving, serving_gateway


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """What `--json` printed."""
        return [json.loads(line) for line in self.out.splitlines()]


class CommandLine:
    """Types commands for a data folder, in an empty working folder."""

    def __init__(self, data: Path, working: Path, shown: pytest.CaptureFixture[str]) -> None:
        self.data = data
        self.working = working
        self._shown = shown

    def run(self, *arguments: str) -> Ran:
        """Run one command on the data folder."""
        return self.run_bare(*arguments, "--data", str(self.data))

    def run_bare(self, *arguments: str) -> Ran:
        """Run one command as it is."""
        code = run(arguments)
        shown = self._shown.readouterr()
        return Ran(code, shown.out, shown.err)

    def make_folder(self) -> None:
        """As after a first start."""
        open_database(self.data)

    def record(self, *bodies: RecordBody) -> None:
        """Write to the ledger, as a gateway does while we look."""
        asyncio.run(_record(self.data, bodies))


def entered(folder: Path, configuration: Configuration, *, is_pinned: bool = False) -> None:
    """A data folder whose gateway goes by this, or went."""

    async def enter() -> None:
        database = open_database(folder)
        versions = Versions(database)
        await versions.enter(configuration)
        if is_pinned:
            await versions.order_at_once(configuration.digest, "why", Actor.os_user("root"))
        await database.close()

    asyncio.run(enter())


@pytest.fixture
def command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    working = tmp_path / "work"
    working.mkdir()
    monkeypatch.chdir(working)
    for variable in ("GATEHOUSE_DATA", URL_VARIABLE, KEY_VARIABLE, KEY_FILE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    handlers, level = logging.root.handlers[:], logging.root.level
    yield CommandLine(tmp_path / "data", working, capsys)
    logging.root.handlers[:], logging.root.level = handlers, level  # `up` sets its own


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A gateway that serves, with an administrator's key."""
    with serving_gateway(tmp_path_factory.mktemp("gateway")) as serving:
        yield serving


@pytest.fixture
def remote(
    serving: Serving, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """Types commands (`run_bare`) that the admin API of that gateway is asked by."""
    monkeypatch.setenv(URL_VARIABLE, serving.admin_url)
    monkeypatch.setenv(KEY_VARIABLE, serving.admin_key)
    return command_line


async def _record(data: Path, bodies: tuple[RecordBody, ...]) -> None:
    records = Stories(seed=len(bodies)).records
    database = open_database(data)
    writer = LedgerWriter(a_lane_in(database, records), records)
    await writer.start()
    for body in bodies:
        await writer.append(body)
    await writer.close()
    await database.close()
