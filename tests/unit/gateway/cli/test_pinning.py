"""A rollback is one command, with a reason, and holds until it is ended."""

import json
import os

import pytest

from gateway.cli.exits import Exit
from gateway.settings import RunningGateway, write_running
from tests.fakes.configurations import GOOD
from tests.unit.gateway.cli.conftest import CommandLine
from tests.unit.gateway.cli.test_stored_versions import OTHER, in_force


def pinned(command_line: CommandLine) -> list[str]:
    listed = command_line.run("policy", "versions", "--json").objects
    return [each["digest"] for each in listed if each["pinned"]]


def records(command_line: CommandLine, kind: str) -> list[dict[str, object]]:
    return command_line.run("audit", "search", "--kind", kind, "--json").objects


def test_where_no_gateway_runs_the_version_before_holds_from_the_next_start_on(
    command_line: CommandLine,
) -> None:
    first, _ = in_force(command_line, GOOD, OTHER)
    ran = command_line.run("policy", "rollback", "--reason", "the limit was wrong")
    assert (ran.code, ran.out) == (Exit.OK, f"in force: version {first[:12]}\n")
    assert "No gateway runs" in ran.err
    assert "until `gatehouse policy resume`" in ran.err
    assert pinned(command_line) == [first]
    (record,) = records(command_line, "config_pinned")
    assert record["reason"] == "the limit was wrong"
    assert dict(record["actor"])["kind"] == "os_user"


def test_a_rollback_goes_to_any_version_and_another_takes_its_place(
    command_line: CommandLine,
) -> None:
    first, second = in_force(command_line, GOOD, OTHER)
    for digest in (first, second):
        ran = command_line.run("policy", "rollback", digest[:10], "--reason", "so", "--json")
        assert ran.objects[0]["digest"] == digest
        assert pinned(command_line) == [digest]


def test_the_end_of_a_rollback_is_on_record(command_line: CommandLine) -> None:
    first, second = in_force(command_line, GOOD, OTHER)
    command_line.run("policy", "rollback", "--reason", "the limit was wrong")
    ran = command_line.run("policy", "resume", "--reason", "mended")
    assert (ran.code, ran.out) == (Exit.OK, f"in force: version {second[:12]}, from the files\n")
    assert pinned(command_line) == []
    (record,) = records(command_line, "config_resumed")
    assert (record["reason"], record["digest"]) == ("mended", first)
    story = command_line.run("audit", "show", str(record["about_id"])).out
    assert "ended the pin of version" in story
    assert "mended" in story


def test_bad_files_keep_the_pin(command_line: CommandLine) -> None:
    first, _ = in_force(command_line, GOOD, OTHER)
    command_line.run("policy", "rollback", "--reason", "the limit was wrong")
    (command_line.working / "gatehouse.yaml").write_text(GOOD.replace("[coder]", "[codr]"))
    ran = command_line.run("policy", "resume")
    assert ran.code == Exit.CONFIGURATION
    assert "gatehouse.yaml:14:" in ran.err
    assert "The files are bad, so the pin holds on." in ran.err
    assert pinned(command_line) == [first]


def test_without_a_pin_there_is_nothing_to_end(command_line: CommandLine) -> None:
    in_force(command_line, GOOD)
    ran = command_line.run("policy", "resume")
    assert (ran.code, "no version is pinned" in ran.err) == (Exit.NOT_FOUND, True)


def test_without_an_earlier_version_there_is_nothing_to_roll_back_to(
    command_line: CommandLine,
) -> None:
    in_force(command_line, GOOD)
    ran = command_line.run("policy", "rollback", "--reason", "x")
    assert (ran.code, "no version was in force before" in ran.err) == (Exit.NOT_FOUND, True)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 401])
def test_a_reason_is_needed_and_bounded(command_line: CommandLine, reason: str) -> None:
    in_force(command_line, GOOD, OTHER)
    assert command_line.run("policy", "rollback", "--reason", reason).code == Exit.USAGE
    assert command_line.run("policy", "rollback").code == Exit.USAGE
    assert pinned(command_line) == []


def test_an_order_that_no_running_gateway_takes_changes_nothing(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_force(command_line, GOOD, OTHER)
    write_running(command_line.data, RunningGateway(os.getpid(), "http://127.0.0.1:1", None))
    monkeypatch.setattr("gateway.ordering.PATIENCE_SECONDS", 0.0)
    ran = command_line.run("policy", "rollback", "--reason", "x")
    assert ran.code == Exit.FAILED
    assert "nothing was changed: no gateway took it" in ran.err
    assert pinned(command_line) == []
    assert json.dumps(records(command_line, "config_refused")).count("no gateway took it") == 1
