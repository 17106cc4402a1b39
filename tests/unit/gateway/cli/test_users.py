"""People are blocked and freed by name, and both is in the ledger with who did it."""

import pytest

from gateway.cli.exits import Exit
from gateway.settings import operating_user
from tests.unit.gateway.cli.conftest import CommandLine


@pytest.fixture(autouse=True)
def _used_folder(command_line: CommandLine) -> None:
    command_line.make_folder()


def test_a_block_is_listed_until_it_is_ended(command_line: CommandLine) -> None:
    ran = command_line.run("user", "block", "ada")
    assert ran.code == Exit.OK
    assert "person ada is blocked" in ran.err
    (listed,) = command_line.run("user", "list", "--json").objects
    assert (listed["user"], listed["kind"], listed["roles"]) == ("ada", "person", [])
    assert listed["blocked"]
    assert "ada" in command_line.run("user", "list").out
    assert "is not blocked" in command_line.run("user", "unblock", "ada").err
    assert command_line.run("user", "list", "--json").objects == []


def test_a_service_is_blocked_as_one(command_line: CommandLine) -> None:
    (told,) = command_line.run("user", "block", "ci", "--service", "--json").objects
    assert told["kind"] == "service"
    (free,) = command_line.run("user", "unblock", "ci", "--service", "--json").objects
    assert free["blocked"] is None


def test_what_is_no_name_is_refused(command_line: CommandLine) -> None:
    assert command_line.run("user", "block", "").code == Exit.USAGE


def test_no_key_is_made_for_who_is_blocked(command_line: CommandLine) -> None:
    command_line.run("user", "block", "ada")
    ran = command_line.run("key", "create", "--team", "default", "--user", "ada")
    assert ran.code == Exit.FAILED
    assert "gatehouse user unblock" in ran.err


def test_the_ledger_tells_who_blocked_whom(command_line: CommandLine) -> None:
    command_line.run("user", "block", "ada")
    command_line.run("user", "unblock", "ada")
    printed = command_line.run("audit", "tail").out
    assert f"{operating_user()} blocked ada" in printed
    found = command_line.run("audit", "search", "--kind", "user_blocked", "--json").objects
    story = command_line.run("audit", "show", found[0]["about_id"]).out
    assert f"{operating_user()} ended the block of ada" in story
