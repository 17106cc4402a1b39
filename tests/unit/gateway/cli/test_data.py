"""A data folder that cannot be used is told in one line, and never made by looking."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.audit.batch import Batch, OpenExchanges
from gateway.audit.lock import LedgerLock
from gateway.audit.record import RecordBody
from gateway.cli.exits import Exit
from gateway.store.database import open_database
from tests.fakes.ledger import a_lane_in, a_story, some_records
from tests.unit.gateway.cli.conftest import CommandLine

COMMANDS = (
    ["audit", "tail"],
    ["audit", "show", "gh-0"],
    ["audit", "search"],
    ["key", "list"],
    ["key", "revoke", "key_x"],
    ["key", "create", "--team", "default", "--user", "anna"],
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_no_gateway_has_used_is_not_made(
    command_line: CommandLine, command: list[str]
) -> None:
    ran = command_line.run(*command)
    assert (ran.code, ran.out) == (Exit.DATA, "")
    assert "no gateway has run on the data folder" in ran.err
    assert not command_line.data.exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_no_database_is_told(command_line: CommandLine, command: list[str]) -> None:
    command_line.data.mkdir()
    (command_line.data / "gatehouse.db").write_bytes(b"not a database at all" * 100)
    ran = command_line.run(*command)
    assert (ran.code, ran.out) == (Exit.DATA, "")
    assert "is not a Gatehouse database" in ran.err


def test_a_database_that_is_damaged_inside_is_told(command_line: CommandLine) -> None:
    command_line.make_folder()
    file = command_line.data / "gatehouse.db"
    pages = file.read_bytes()
    file.write_bytes(pages[:8192] + b"\xff" * (len(pages) - 8192))
    ran = command_line.run("audit", "tail")
    assert (ran.code, ran.out) == (Exit.DATA, "")
    assert "Traceback" not in ran.err


def test_the_newest_records_of_a_gateway_that_died_are_shown(command_line: CommandLine) -> None:
    command_line.make_folder()
    records = some_records()
    bodies = [a_story(records).denied() for _ in range(3)]
    die_after_writing(command_line.data, bodies)
    ran = command_line.run("audit", "tail", "--json")
    assert [each["record_id"] for each in ran.objects] == [each["record_id"] for each in bodies]
    assert command_line.run("audit", "tail", "--json").out == ran.out


def test_beside_a_running_gateway_its_journal_is_left_to_it(command_line: CommandLine) -> None:
    command_line.make_folder()
    die_after_writing(command_line.data, [a_story(some_records()).denied()])
    lock = LedgerLock(command_line.data)
    lock.acquire()
    ran = command_line.run("audit", "tail", "--json")
    lock.release()
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_a_journal_that_cannot_be_read_is_told(command_line: CommandLine) -> None:
    command_line.make_folder()
    (command_line.data / "journal").mkdir()
    (command_line.data / "journal" / "segment-001").mkdir()
    ran = command_line.run("audit", "tail", "--json")
    assert (ran.code, ran.out) == (0, "")
    assert "newest records may be missing" in ran.err


def die_after_writing(data: Path, bodies: Sequence[RecordBody]) -> None:
    """Make records durable as a gateway does, and stop before the database has them."""

    async def write() -> None:
        database = open_database(data)
        lane = a_lane_in(database, some_records())
        await lane.open()
        batch = Batch(lane.head, OpenExchanges())
        for body in bodies:
            batch.add(body)
        await lane.write(batch, None)
        await database.close()

    asyncio.run(write())


@pytest.mark.parametrize("command", COMMANDS[:5])
def test_a_folder_that_cannot_be_looked_into_is_told(
    command_line: CommandLine, command: list[str]
) -> None:
    ran = command_line.run_bare(*command, "--data", "x" * 300)
    assert (ran.code, ran.out) == (Exit.DATA, "")
    assert ran.err.startswith("gatehouse: cannot look into the data folder ")
    assert "or name another with --data" in ran.err


def test_no_key_is_made_in_a_folder_that_cannot_be_looked_into(command_line: CommandLine) -> None:
    ran = command_line.run_bare(*COMMANDS[5], "--data", "x" * 300)
    assert (ran.code, ran.out) == (Exit.DATA, "")
    assert "gatehouse: cannot look into the data folder " in ran.err
