"""A change of policy that takes two people: proposed, listed, approved, refused, each by a key."""

import os

import pytest

from gateway.cli.exits import Exit
from gateway.settings import RunningGateway, write_running
from tests.fakes.configurations import GOOD
from tests.unit.gateway.cli.conftest import CommandLine, Ran
from tests.unit.gateway.cli.test_stored_versions import in_force

TWO = f"{GOOD}policy_changes: {{ approvers: 2 }}\n"
OTHER = TWO.replace("parallel: 40", "parallel: 41")


@pytest.fixture(autouse=True)
def _used_folder(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEHOUSE_ADMIN_KEY", raising=False)
    monkeypatch.setattr("gateway.cli.proposing.PATIENCE_SECONDS", 0.0)
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-canary-5e1f")
    in_force(command_line, GOOD, TWO)
    (command_line.working / "gatehouse.yaml").write_text(OTHER)


def a_key(command_line: CommandLine, name: str, role: str) -> str:
    return command_line.run("key", "create", "--role", role, "--user", name).out.strip()


def proposed(command_line: CommandLine) -> str:
    key = a_key(command_line, "pia", "platform")
    ran = command_line.run("policy", "propose", "--reason", "more room", "--key", key, "--json")
    assert ran.code == Exit.OK, ran.err
    return str(ran.objects[0]["id"])


def approve(command_line: CommandLine, name: str, key: str) -> Ran:
    return command_line.run("policy", "approve", name, "--reason", "agreed", "--key", key)


def test_who_proposes_is_told_what_it_changes_and_what_is_missing(
    command_line: CommandLine,
) -> None:
    key = a_key(command_line, "pia", "platform")
    ran = command_line.run("policy", "propose", "--reason", "more room", "--key", key)
    (listed,) = command_line.run("policy", "proposals", "--json").objects
    assert ran.out == f"{listed['id']}: version {str(listed['digest'])[:12]}\n"
    assert "changed teams.web.limits.parallel: 40 before, 41 after" in ran.err
    assert f"1 more to approve it: gatehouse policy approve {listed['id']}" in ran.err
    (person,) = listed["people"]
    assert (person["name"], person["as"], person["reason"]) == ("pia", "proposed", "more room")
    assert (listed["state"], listed["missing"], listed["in_the_files"]) == ("waiting", 1, False)
    table = command_line.run("policy", "proposals").out
    assert "pia (proposed)" in table


def test_one_who_may_not_and_one_who_does(command_line: CommandLine) -> None:
    name = proposed(command_line)
    pete, sam = (a_key(command_line, *each) for each in (("pete", "platform"), ("sam", "security")))
    ran = approve(command_line, name, pete)
    assert (ran.code, "takes one of: admin, security" in ran.err) == (Exit.FAILED, True)
    ran = command_line.run("policy", "approve", name, "--reason", "agreed")
    assert (ran.code, "give yours with --key" in ran.err) == (Exit.FAILED, True)
    ran = approve(command_line, name, sam)
    assert ran.code == Exit.OK, ran.err
    assert "it is approved, and comes into force when the files say so" in ran.err
    assert approve(command_line, name, sam).code == Exit.FAILED
    told = command_line.run("audit", "show", name).out
    assert "pia proposed version" in told
    assert "pete may not approve version" in told
    assert "sam approved version" in told
    assert sam not in told + ran.out + ran.err


def test_what_waits_already_can_be_somebodys_own(command_line: CommandLine) -> None:
    name = proposed(command_line)
    sam = a_key(command_line, "sam", "security")
    ran = command_line.run("policy", "propose", name, "--reason", "ours", "--key", sam)
    assert (ran.code, "1 more to approve it" in ran.err) == (Exit.OK, True)


def test_to_refuse_takes_one_person_and_ends_it(command_line: CommandLine) -> None:
    name = proposed(command_line)
    ran = command_line.run("policy", "refuse", name, "--reason", "not on a Friday")
    assert (ran.code, ran.out.startswith(f"refused: {name}")) == (Exit.OK, True)
    assert command_line.run("policy", "proposals", "--json").objects == []
    ran = approve(command_line, name, a_key(command_line, "sam", "security"))
    assert (ran.code, "is refused (not on a Friday)" in ran.err) == (Exit.FAILED, True)
    told = command_line.run("audit", "show", name).out
    assert "is refused by" in told
    assert "not on a Friday" in told


def test_what_was_replaced_meanwhile_is_told_so(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = proposed(command_line)
    sam = a_key(command_line, "sam", "security")
    in_force(command_line, TWO.replace("4317", "4318"))
    ran = approve(command_line, name, sam)
    assert (ran.code, f"{name} is replaced" in ran.err) == (Exit.FAILED, True)


@pytest.mark.parametrize("name", ["pc_aaaaaaaaaaaa", "0123", "x"])
def test_what_does_not_wait_is_not_found(command_line: CommandLine, name: str) -> None:
    ran = approve(command_line, name, a_key(command_line, "sam", "security"))
    assert ran.code == Exit.NOT_FOUND


def test_a_change_that_waits_is_shown_and_compared(command_line: CommandLine) -> None:
    name = proposed(command_line)
    (command_line.working / "gatehouse.yaml").write_text(TWO)
    assert "parallel: 41" in command_line.run("policy", "show", name).out
    ran = command_line.run("policy", "diff", "gatehouse.yaml", name)
    assert "changed teams.web.limits.parallel: 40 before, 41 after" in ran.out


def test_check_and_versions_say_that_it_waits(command_line: CommandLine) -> None:
    name = proposed(command_line)
    for command in (("check",), ("policy", "versions")):
        assert (
            f"1 more to approve it: gatehouse policy approve {name}"
            in command_line.run(*command).err
        )
    (summary,) = command_line.run("check", "--json").objects
    assert [name in each for each in summary["waiting"]] == [True]


def test_a_rollback_without_a_gateway_takes_two_people_too(command_line: CommandLine) -> None:
    rollback = ("policy", "rollback", "previous", "--reason", "too strict")
    ran = command_line.run(*rollback)
    assert (ran.code, "then order it again" in ran.err) == (Exit.FAILED, True)
    (waiting,) = command_line.run("policy", "proposals", "--json").objects
    assert waiting["missing"] == 2
    for name in ("sam", "sue"):
        approve(command_line, str(waiting["id"]), a_key(command_line, name, "security"))
    assert command_line.run(*rollback).code == Exit.OK
    pinned = [each["pinned"] for each in command_line.run("policy", "versions", "--json").objects]
    assert pinned == [False, True]


def test_files_that_change_no_policy_need_nobody(command_line: CommandLine) -> None:
    (command_line.working / "gatehouse.yaml").write_text(TWO.replace("4317", "4318"))
    key = a_key(command_line, "pia", "platform")
    ran = command_line.run("policy", "propose", "--reason", "so", "--key", key)
    assert (ran.code, "change no policy" in ran.err) == (Exit.FAILED, True)


def test_what_the_running_gateway_does_not_take_is_told(command_line: CommandLine) -> None:
    name = proposed(command_line)
    write_running(command_line.data, RunningGateway(os.getpid(), "http://127.0.0.1:1", None))
    ran = approve(command_line, name, a_key(command_line, "sam", "security"))
    assert "comes into force when the files say so" in ran.err
