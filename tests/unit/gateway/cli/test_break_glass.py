"""An exception is opened, approved, closed, listed and shown from the command line."""

import os
import time
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from gateway.settings import RunningGateway, operating_user, write_running
from tests.fakes.ledger_stories import Stories
from tests.unit.gateway.cli.conftest import CommandLine, Ran

CONFIGURATION = """\
vendors: { house: { kind: in_house, base_url: "${HOUSE}", wires: [openai_chat] } }
models: { coder: { targets: [house/qwen] } }
teams: { web: { models: [coder], data_class: internal, limits: { usd_per_month: 5 } } }
policy: [rules.yaml]
"""
TWO = CONFIGURATION + "break_glass: { max_hours: 8, approvers: 2 }\n"
RULES = "rules: [{ id: no-codex, effect: deny, match: { assistants: [codex] }, reason: x }]\n"
OPEN = ("break-glass", "open", "--for", "2h", "--reason", "the model is down")


@pytest.fixture(autouse=True)
def _used_folder(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEHOUSE_ADMIN_KEY", raising=False)
    command_line.make_folder()
    configure(command_line, CONFIGURATION)
    (command_line.working / "rules.yaml").write_text(RULES)


def configure(command_line: CommandLine, text: str) -> None:
    (command_line.working / "gatehouse.yaml").write_text(text)


def opened(command_line: CommandLine, *more: str) -> Ran:
    return command_line.run(*OPEN, "--rule", "no-codex", *more)


def a_key(command_line: CommandLine, name: str) -> str:
    return command_line.run("key", "create", "--admin", "--user", name).out.strip()


def test_its_id_alone_is_printed_and_what_it_is_beside(command_line: CommandLine) -> None:
    ran = opened(command_line, "--team", "web", "--user", "ann")
    assert ran.code == Exit.OK
    assert ran.out.startswith("bg_")
    assert "(open) lifts rule no-codex for team web, user ann until 20" in ran.err
    assert ran.err.strip().endswith(": the model is down")


def test_as_json_it_says_everything(command_line: CommandLine) -> None:
    (facts,) = opened(command_line, "--extra-usd", "49.90", "--model", "cod*", "--json").objects
    assert facts["state"] == "open"
    assert facts["lifts"]["rules"] == ["no-codex"]
    assert facts["lifts"]["extra_usd"] == "49.9"
    assert facts["scope"] == {"teams": [], "users": [], "assistants": [], "models": ["cod*"]}
    assert facts["proposed_by"] == {"kind": "os_user", "name": operating_user(), "key_id": None}
    assert (facts["for_seconds"], facts["opened"] < facts["until"]) == (7200, True)


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ((), Exit.USAGE, "say what to lift: --rule ID, --register vendor:NAME or --extra-usd N"),
        (("--rule", "no-code"), Exit.NOT_FOUND, "did you mean `no-codex`?"),
        (("--rule", "data_class"), Exit.NOT_FOUND, "is a rule of the gateway's own"),
        (("--register", "deepseek"), Exit.USAGE, "is neither vendor:NAME nor assistant:NAME"),
        (("--register", "vendor:x"), Exit.NOT_FOUND, "no register of vendors is kept"),
        (("--extra-usd", "much"), Exit.USAGE, "'much' is no amount of US dollars"),
        (("--extra-usd", "-5"), Exit.USAGE, "'-5' is no amount of US dollars"),
        (("--extra-usd", "NaN"), Exit.USAGE, "'NaN' is no amount of US dollars"),
        (("--rule", "no-codex", "--team", "ops"), Exit.NOT_FOUND, "no team is named ops"),
        (("--rule", "no-codex", "--model", "a b"), Exit.USAGE, "--model: is a name, or a pattern"),
        (("--rule", "no-codex", "--for", "2"), Exit.USAGE, "'2' is not a duration"),
        (
            ("--rule", "no-codex", "--reason", "a\x07"),
            Exit.USAGE,
            "--reason is one to 400 printable",
        ),
        (("--rule", "no-codex", "--for", "25h"), Exit.FAILED, "open 24 hours at most"),
    ],
)
def test_what_is_not_right_is_told_and_nothing_is_opened(
    command_line: CommandLine, options: tuple[str, ...], code: int, told: str
) -> None:
    ran = command_line.run(*OPEN, *options)
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err
    assert command_line.run("break-glass", "list", "--all", "--json").objects == []


def test_without_a_configuration_there_is_nothing_to_lift(command_line: CommandLine) -> None:
    (command_line.working / "gatehouse.yaml").unlink()
    ran = opened(command_line)
    assert ran.code == Exit.NOT_FOUND
    assert "there is no gatehouse.yaml" in ran.err


def test_what_is_open_is_listed_until_it_is_closed(command_line: CommandLine) -> None:
    glass = opened(command_line, "--team", "web").out.strip()
    assert f"{glass}  open   rule no-codex  team web" in command_line.run("break-glass", "list").out
    closed = command_line.run("break-glass", "close", glass, "--json")
    assert closed.objects[0]["state"] == "closed"
    assert command_line.run("break-glass", "list", "--json").objects == []
    listed = command_line.run("break-glass", "list", "--all", "--json").objects
    assert [each["id"] for each in listed] == [glass]


