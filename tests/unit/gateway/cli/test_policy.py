"""The rules explained, tested and compared from the command line, without any secret."""

import shutil
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from tests.fakes.ledger import a_story, some_records
from tests.fakes.ledger_stories import Stories
from tests.fakes.serving import Serving
from tests.unit.gateway.cli.conftest import CommandLine

EXAMPLE = Path(__file__).parents[4] / "examples" / "policy"
ASKED = ("--team", "web", "--model", "coder", "--assistant", "claude-code 2.1.329")


@pytest.fixture
def policy(command_line: CommandLine) -> Path:
    """The shipped example, in the working folder."""
    shutil.copytree(EXAMPLE, command_line.working, dirs_exist_ok=True)
    return command_line.working / "policy" / "leaving.yaml"


def test_a_denial_is_explained_by_rule_file_line_and_alternative(
    command_line: CommandLine, policy: Path
) -> None:
    ran = command_line.run("policy", "explain", *ASKED, "--at", "2026-07-10")
    assert ran.code == Exit.OK
    lines = ran.out.splitlines()
    assert lines[0] == "denied by claude-code-leaves (policy/leaving.yaml:11)"
    assert "  instead: use Qoder, which is" in lines


def test_an_allowance_names_the_nearest_rule_and_what_it_missed(
    command_line: CommandLine, policy: Path
) -> None:
    ran = command_line.run("policy", "explain", *ASKED, "--at", "2026-06-01")
    assert "nearest to a denial: claude-code-too-old (policy/leaving.yaml:4)" in ran.out
    assert "assistants: it wants claude-code < 2.1.200, and this is claude-code 2.1.329" in ran.out


def test_as_json_it_is_one_object(command_line: CommandLine, policy: Path) -> None:
    given = ("--class", "confidential", "--tool", "mcp__db__x", "--role", "ci", "--address", "::1")
    ran = command_line.run("policy", "explain", *ASKED, *given, "--at", "2026-06-25", "--json")
    (told,) = ran.objects
    assert (told["effect"], told["speaking"]) == ("warn", ["claude-code-leaves"])
    assert (told["targets"], told["shadow"]) == (["house/qwen3-coder"], ["no-database-tools"])


def test_a_request_of_the_ledger_is_explained(command_line: CommandLine, policy: Path) -> None:
    bodies = Stories().answered()
    command_line.make_folder()
    command_line.record(*bodies)
    audit_id = str(bodies[0]["exchange_id"])
    ran = command_line.run("policy", "explain", audit_id, "--team", "web", "--json")
    assert ran.objects[0]["effect"] in ("allow", "deny")
    assert "explained by" in ran.err


def test_a_denial_by_what_no_rule_knows_is_told_beside_the_explanation(
    command_line: CommandLine, policy: Path
) -> None:
    """Of a key's own limits, of counters and of other answers the ledger has the reason only."""
    body = a_story(some_records()).denied("key_scope")
    command_line.make_folder()
    command_line.record(body)
    given = ("--team", "web", "--model", "coder", "--json")
    ran = command_line.run("policy", "explain", str(body["exchange_id"]), *given)
    assert ran.objects[0]["effect"] == "allow"
    assert "it was denied by key_scope (not for this team): what was used" in ran.err


def test_a_request_that_is_not_in_the_ledger_is_not_found(
    command_line: CommandLine, policy: Path
) -> None:
    command_line.make_folder()
    assert command_line.run("policy", "explain", "gh-01").code == Exit.NOT_FOUND


def test_beside_a_gateway_on_the_embedded_default_that_is_explained(
    command_line: CommandLine, serving: Serving
) -> None:
    asked = ("--team", "default", "--model", "rehearsal", "--json", "--data", str(serving.data))
    ran = command_line.run_bare("policy", "explain", *asked)
    assert ran.code == Exit.OK
    assert ran.objects[0]["effect"] == "allow"
    assert ran.objects[0]["targets"] == ["rehearsal/rehearsal"]


