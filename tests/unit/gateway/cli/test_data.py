"""A data folder that cannot be used is told in one line, and never made by looking."""

import pytest

from gateway.cli.exits import Exit
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
