"""`gatehouse connect` writes an assistant's settings, says what it did, and undoes it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from tests.fakes.door import Door, models, opened
from tests.unit.gateway.cli.conftest import CommandLine

KEY = "gth_0QrbEiMcpdIP6tfOF1GHQwNnM2VACMLDr4GsCN2"
VARIABLES = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATEHOUSE_KEY", KEY)
    monkeypatch.setattr(sys, "argv", [str(folder / "bin" / "gatehouse")])
    return folder


@pytest.fixture
def door() -> Iterator[Door]:
    with opened({"/v1/models": models("coder", "small")}) as door:
        yield door


def test_an_assistant_is_connected_and_put_back(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    ran = command_line.run("connect", "claude-code", "--url", door.root)
    assert ran.code == Exit.OK
    file = home / ".claude" / "settings.json"
    assert json.loads(file.read_text())["env"]["ANTHROPIC_BASE_URL"] == door.root
    assert f"wrote {file}" in ran.out
    assert "gatehouse doctor claude-code" in ran.err
    undone = command_line.run("connect", "claude-code", "--undo")
    assert undone.out == f"put back: {file}\n"
    assert not (home / ".claude").exists()


def test_what_comes_next_works_as_pasted_where_no_shell_finds_the_command(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    told = command_line.run("connect", "claude-code", "--url", door.root).err
    assert f"See whether it works with: {home}/bin/gatehouse doctor claude-code\n" in told


def test_the_key_is_never_told_unless_asked_for(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    words = ("connect", "gemini-cli", "--url", door.root)
    told = [command_line.run(*words, "--print"), command_line.run(*words, "--print", "--json")]
    told.append(command_line.run(*words))
    assert all(KEY not in ran.out + ran.err for ran in told)
    assert all("gth_…sCN2" in ran.out or "gth_\\u2026sCN2" in ran.out for ran in told)
    assert KEY in command_line.run(*words, "--print", "--show-key").out


def test_printing_changes_nothing(command_line: CommandLine, home: Path, door: Door) -> None:
    ran = command_line.run("connect", "codex", "--print", "--url", door.root)
    assert ran.code == Exit.OK
    assert "would write" in ran.out
    assert list(home.iterdir()) == []


def test_as_json_it_is_one_object(command_line: CommandLine, home: Path, door: Door) -> None:
    ran = command_line.run("connect", "codex", "--url", door.root, "--model", "small", "--json")
    told = ran.objects[0]
    assert (told["assistant"], told["connected"], told["model"]) == ("codex", True, "small")
    assert told["gateway"] == door.root
    assert told["files"][0]["settings"]["model_provider"] == "gatehouse"


def test_the_sizes_that_the_gateway_tells_are_written_and_held_against_it_later(
    command_line: CommandLine, home: Path
) -> None:
    sized = {"id": "coder", "context_length": 200_000}
    told = {"/v1/models": (200, json.dumps({"data": [sized]}).encode())}
    with opened({**told, "/readyz": (200, b"{}")}) as door:
        command_line.run("connect", "codex", "--url", door.root)
        found = command_line.run("doctor", "codex", "--json").objects
    assert "model_context_window = 200000" in (home / ".codex/config.toml").read_text()
    # Nobody answers any more: what is remembered must do.
    alone = command_line.run("doctor", "codex", "--json").objects
    assert [each["verdict"] for each in found + alone if each["about"] == "settings"] == ["ok"] * 2


def test_an_unknown_model_is_refused_with_the_list(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    ran = command_line.run("connect", "codex", "--url", door.root, "--model", "gpt-9")
    assert ran.code == Exit.NOT_FOUND
    assert "coder, small" in ran.err
    assert list(home.iterdir()) == []


def test_connected_again_it_keeps_its_model(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    command_line.run("connect", "codex", "--url", door.root, "--model", "small")
    command_line.run("connect", "codex")
    assert 'model = "small"' in (home / ".codex/config.toml").read_text()


def test_connected_again_without_the_variable_it_keeps_its_key(
    command_line: CommandLine, home: Path, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    command_line.run("connect", "gemini-cli", "--url", door.root)
    monkeypatch.delenv("GATEHOUSE_KEY")
    assert command_line.run("connect", "gemini-cli", "--model", "small").code == Exit.OK
    assert f"GEMINI_API_KEY={KEY}" in (home / ".gemini" / ".env").read_text()


def test_what_would_win_over_the_settings_is_said_at_once(
    command_line: CommandLine, home: Path, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://elsewhere")
    ran = command_line.run("connect", "gemini-cli", "--url", door.root)
    assert "But GOOGLE_GEMINI_BASE_URL is set in this shell and wins" in ran.err


def test_what_is_left_as_its_user_wants_it_is_said_at_once(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text('web_search = "live"\n')
    ran = command_line.run("connect", "codex", "--url", door.root)
    assert "But " in ran.err
    assert "has a web_search of yours" in ran.err
    assert "web_search" not in ran.out


def test_a_link_stays_a_link_and_its_file_comes_back(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    file, link = home / "dotfiles.json", home / ".claude" / "settings.json"
    file.write_text('{"theme": "dark"}')
    link.parent.mkdir()
    link.symlink_to(file)
    command_line.run("connect", "claude-code", "--url", door.root)
    assert link.is_symlink()
    assert "ANTHROPIC_BASE_URL" in file.read_text()
    command_line.run("connect", "claude-code", "--undo")
    assert file.read_text() == '{"theme": "dark"}'


def test_a_read_only_file_and_a_folder_in_its_place_are_respected(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    file = home / ".claude" / "settings.json"
    file.parent.mkdir()
    file.write_text("{}")
    file.chmod(0o444)
    ran = command_line.run("connect", "claude-code", "--url", door.root)
    assert (ran.code, "read-only" in ran.err) == (Exit.FAILED, True)
    file.unlink()
    file.mkdir()
    ran = command_line.run("connect", "claude-code", "--url", door.root)
    assert (ran.code, "is not a file" in ran.err) == (Exit.FAILED, True)
    assert not (home / ".local").exists()


def test_printing_says_also_that_a_file_could_not_be_written(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text("a = 1\nb =\n")
    ran = command_line.run("connect", "codex", "--print", "--url", door.root)
    assert (ran.code, "config.toml:2: " in ran.err) == (Exit.FAILED, True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"env": ', "settings.json:1: "),
        (b"\xff\xfe", "settings.json:1: it is not UTF-8"),
        (b'{"env": []}', "cannot be set"),
    ],
)
def test_a_file_that_cannot_be_read_is_left_and_named_with_its_line(
    command_line: CommandLine, home: Path, door: Door, content: bytes, words: str
) -> None:
    file = home / ".claude" / "settings.json"
    file.parent.mkdir()
    file.write_bytes(content)
    ran = command_line.run("connect", "claude-code", "--url", door.root)
    assert ran.code == Exit.FAILED
    assert words in ran.err
    assert file.read_bytes() == content


def test_without_a_name_all_are_listed_with_what_is_connected(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    command_line.run("connect", "codex", "--url", door.root)
    listed = {each["assistant"]: each for each in command_line.run("connect", "--json").objects}
    assert (listed["codex"]["connected"], listed["codex"]["gateway"]) == (True, door.root)
    assert not listed["claude-code"]["connected"]
    lines = command_line.run("connect").out.splitlines()
    assert len(lines) == 1 + len(listed)


def test_an_assistant_of_a_window_gets_its_steps(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    ran = command_line.run("connect", "jetbrains", "--url", door.root)
    assert "is set up by hand:" in ran.out
    assert f"URL: {door.root}/v1" in ran.out
    assert list(home.iterdir()) == []


def test_what_is_not_connected_is_undone_without_complaint(
    command_line: CommandLine, home: Path
) -> None:
    ran = command_line.run("connect", "codex", "--undo")
    assert ran.code == Exit.OK
    assert "nothing to undo" in ran.err


def test_undoing_can_be_looked_at_first(command_line: CommandLine, home: Path, door: Door) -> None:
    command_line.run("connect", "codex", "--url", door.root)
    before = (home / ".codex/config.toml").read_bytes()
    ran = command_line.run("connect", "codex", "--undo", "--print")
    assert "would be put back" in ran.out
    assert (home / ".codex/config.toml").read_bytes() == before


def test_what_somebody_changed_since_is_kept_and_said(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    command_line.run("connect", "codex", "--url", door.root)
    file = home / ".codex" / "config.toml"
    file.write_text(file.read_text().replace('model = "coder"', 'model = "mine"'))
    ran = command_line.run("connect", "codex", "--undo")
    assert "left as somebody has changed it" in ran.err
    assert file.read_text().strip() == 'model = "mine"'


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nobody"], Exit.NOT_FOUND),
        (["codex", "--show-key"], Exit.USAGE),
        (["codex", "--url", "nonsense"], Exit.USAGE),
        (["codex"], Exit.NOT_FOUND),
    ],
)
def test_a_wrong_command_line_changes_nothing(
    command_line: CommandLine, home: Path, words: list[str], code: Exit
) -> None:
    assert command_line.run("connect", *words).code == code
    assert list(home.iterdir()) == []


def test_without_a_key_nothing_is_asked(
    command_line: CommandLine, home: Path, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GATEHOUSE_KEY")
    assert command_line.run("connect", "codex", "--url", door.root).code == Exit.USAGE
    assert door.asked == []