def test_it_is_closed_once(command_line: CommandLine) -> None:
    glass = opened(command_line).out.strip()
    command_line.run("break-glass", "close", glass)
    again = command_line.run("break-glass", "close", glass)
    assert (again.code, "is closed already" in again.err) == (Exit.FAILED, True)


@pytest.mark.parametrize("command", ["approve", "close", "show"])
def test_one_that_is_not_there_is_not_found(command_line: CommandLine, command: str) -> None:
    ran = command_line.run("break-glass", command, "bg_nothing")
    assert ran.code == Exit.NOT_FOUND
    assert "`gatehouse break-glass list` shows them" in ran.err


def test_where_it_takes_two_another_person_opens_it(command_line: CommandLine) -> None:
    configure(command_line, TWO)
    anna, ben = a_key(command_line, "anna"), a_key(command_line, "ben")
    proposed = opened(command_line, "--key", anna)
    glass = proposed.out.strip()
    assert f"gatehouse break-glass approve {glass} --key ..." in proposed.err
    approve = ("break-glass", "approve", glass, "--json", "--key")
    refused = command_line.run(*approve, anna)
    assert (refused.code, "another person than anna" in refused.err) == (Exit.FAILED, True)
    (facts,) = command_line.run(*approve, ben).objects
    assert (facts["state"], facts["approved_by"]["name"]) == ("open", "ben")
    shown = command_line.run("break-glass", "show", glass).out
    assert "by anna, key key_" in shown
    assert ", approved by ben, key key_" in shown


def test_the_key_may_be_in_the_environment(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEHOUSE_ADMIN_KEY", a_key(command_line, "anna"))
    (facts,) = opened(command_line, "--json").objects
    assert (facts["proposed_by"]["kind"], facts["proposed_by"]["name"]) == ("key", "anna")


def test_a_developers_key_opens_nothing_and_the_attempt_is_told(command_line: CommandLine) -> None:
    made = command_line.run("key", "create", "--user", "dev", "--team", "web")
    ran = opened(command_line, "--key", made.out.strip())
    assert ran.code == Exit.FAILED
    assert "this takes one of: admin, platform, security" in ran.err
    told = command_line.run("audit", "search", "--kind", "break_glass_refused").out
    assert "dev may not open what lifts rule no-codex for everybody: the key key_" in told


def test_the_key_itself_is_nowhere(command_line: CommandLine) -> None:
    key = a_key(command_line, "anna")
    ran = opened(command_line, "--key", key, "--json")
    told = command_line.run("audit", "tail", "--json")
    assert key not in ran.out + ran.err + told.out + told.err


def test_show_counts_what_passed_because_of_it(command_line: CommandLine) -> None:
    glass = opened(command_line).out.strip()
    stories = Stories()
    for _ in range(3):
        command_line.record(*_answered(stories, glass))
    command_line.record(*stories.answered())
    (facts,) = command_line.run("break-glass", "show", glass, "--json").objects
    assert facts["requests"] == 3
    assert [each["requests"] for each in facts["passed"]] == [3]
    ran = command_line.run("break-glass", "show", glass)
    assert "requests that passed because of it: 3" in ran.out
    assert f"gatehouse audit search --exception {glass}" in ran.err
    found = command_line.run(
        "audit", "search", "--exception", glass, "--kind", "admitted", "--json"
    )
    assert len(found.objects) == 3


def test_what_became_of_it_is_told_as_a_story(command_line: CommandLine) -> None:
    glass = opened(command_line, "--team", "web").out.strip()
    command_line.run("break-glass", "close", glass)
    story = command_line.run("audit", "show", glass).out
    assert f"{operating_user()} opened what lifts rule no-codex for team web until 20" in story
    assert f"{operating_user()} closed what lifts rule no-codex for team web" in story


def test_an_explanation_is_by_what_was_open_then(command_line: CommandLine) -> None:
    glass = opened(command_line).out.strip()
    asked = ("--team", "web", "--model", "coder", "--assistant", "codex", "--json")
    (now,) = command_line.run("policy", "explain", *asked).objects
    assert (now["effect"], now["exceptions"]) == ("warn", [glass])
    assert now["rules"][0]["lifted_by"] == [glass]
    (before,) = command_line.run("policy", "explain", *asked, "--at", "2026-01-01").objects
    assert before["effect"] == "deny"


def test_a_check_beside_a_gateway_tells_what_is_open(
    command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSE", "http://127.0.0.1:1")
    glass = opened(command_line).out.strip()
    file = command_line.working / "gatehouse.yaml"
    assert glass not in command_line.run("check", str(file)).err
    running = RunningGateway(os.getpid(), "http://127.0.0.1:7070", file)
    write_running(command_line.data, running)
    assert f"note: break-glass {glass} (open) lifts rule no-codex" in command_line.run("check").err
    assert command_line.run("check", "--json").objects[0]["break_glass"] == [glass]


def _answered(stories: Stories, glass: str) -> list[dict[str, object]]:
    bodies = stories.answered()
    bodies[0]["exceptions"] = [glass]
    bodies[0]["time_unix_us"] = bodies[-1]["time_unix_us"] = time.time_ns() // 1000
    return bodies
