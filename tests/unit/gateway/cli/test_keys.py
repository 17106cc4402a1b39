"""Keys are made for teams that exist, listed without themselves, and revoked for good."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.exits import Exit
from gateway.settings import RunningGateway, operating_user, write_running
from gateway.virtual_key import is_well_formed
from tests.fakes.configurations import configured, write
from tests.unit.gateway.cli.conftest import CommandLine, entered

CONFIGURATION = """
vendors:
  house: { kind: in_house, base_url: "${HOUSE}", wires: [openai_chat] }
models:
  coder: { targets: [house/qwen], aliases: [claude-a] }
  other: { targets: [house/other] }
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


def test_beside_a_gateway_that_refuses_its_file_the_teams_are_those_in_force(
    command_line: CommandLine,
) -> None:
    usable = CONFIGURATION.replace("${HOUSE}", "http://127.0.0.1:8000")
    entered(command_line.data, configured(command_line.working, usable))
    broken = usable.replace("payments: { models: [coder]", "broken: { models: [codr]")
    config = write(command_line.working, broken)
    running = RunningGateway(os.getpid(), "http://127.0.0.1:7070", config)
    write_running(command_line.data, running)
    made = command_line.run("key", "create", "--team", "payments", "--user", "anna")
    refused = command_line.run("key", "create", "--team", "broken", "--user", "anna")
    assert (made.code, refused.code, refused.out) == (Exit.OK, Exit.NOT_FOUND, "")
    assert f"while {config} is wrong) names: payments" in refused.err


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


def records(command_line: CommandLine) -> list[dict[str, Any]]:
    """What the ledger says, oldest first."""
    return command_line.run("audit", "tail", "--json").objects


def test_a_service_has_a_key_of_its_own_kind(command_line: CommandLine) -> None:
    ran = command_line.run("key", "create", "--team", "default", "--service", "ci-build", "--json")
    (facts,) = ran.objects
    assert (facts["user"], facts["kind"]) == ("ci-build", "service")
    assert "service" in command_line.run("key", "list").out
    (record,) = records(command_line)
    assert (record["subject"], record["identity_kind"]) == ("ci-build", "service")


@pytest.mark.parametrize("whose", [[], ["--user", "anna", "--service", "ci"]])
def test_a_key_is_a_persons_or_a_services(command_line: CommandLine, whose: list[str]) -> None:
    ran = command_line.run("key", "create", "--team", "default", *whose)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "--service" in ran.err


def test_a_key_may_be_limited_to_models_and_networks(command_line: CommandLine) -> None:
    (command_line.working / "gatehouse.yaml").write_text(CONFIGURATION)
    limits = ["--model", "coder", "--network", "10.0.0.0/8", "--network", "2001:db8::/32"]
    whose = ["--team", "payments", "--user", "anna"]
    made = command_line.run("key", "create", *whose, *limits, "--json")
    assert made.objects[0]["models"] == ["coder"]
    assert made.objects[0]["networks"] == ["10.0.0.0/8", "2001:db8::/32"]
    assert "coder, 10.0.0.0/8" in command_line.run("key", "list").out


@pytest.mark.parametrize(
    ("limit", "code", "said"),
    [
        (["--model", "other"], Exit.NOT_FOUND, "it has: coder"),
        (["--model", "claude-a"], Exit.USAGE, "another name of 'coder'"),
        (["--network", "10.0.0.1/8"], Exit.USAGE, "host bits"),
        (["--network", "home"], Exit.USAGE, "IPv4 or IPv6"),
    ],
)
def test_a_limit_that_limits_nothing_there_is_is_refused(
    command_line: CommandLine, limit: list[str], code: Exit, said: str
) -> None:
    (command_line.working / "gatehouse.yaml").write_text(CONFIGURATION)
    ran = command_line.run("key", "create", "--team", "payments", "--user", "anna", *limit)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_an_administrators_key_is_not_limited(command_line: CommandLine) -> None:
    ran = command_line.run("key", "create", "--admin", "--user", "root", "--model", "coder")
    assert ran.code == Exit.USAGE


