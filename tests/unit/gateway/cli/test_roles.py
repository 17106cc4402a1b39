"""Roles are granted and taken back by name, held apart, and each change is in the ledger."""

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.roles import role_named
from gateway.roles import Role
from gateway.settings import operating_user
from tests.unit.gateway.cli.conftest import CommandLine


@pytest.fixture(autouse=True)
def _used_folder(command_line: CommandLine) -> None:
    command_line.make_folder()


def test_a_role_is_known_by_its_name() -> None:
    assert role_named("auditor") is Role.AUDITOR
    with pytest.raises(CommandFailed, match="there are: admin, developer"):
        role_named("root")


def test_a_granted_role_is_listed_until_it_is_taken_back(command_line: CommandLine) -> None:
    assert "has, by grants: auditor" in command_line.run("role", "grant", "ada", "auditor").err
    (told,) = command_line.run("role", "grant", "ada", "finance", "--json").objects
    assert told["roles"] == ["auditor", "finance"]
    (listed,) = command_line.run("role", "list", "--json").objects
    assert listed == told
    listing = command_line.run("role", "list")
    assert "auditor" in listing.out
    assert "read_ledger" in listing.err
    command_line.run("role", "revoke", "ada", "finance")
    ran = command_line.run("role", "revoke", "ada", "auditor")
    assert "nothing any more" in ran.err
    assert command_line.run("role", "list", "--json").objects == []


def test_duties_are_held_apart(command_line: CommandLine) -> None:
    command_line.run("role", "grant", "ada", "auditor")
    ran = command_line.run("role", "grant", "ada", "platform")
    assert ran.code == Exit.FAILED
    assert "would audit oneself" in ran.err


def test_a_key_counts_when_duties_are_held_apart(command_line: CommandLine) -> None:
    command_line.run("role", "grant", "ada", "auditor")
    ran = command_line.run("key", "create", "--user", "ada", "--admin")
    assert ran.code == Exit.FAILED
    assert "would audit oneself" in ran.err


def test_what_was_not_granted_is_not_taken_back(command_line: CommandLine) -> None:
    assert command_line.run("role", "revoke", "ada", "auditor").code == Exit.NOT_FOUND
    assert command_line.run("role", "revoke", "ada", "root").code == Exit.NOT_FOUND
    assert command_line.run("role", "grant", "", "auditor").code == Exit.USAGE


def test_keys_that_still_have_the_role_are_told(command_line: CommandLine) -> None:
    made = command_line.run("key", "create", "--user", "ada", "--role", "finance", "--json").objects
    command_line.run("role", "grant", "ada", "finance")
    ran = command_line.run("role", "revoke", "ada", "finance")
    assert f"gatehouse key revoke {made[0]['id']}" in ran.err


def test_the_ledger_tells_who_gave_whom_what(command_line: CommandLine) -> None:
    command_line.run("role", "grant", "ada", "finance")
    command_line.run("role", "revoke", "ada", "finance")
    printed = command_line.run("audit", "tail").out
    assert f"{operating_user()} gave ada the role finance" in printed
    assert f"{operating_user()} took the role finance from ada" in printed
    (found,) = command_line.run("audit", "search", "--kind", "role_granted", "--json").objects
    assert (found["role"], found["roles"]) == ("finance", ["finance"])
