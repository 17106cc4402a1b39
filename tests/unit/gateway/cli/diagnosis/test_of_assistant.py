"""What an assistant's files, this shell and this project say is held against the gateway."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.cli.assistants.aider import AIDER
from gateway.cli.assistants.base import Assistant
from gateway.cli.assistants.claude_code import CLAUDE_CODE
from gateway.cli.assistants.cline import CLINE
from gateway.cli.assistants.codex import CODEX
from gateway.cli.assistants.gemini_cli import GEMINI_CLI
from gateway.cli.assistants.opencode import OPENCODE
from gateway.cli.assistants.vscode import VSCODE
from gateway.cli.diagnosis.finding import Finding, Verdict
from gateway.cli.diagnosis.of_assistant import (
    examine_kept,
    examine_settings,
    examine_surroundings,
    examine_version,
    explain,
    own_connection,
)
from tests.unit.gateway.cli.assistants.conftest import KEY, ROOT, Desk

SET = {"GATEHOUSE_KEY": KEY}


def settings(desk: Desk, assistant: Assistant, root: str = ROOT) -> list[Finding]:
    connection = own_connection(assistant, desk.home, root, "coder")
    return list(examine_settings(assistant, desk.home, connection))


def verdicts(found: list[Finding]) -> set[Verdict]:
    return {each.verdict for each in found}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, SET)


@pytest.mark.parametrize("assistant", [CLAUDE_CODE, CODEX, OPENCODE, GEMINI_CLI, VSCODE])
@pytest.mark.parametrize("literal", [True, False])
def test_what_connecting_wrote_is_found_well(
    desk: Desk, assistant: Assistant, literal: bool
) -> None:
    desk.connect(assistant, literal=literal)
    assert verdicts(settings(desk, assistant)) == {Verdict.OK}


@pytest.mark.parametrize("assistant", [CLAUDE_CODE, CODEX, OPENCODE])
@pytest.mark.parametrize("literal", [True, False])
def test_the_assistants_own_key_is_the_one_that_is_tried(
    desk: Desk, assistant: Assistant, literal: bool
) -> None:
    desk.connect(assistant, literal=literal)
    key = own_connection(assistant, desk.home, ROOT, "coder").key
    assert (key.secret, key.is_in_environment) == (KEY, not literal)


def test_a_vendors_own_key_is_not_taken_for_ours(desk: Desk) -> None:
    file = desk.home.folder / ".gemini" / ".env"
    file.parent.mkdir()
    file.write_text("GEMINI_API_KEY=AIzaSyNotAGatewaysKey0000000000000000\n")
    key = own_connection(GEMINI_CLI, desk.home, ROOT, "coder").key
    assert (key.secret, key.is_in_environment) == (KEY, True)


def test_settings_that_point_elsewhere_are_named_with_where(desk: Desk) -> None:
    desk.connect(CLAUDE_CODE)
    found = settings(desk, CLAUDE_CODE, "http://127.0.0.1:9999")
    assert f"env.ANTHROPIC_BASE_URL is {ROOT}" in found[0].text
    assert "gatehouse connect claude-code" in found[0].text


def test_a_switch_that_was_turned_back_is_named(desk: Desk) -> None:
    desk.connect(CODEX)
    desk.holds(".codex/config.toml", desk.says(".codex/config.toml").replace("false", "true"))
    text = settings(desk, CODEX)[0].text
    assert "analytics.enabled says something else" in text


def test_what_is_left_as_its_user_wants_it_is_said_with_what_it_costs(desk: Desk) -> None:
    connection = own_connection(CODEX, desk.home, ROOT, "coder")
    assert list(examine_kept(CODEX, desk.home, connection)) == []
    desk.connect(CODEX)
    assert list(examine_kept(CODEX, desk.home, connection)) == []
    config = desk.says(".codex/config.toml").replace("disabled", "live")
    desk.holds(".codex/config.toml", config)
    (found,) = examine_kept(CODEX, desk.home, connection)
    assert found.verdict is Verdict.NOTE
    assert "has a web_search of yours: a model behind translation refuses" in found.text
    assert verdicts(settings(desk, CODEX)) == {Verdict.OK}


def test_files_that_are_not_there_or_not_readable_are_problems(desk: Desk) -> None:
    assert "it is not there" in settings(desk, CODEX)[0].text
    desk.holds(".codex/config.toml", "a = ")
    assert verdicts(settings(desk, CODEX)) >= {Verdict.PROBLEM}


def test_a_variable_that_settings_refer_to_must_be_set(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.connect(CODEX)
    assert "not set in this shell" in settings(desk, CODEX)[-1].text


def test_no_value_of_a_key_is_told(desk: Desk) -> None:
    desk.connect(AIDER)
    desk.holds(".aider.conf.yml", desk.says(".aider.conf.yml").replace(KEY, "gth_OTHER"))
    told = " ".join(each.text for each in settings(desk, AIDER))
    assert "gth_" not in told


def test_an_assistant_of_a_window_cannot_be_looked_into(desk: Desk) -> None:
    assert verdicts(settings(desk, CLINE)) == {Verdict.NOTE}


def surroundings(desk: Desk, assistant: Assistant, project: Path) -> list[Finding]:
    connection = own_connection(assistant, desk.home, ROOT, "coder")
    return list(examine_surroundings(assistant, desk.home, connection, project))


def test_a_variable_that_wins_is_named_unless_it_says_the_same(tmp_path: Path) -> None:
    other = {**SET, "GOOGLE_GEMINI_BASE_URL": "http://elsewhere", "GEMINI_API_KEY": KEY}
    found = surroundings(Desk(tmp_path, other), GEMINI_CLI, tmp_path)
    assert [each.text.split()[0] for each in found] == ["GOOGLE_GEMINI_BASE_URL"]
    same = {**SET, "GOOGLE_GEMINI_BASE_URL": ROOT}
    assert surroundings(Desk(tmp_path, same), GEMINI_CLI, tmp_path) == []


def test_a_projects_file_that_wins_is_named(desk: Desk, tmp_path: Path) -> None:
    project = tmp_path / "project"
    file = project / ".claude" / "settings.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"env": {"ANTHROPIC_BASE_URL": "http://elsewhere", "EDITOR": "vi"}}')
    found = surroundings(desk, CLAUDE_CODE, project)
    assert found[0].text == f"{file} wins here: it sets env.ANTHROPIC_BASE_URL"
    file.write_text('{"permissions": {}}')
    assert surroundings(desk, CLAUDE_CODE, project) == []


def installed(folder: Path, name: str, says: str) -> dict[str, str]:
    """A command of this name that says this, alone on the search path with a shell."""
    command = folder / name
    command.write_text(f"#!/bin/sh\necho '{says}'\n")
    command.chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(
    ("says", "verdict", "words"),
    [
        ("2.1.329 (Claude Code)", Verdict.OK, "Claude Code 2.1.329"),
        ("2.1.198", Verdict.OK, "2.1.198"),
        ("2.1.197 (Claude Code)", Verdict.PROBLEM, "use 2.1.198 or newer"),
        ("2.1.100", Verdict.PROBLEM, "lookalike characters"),
        ("2.1.80", Verdict.OK, "2.1.80"),
        ("hello", Verdict.NOTE, "does not say its version"),
    ],
)
def test_the_installed_version_is_held_against_those_known(
    tmp_path: Path, says: str, verdict: Verdict, words: str
) -> None:
    found = next(examine_version(CLAUDE_CODE, installed(tmp_path, "claude", says)))
    assert found.verdict is verdict
    assert words in found.text


def test_an_assistant_that_is_not_installed_is_noted(tmp_path: Path) -> None:
    found = list(examine_version(CODEX, {"PATH": str(tmp_path)}))
    assert [each.verdict for each in found] == [Verdict.NOTE]


def test_a_plugin_has_no_version_to_ask_for() -> None:
    assert list(examine_version(CLINE, {})) == []


def test_the_command_is_asked_without_the_key(tmp_path: Path) -> None:
    assert shutil.which("sh")
    environ = installed(tmp_path, "codex", "codex 1.2.3")
    (tmp_path / "codex").write_text('#!/bin/sh\necho "codex 1.2.${#GATEHOUSE_KEY}"\n')
    found = next(examine_version(CODEX, {**environ, **SET}))
    assert found.text == "Codex CLI 1.2.0"


def test_what_was_restored_is_told_of_what_is_connected_only() -> None:
    abouts = [each.about for each in explain(CLAUDE_CODE, is_connected=True)]
    assert set(abouts) == {"restored", "cost"}
    alone = explain(replace(CLAUDE_CODE), is_connected=False)
    assert {each.about for each in alone} == {"cost"}