def test_a_rotated_keys_successor_is_like_it_and_shown_once(command_line: CommandLine) -> None:
    (command_line.working / "gatehouse.yaml").write_text(CONFIGURATION)
    like = ["--team", "payments", "--service", "ci", "--network", "10.0.0.0/8"]
    (first,) = command_line.run("key", "create", *like, "--expires", "90d", "--json").objects
    rotated = command_line.run("key", "rotate", first["id"], "--json")
    new, old = rotated.objects
    assert is_well_formed(new["key"])
    assert new["key"] != first["key"]
    alike = ("team", "user", "kind", "roles", "models", "networks")
    assert [new[name] for name in alike] == [first[name] for name in alike]
    assert (new["predecessor"], old["successor"]) == (first["id"], new["id"])
    assert old["expires"] < first["expires"] <= new["expires"]
    assert (old["state"], new["state"]) == ("active", "active")


def test_a_rotation_prints_the_new_key_alone_to_stdout(command_line: CommandLine) -> None:
    key_id = create(command_line)
    ran = command_line.run("key", "rotate", key_id, "--overlap", "1h")
    assert is_well_formed(ran.out.strip())
    assert f"in place of {key_id}, which holds on until 20" in ran.err
    listed = command_line.run("key", "list").out
    assert "replaced by key_" in listed
    assert ran.out.strip() not in listed


def test_a_key_is_rotated_once(command_line: CommandLine) -> None:
    key_id = create(command_line)
    command_line.run("key", "rotate", key_id)
    again = command_line.run("key", "rotate", key_id)
    assert (again.code, again.out) == (Exit.FAILED, "")
    assert "was replaced before" in again.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["key_none"], Exit.NOT_FOUND), (["key_none", "--overlap", "soon"], Exit.USAGE)],
)
def test_a_rotation_that_cannot_be_is_refused(
    command_line: CommandLine, arguments: list[str], code: Exit
) -> None:
    assert command_line.run("key", "rotate", *arguments).code == code


def test_all_keys_of_a_leaver_are_revoked_in_one_step(command_line: CommandLine) -> None:
    made = {create(command_line), create(command_line)}
    service = create(command_line, "--expires", "1d")
    command_line.run("key", "rotate", service)
    ran = command_line.run("key", "revoke", "--user", "anna", "--json")
    assert made < {each["id"] for each in ran.objects}
    assert {each["state"] for each in command_line.run("key", "list", "--json").objects} == {
        "revoked"
    }


def test_a_service_is_revoked_by_its_name(command_line: CommandLine) -> None:
    command_line.run("key", "create", "--team", "default", "--service", "ci")
    create(command_line)
    assert command_line.run("key", "revoke", "--service", "ci").code == Exit.OK
    states = [each["state"] for each in command_line.run("key", "list", "--json").objects]
    assert states == ["revoked", "active"]


@pytest.mark.parametrize(
    "which", [[], ["key_a", "--user", "anna"], ["--user", "", "--service", ""]]
)
def test_a_revocation_says_which_in_one_way(command_line: CommandLine, which: list[str]) -> None:
    assert command_line.run("key", "revoke", *which).code == Exit.USAGE


@pytest.mark.parametrize("which", [["--user", "bob"], ["--user", ""], ["--service", "anna"]])
def test_revoking_for_somebody_without_keys_is_told(
    command_line: CommandLine, which: list[str]
) -> None:
    create(command_line)
    assert command_line.run("key", "revoke", *which).code == Exit.NOT_FOUND


def test_every_change_is_in_the_ledger_with_who_made_it(command_line: CommandLine) -> None:
    key_id = create(command_line)
    command_line.run("key", "rotate", key_id)
    command_line.run("key", "revoke", key_id)
    told = records(command_line)
    kinds = ["key_created", "key_created", "key_rotated", "key_revoked"]
    assert [each["kind"] for each in told] == kinds
    assert {each["actor"]["name"] for each in told} == {operating_user()}
    printed = command_line.run("audit", "tail").out
    assert f"{operating_user()} revoked the key of anna of default" in printed
    story = command_line.run("audit", "show", key_id).out
    assert "rotated" in story
    assert "revoked" in story