def test_without_a_request_team_and_model_are_needed(
    command_line: CommandLine, policy: Path
) -> None:
    ran = command_line.run("policy", "explain", "--team", "web")
    assert ran.code == Exit.USAGE
    assert "--team and --model" in ran.err


def test_without_a_configuration_there_is_nothing_to_explain(command_line: CommandLine) -> None:
    assert command_line.run("policy", "test").code == Exit.NOT_FOUND


def test_the_tests_of_the_example_hold(command_line: CommandLine, policy: Path) -> None:
    ran = command_line.run("policy", "test")
    assert (ran.code, ran.out.splitlines()[0]) == (Exit.OK, "15 passed, 0 failed")


def test_a_test_that_fails_is_told_with_its_line_and_ends_with_one(
    command_line: CommandLine, policy: Path
) -> None:
    policy.write_text(policy.read_text().replace("from: 2026-07-10", "from: 2026-07-11"))
    ran = command_line.run("policy", "test")
    assert ran.code == Exit.FAILED
    assert "failed: on 10 July it is denied (policy/leaving.yaml:" in ran.out
    assert "  expected deny, got warn by claude-code-leaves" in ran.out


def test_rules_that_no_test_hits_are_named(command_line: CommandLine, policy: Path) -> None:
    rule = "  - { id: new-one, effect: warn, reason: x, match: { users: [bob] } }\ntests:"
    policy.write_text(policy.read_text().replace("tests:", rule))
    assert "hit by no test: new-one" in command_line.run("policy", "test").out
    ran = command_line.run("policy", "test", "--json")
    told = ran.objects[-1]
    assert (told["passed"], told["failed"], told["unhit"]) == (15, 0, ["new-one"])
    assert all(each["passed"] for each in ran.objects[:-1])


def test_rules_that_do_nothing_are_told_beside_the_tests(
    command_line: CommandLine, policy: Path
) -> None:
    rule = (
        "  - { id: new-one, effect: deny, reason: x, match: { users: [bob], data_up_to: public } }"
    )
    policy.write_text(policy.read_text().replace("tests:", f"{rule}\ntests:"))
    ran = command_line.run("policy", "test")
    assert ran.code == Exit.OK
    assert "new-one can never match" in ran.err
    assert "team-x-finishes has lapsed" in ran.err
    told = command_line.run("policy", "test", "--json").objects[-1]["notices"]
    assert [each for each in told if "new-one can never match" in each]


def test_bad_rules_are_refused_with_their_line(command_line: CommandLine, policy: Path) -> None:
    policy.write_text(policy.read_text().replace("effect: allow\n", "effect: alow\n", 1))
    ran = command_line.run("policy", "test")
    assert ran.code == Exit.CONFIGURATION
    assert "policy/leaving.yaml:21:" in ran.err


def test_two_versions_are_compared(command_line: CommandLine, policy: Path) -> None:
    old = EXAMPLE / "gatehouse.yaml"
    policy.write_text(policy.read_text().replace("until: 2026-08-01", "until: 2026-07-20"))
    ran = command_line.run_bare("policy", "diff", str(old), "gatehouse.yaml")
    assert ran.out.splitlines() == [
        "changed team-x-finishes: until",
        "otherwise decided: team X is neither warned nor denied in July: "
        "allow to house/qwen3-coder, deepseek/deepseek-chat before, "
        "deny by claude-code-leaves after",
    ]
    as_json = command_line.run_bare("policy", "diff", str(old), "gatehouse.yaml", "--json")
    assert as_json.objects[0] == {
        "change": "changed",
        "rule": "team-x-finishes",
        "fields": ["until"],
    }


def test_a_version_that_is_not_there_is_not_found(command_line: CommandLine, policy: Path) -> None:
    ran = command_line.run_bare("policy", "diff", "nothing.yaml", "gatehouse.yaml")
    assert ran.code == Exit.NOT_FOUND
