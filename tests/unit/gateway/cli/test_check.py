"""A configuration is right, or each error has its place."""

import os

import pytest

from gateway.cli.exits import Exit
from gateway.settings import RunningGateway, write_running
from tests.unit.gateway.cli.conftest import CommandLine

RIGHT = """
vendors:
  house: { kind: in_house, base_url: "http://127.0.0.1:8000", wires: [openai_chat] }
models:
  coder: { targets: [house/qwen] }
teams:
  payments: { models: [coder], data_class: confidential }
"""
WRONG = RIGHT.replace("confidential", "secretive").replace("[coder]", "[codr]")


def test_a_right_configuration_is_summed_up(command_line: CommandLine) -> None:
    (command_line.working / "gatehouse.yaml").write_text(RIGHT)
    ran = command_line.run("check")
    assert ran.code == Exit.OK
    assert "is right: vendors 1, models 1, teams 1" in ran.out
    assert "the developer key belongs to team payments" in ran.err


def test_as_json_it_is_one_object(command_line: CommandLine) -> None:
    (command_line.working / "gatehouse.yaml").write_text(RIGHT)
    (summary,) = command_line.run("check", "--json").objects
    assert summary["teams"] == ["payments"]
    assert summary["models"] == ["coder"]
    assert len(summary["digest"]) == 64


def test_each_error_is_a_line_with_its_place(command_line: CommandLine) -> None:
    file = command_line.working / "other.yaml"
    file.write_text(WRONG)
    ran = command_line.run("check", str(file))
    assert ran.code == Exit.CONFIGURATION
    assert f"{file}:7:" in ran.out
    assert ran.err == ""


def test_each_error_is_an_object_as_json(command_line: CommandLine) -> None:
    (command_line.working / "gatehouse.yaml").write_text(WRONG)
    ran = command_line.run("check", "--json")
    assert ran.code == Exit.CONFIGURATION
    assert {each["line"] for each in ran.objects} == {7}
    assert {"file", "line", "column", "path", "message"} == set(ran.objects[0])


def test_rules_are_counted_and_what_they_need_is_noted(command_line: CommandLine) -> None:
    rules = (
        "rules:\n"
        "  - { id: old, effect: deny, reason: x, match: { users: [bob] }, until: 2020-01-01 }\n"
    )
    (command_line.working / "rules.yaml").write_text(rules)
    (command_line.working / "gatehouse.yaml").write_text(RIGHT + "policy: [rules.yaml]\n")
    ran = command_line.run("check")
    assert "teams 1, rules 1" in ran.out
    assert "note: rules.yaml:2: old has lapsed (until 2020-01-01)" in ran.err
    (summary,) = command_line.run("check", "--json").objects
    assert summary["rules"] == ["old"]
    assert any("old has lapsed" in each for each in summary["notices"])


def test_an_error_in_a_rule_names_the_rules_file(command_line: CommandLine) -> None:
    (command_line.working / "rules.yaml").write_text("rules:\n  - { id: r, effect: mask }\n")
    (command_line.working / "gatehouse.yaml").write_text(RIGHT + "policy: [rules.yaml]\n")
    (error,) = command_line.run("check", "--json").objects
    assert (error["file"].rpartition("/")[2], error["line"]) == ("rules.yaml", 2)


def test_a_file_is_found_beside_a_gateway_that_runs_without_one(command_line: CommandLine) -> None:
    command_line.make_folder()
    without_file = RunningGateway(os.getpid(), "http://127.0.0.1:7070", None)
    write_running(command_line.data, without_file)
    (command_line.working / "gatehouse.yaml").write_text(RIGHT)
    assert command_line.run("check").code == Exit.OK


def test_nothing_to_check_is_told(command_line: CommandLine) -> None:
    ran = command_line.run("check")
    assert ran.code == Exit.NOT_FOUND
    assert "name the file to check" in ran.err


def test_a_file_that_is_not_there_is_told(command_line: CommandLine) -> None:
    assert command_line.run("check", "absent.yaml").code == Exit.NOT_FOUND


def test_a_secret_in_the_environment_is_not_printed(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSE", "canary-secret")
    file = command_line.working / "gatehouse.yaml"
    file.write_text(RIGHT.replace("http://127.0.0.1:8000", "${HOUSE}"))
    ran = command_line.run("check")
    assert ran.code == Exit.CONFIGURATION
    assert "canary-secret" not in ran.out + ran.err


def test_a_file_that_is_passed_over_for_its_name_is_told(command_line: CommandLine) -> None:
    misnamed = command_line.working / "gatehouse.yml"
    misnamed.write_text(RIGHT)
    ran = command_line.run("check")
    assert ran.code == Exit.NOT_FOUND
    assert ran.err.startswith(f"note: {misnamed} is passed over for its name")
    named = command_line.run("check", "gatehouse.yml")
    assert named.code == Exit.OK
    assert "passed over" not in named.err
