"""Keys are made for teams that exist, listed without themselves, and revoked for good."""

import os
import stat
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from gateway.settings import RunningGateway, write_running
from gateway.virtual_key import is_well_formed
from tests.unit.gateway.cli.conftest import CommandLine

CONFIGURATION = """
vendors:
  house: { kind: in_house, base_url: "${HOUSE}", wires: [openai_chat] }
models:
  coder: { targets: [house/qwen] }
teams:
  payments: { models: [coder], data_class: confidential }
"""


@pytest.fixture(autouse=True)
def _used_folder(command_line: CommandLine) -> None:
    command_line.make_folder()


def create(command_line: CommandLine, *options: str) -> str:
    """Make a key for team default; gives its id."""
    ran = command_line.run(
        "key", "create", "--team", "default", "--user", "anna", "--json", *options
    )
    return str(ran.objects[0]["id"])


def test_the_key_alone_is_printed_to_stdout(command_line: CommandLine) -> None:
    ran = command_line.run("key", "create", "--team", "default", "--user", "anna")
    assert ran.code == Exit.OK
    assert is_well_formed(ran.out.strip())
    assert "anna in team default" in ran.err


def test_as_json_it_comes_with_its_facts(command_line: CommandLine) -> None:
    ran = command_line.run(
        "key", "create", "--team", "default", "--user", "anna", "--expires", "90d", "--json"
    )
    (facts,) = ran.objects
    assert is_well_formed(facts["key"])
    assert facts["key_hint"].endswith(facts["key"][-4:])
    assert (facts["team"], facts["user"], facts["roles"]) == ("default", "anna", ["developer"])
    assert (facts["state"], facts["revoked"]) == ("active", None)
    assert facts["expires"] > facts["created"]


def test_a_team_that_the_embedded_default_does_not_have_is_refused(
    command_line: CommandLine,
) -> None:
    ran = command_line.run("key", "create", "--team", "web", "--user", "anna")
    assert (ran.code, ran.out) == (Exit.NOT_FOUND, "")
    assert "there is no team 'web'; the embedded default names: default" in ran.err


def test_the_running_gateways_configuration_names_the_teams(
    command_line: CommandLine, tmp_path: Path
) -> None:
    config = tmp_path / "elsewhere.yaml"
    config.write_text(CONFIGURATION)
    running = RunningGateway(os.getpid(), "http://127.0.0.1:7070", config)
    write_running(command_line.data, running)
    made = command_line.run("key", "create", "--team", "payments", "--user", "anna")
    refused = command_line.run("key", "create", "--team", "default", "--user", "anna")
    assert (made.code, refused.code) == (Exit.OK, Exit.NOT_FOUND)
    assert "names: payments" in refused.err


def test_without_a_team_those_there_are_are_named(command_line: CommandLine) -> None:
    (command_line.working / "gatehouse.yaml").write_text(CONFIGURATION)
    ran = command_line.run("key", "create", "--user", "anna")
    assert ran.code == Exit.USAGE
    assert "there are: payments" in ran.err


def test_a_wrong_configuration_is_told_by_line(command_line: CommandLine) -> None:
    (command_line.working / "gatehouse.yaml").write_text("teams: {web: 1}\nteams: {}\n")
    ran = command_line.run("key", "create", "--team", "web", "--user", "anna")
    assert ran.code == Exit.CONFIGURATION
    assert "gatehouse.yaml:2:1" in ran.err


def test_an_administrators_key_needs_no_team_and_takes_none(command_line: CommandLine) -> None:
    made = command_line.run("key", "create", "--admin", "--user", "root", "--json")
    refused = command_line.run("key", "create", "--admin", "--user", "root", "--team", "default")
    assert made.objects[0]["roles"] == ["admin"]
    assert refused.code == Exit.USAGE


@pytest.mark.parametrize(
    "options",
    [
        ["--expires", "soon"],
        ["--expires", "999999w"],
        ["--user", ""],
        ["--user", "a\nb"],
        ["--user", "x" * 201],
    ],
)
def test_what_no_key_can_have_is_a_usage_error(
    command_line: CommandLine, options: list[str]
) -> None:
    ran = command_line.run("key", "create", "--team", "default", "--user", "anna", *options)
    assert (ran.code, ran.out) == (Exit.USAGE, "")


def test_a_list_never_holds_a_key(command_line: CommandLine) -> None:
    made = command_line.run("key", "create", "--team", "default", "--user", "anna")
    key = made.out.strip()
    table, objects = command_line.run("key", "list"), command_line.run("key", "list", "--json")
    assert "anna" in table.out
    assert key not in table.out + objects.out
    assert "key" not in objects.objects[0]


def test_a_revoked_key_stays_in_the_list_as_revoked(command_line: CommandLine) -> None:
    key_id = create(command_line)
    revoked = command_line.run("key", "revoke", key_id, "--json")
    (listed,) = command_line.run("key", "list", "--json").objects
    assert revoked.code == Exit.OK
    assert listed["state"] == revoked.objects[0]["state"] == "revoked"
    assert listed["revoked"] is not None


def test_revoking_twice_is_no_error(command_line: CommandLine) -> None:
    key_id = create(command_line)
    command_line.run("key", "revoke", key_id)
    assert command_line.run("key", "revoke", key_id).code == Exit.OK


def test_revoking_an_unknown_key_says_where_the_ids_are(command_line: CommandLine) -> None:
    ran = command_line.run("key", "revoke", "key_none")
    assert ran.code == Exit.NOT_FOUND
    assert "gatehouse key list" in ran.err


def test_an_open_pepper_is_told(command_line: CommandLine) -> None:
    create(command_line)
    pepper = command_line.data / "pepper"
    pepper.chmod(stat.S_IRUSR | stat.S_IROTH)
    ran = command_line.run("key", "create", "--team", "default", "--user", "anna")
    assert ran.code == Exit.DATA
    assert "chmod 600" in ran.err
