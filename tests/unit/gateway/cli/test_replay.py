"""Recorded traffic is decided anew, and what would have come otherwise is told with its cost."""

import asyncio
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from gateway.store.database import open_database
from gateway.store.versions import Versions
from tests.fakes.configurations import configured
from tests.fakes.recorded_traffic import a_request, bodies_of
from tests.unit.gateway.cli.conftest import CommandLine
from tests.unit.gateway.cli.test_preview import CLAUDE, CODEX, IN_JUNE, TARGETS

CONFIGURATION = """
vendors:
  house: { kind: in_house, base_url: "http://127.0.0.1:8000", wires: [openai_chat] }
  deepseek: { kind: deepseek, api_key: "${KEY}", clearance: internal }
models:
  coder: { targets: [house/qwen3-coder, deepseek/deepseek-chat] }
teams:
  web: { models: [coder], data_class: internal }
  ops: { models: [coder], data_class: internal }
"""
NO_CLAUDE = "{ id: no-claude, effect: deny, reason: x, match: { assistants: [claude-code] } }"
STAY = "{ id: stay, effect: require_in_house, reason: x, match: { teams: [ops] } }"
FROM_THERE = "{ id: there, effect: deny, reason: x, match: { networks: [10.0.0.0/8] } }"


@pytest.fixture
def june(command_line: CommandLine) -> CommandLine:
    """A configuration without rules, and what was decided by it in June."""
    command_line.make_folder()
    (command_line.working / "gatehouse.yaml").write_text(CONFIGURATION)
    requests = [
        (a_request(subject="ada", assistant=CLAUDE, targets=TARGETS), 2_000_000_000),
        (a_request(subject="bob", assistant=CODEX, targets=TARGETS), 0),
        (a_request(team="ops", assistant=CODEX, targets=TARGETS[::-1]), 500_000_000),
        (a_request(kind="denied", assistant=CODEX, targets=(), rule="gone-rule"), 0),
    ]
    for number, (request, cost) in enumerate(requests):
        command_line.record(*bodies_of(request, number, cost))
    return command_line


def with_rules(june: CommandLine, *rules: str) -> str:
    """A candidate beside the configuration; its path."""
    folder = june.working / "candidate"
    folder.mkdir()
    (folder / "rules.yaml").write_text("rules:\n" + "".join(f"  - {each}\n" for each in rules))
    path = folder / "gatehouse.yaml"
    path.write_text(CONFIGURATION + "policy: [rules.yaml]\n")
    return str(path)


def test_what_would_have_been_denied_allowed_and_moved_is_told_with_its_cost(
    june: CommandLine,
) -> None:
    candidate = with_rules(june, NO_CLAUDE, STAY)
    ran = june.run("policy", "replay", *IN_JUNE, "--config", candidate)
    assert ran.code == Exit.OK
    told = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert told[0].endswith("beside what was decided then:")
    assert told[1:6] == [
        "1 as before",
        "1 allowed, would be denied: 1 user, $2.00 of spend",
        "1 denied, would be allowed",
        "1 allowed, to fewer targets",
        "1 answered elsewhere ($0.50)",
    ]
    assert "no-claude 1 0 0 0 0 0 $2.00 $0.00" in told
    assert "stay 0 0 1 0 0 0 $0.00 $0.50" in told
    assert "gone-rule 0 1 0 0 0 0 $0.00 $0.00" in told
    assert "4 exchanges in " in ran.err


def test_as_json_the_sum_comes_first_and_then_each_team_vendor_model_and_rule(
    june: CommandLine,
) -> None:
    total, *by = june.run(
        "policy", "replay", with_rules(june, NO_CLAUDE), *IN_JUNE, "--json"
    ).objects
    assert (total["exchanges"], total["same"], total["denied"], total["allowed"]) == (4, 2, 1, 1)
    assert (total["refused_nano_usd"], total["cost_nano_usd"]) == (2_000_000_000, 2_500_000_000)
    assert {(each["by"], each["name"]) for each in by} == {
        ("team", "web"),
        ("vendor", "house"),
        ("model", "coder"),
        ("rule", "no-claude"),
        ("rule", "gone-rule"),
    }


def test_what_is_not_on_record_is_not_guessed(june: CommandLine) -> None:
    candidate = with_rules(june, FROM_THERE)
    total, *_ = june.run("policy", "replay", candidate, *IN_JUNE, "--json").objects
    assert total["undecidable"] == 4
    assert total["not_decidable_because"] == {"where the caller was is not on record": 4}
    ran = june.run("policy", "replay", candidate, *IN_JUNE)
    assert "where the caller was is not on record" in ran.out


def test_two_versions_are_compared_by_what_each_makes_of_the_same_traffic(
    june: CommandLine,
) -> None:
    old = configured(june.working, CONFIGURATION.replace("${KEY}", "sk-canary-1"))
    asyncio.run(_enter(june.data, old))
    candidate = with_rules(june, NO_CLAUDE)
    ran = june.run("policy", "replay", candidate, "--against", old.digest[:8], *IN_JUNE, "--json")
    total, *_ = ran.objects
    assert (total["against"], total["same"], total["denied"]) == (old.digest, 3, 1)


def test_the_rules_of_a_day_to_come_are_tried_on_what_was(june: CommandLine) -> None:
    candidate = with_rules(june, NO_CLAUDE.replace("reason", "from: 2030-01-01, reason"))
    now, then = (
        june.run("policy", "replay", candidate, *IN_JUNE, *more, "--json").objects[0]["denied"]
        for more in ((), ("--at", "2030-01-01"))
    )
    assert (now, then) == (0, 1)


def test_nothing_of_content_or_of_keys_is_told(june: CommandLine) -> None:
    ran = june.run("policy", "replay", with_rules(june, NO_CLAUDE), *IN_JUNE, "--json")
    assert "sk-" not in ran.out


async def _enter(data: Path, configuration) -> None:  # type: ignore[no-untyped-def]
    database = open_database(data)
    await Versions(database).enter(configuration)
    await database.close()
