"""Before a rule holds, the ledger says whom it will reach."""

import shutil
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from gateway.replay.recorded import RecordedAssistant
from tests.fakes.recorded_traffic import a_request, bodies_of
from tests.unit.gateway.cli.conftest import CommandLine

EXAMPLE = Path(__file__).parents[4] / "examples" / "policy"
IN_JUNE = ("--since", "2026-06-01", "--until", "2026-07-01")
TARGETS = ("house/qwen3-coder", "deepseek/deepseek-chat")

CLAUDE, OLD = (RecordedAssistant("claude-code", each) for each in ("2.1.329", "2.1.100"))
CODEX = RecordedAssistant("codex", "0.200.0")


@pytest.fixture
def june(command_line: CommandLine) -> CommandLine:
    """The shipped example, and what three teams asked in June."""
    shutil.copytree(EXAMPLE, command_line.working, dirs_exist_ok=True)
    command_line.make_folder()
    requests = [
        a_request("2026-06-02T09:00", subject="ada", assistant=CLAUDE, targets=TARGETS),
        a_request("2026-06-03T09:00", subject="ada", assistant=CLAUDE, targets=TARGETS),
        a_request("2026-06-03T09:05", subject="bob", assistant=OLD, targets=TARGETS),
        a_request("2026-06-03T09:10", subject="eve", assistant=CODEX, targets=TARGETS),
        a_request(
            "2026-06-04T09:00", subject="tom", team="team-x", assistant=CLAUDE, targets=TARGETS
        ),
    ]
    for number, each in enumerate(requests):
        command_line.record(*bodies_of(each, number))
    return command_line


def test_how_many_developers_the_tenth_of_july_hits(june: CommandLine) -> None:
    about = ("--rule", "claude-code-leaves", "--at", "2026-07-10")
    ran = june.run("policy", "preview", *IN_JUNE, *about)
    assert ran.code == Exit.OK
    lines = ran.out.splitlines()
    assert lines[0] == "claude-code-leaves (policy/leaving.yaml:11), as of 2026-07-10"
    assert "  denies: 2 users in 1 team, 3 requests on 2 days, $0.0000003" in lines
    assert "    most: ada of web (2), bob of web (1)" in lines
    assert "    with: claude-code 2.1.329 (2), claude-code 2.1.100 (1)" in lines
    assert "5 exchanges in " in ran.err


def test_as_of_the_day_itself_a_team_is_exempt_and_as_of_august_it_is_not(
    june: CommandLine,
) -> None:
    about = ("policy", "preview", *IN_JUNE, "--rule", "claude-code-leaves", "--json", "--at")
    july, august = (june.run(*about, day).objects[0] for day in ("2026-07-10", "2026-08-01"))
    told = {each["effect"]: each["users"] for each in july["effects"]}
    assert told == {"denies": 2, "exempted": 1}
    assert july["exempted_by"] == {"team-x-finishes": 1}
    assert {each["effect"]: each["users"] for each in august["effects"]} == {"denies": 3}
    assert july["effects"][0]["teams"] == {"web": 3}
    assert july["effects"][0]["top_users"][0] == {"user": "ada", "team": "web", "requests": 2}


def test_further_rules_are_counted_before_they_are_in_the_configuration(
    june: CommandLine,
) -> None:
    rule = "rules:\n  - { id: new, effect: deny, reason: x, match: { users: [eve] } }\n"
    (june.working / "new.yaml").write_text(rule)
    ran = june.run("policy", "preview", "new.yaml", *IN_JUNE, "--rule", "new", "--json")
    (told,) = ran.objects
    assert [each["users"] for each in told["effects"]] == [1]
    assert told["place"] == "new.yaml:2"


def test_a_rule_that_reaches_nobody_says_so(june: CommandLine) -> None:
    rule = "rules:\n  - { id: new, effect: deny, reason: x, match: { users: [nobody] } }\n"
    (june.working / "new.yaml").write_text(rule)
    ran = june.run("policy", "preview", "new.yaml", *IN_JUNE, "--rule", "new")
    assert ran.out.splitlines()[1] == "  reaches nobody"


def test_a_rule_that_there_is_none_of_is_not_found(june: CommandLine) -> None:
    ran = june.run("policy", "preview", "--rule", "claude-code-leave")
    assert (ran.code, "claude-code-leaves" in ran.err) == (Exit.NOT_FOUND, True)


def test_bad_rules_are_refused_with_their_line(june: CommandLine) -> None:
    (june.working / "new.yaml").write_text("rules:\n  - { id: new, effect: forbid }\n")
    ran = june.run("policy", "preview", "new.yaml")
    assert (ran.code, "new.yaml:2:" in ran.err) == (Exit.CONFIGURATION, True)
