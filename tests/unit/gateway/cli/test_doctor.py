"""`gatehouse doctor` goes as far as it can, says what it found, and ends by it."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from tests.fakes.door import Answer, Door, models, opened
from tests.unit.gateway.cli.conftest import CommandLine

KEY = "gth_0QrbEiMcpdIP6tfOF1GHQwNnM2VACMLDr4GsCN2"
WHOLE = b'data: {"choices": [{"delta": {"content": "hi"}, "finish_reason": "stop"}]}\n\n'
WELL: dict[str, Answer] = {
    "/readyz": (200, b'{"ready": true}'),
    "/v1/models": models("coder"),
    "/v1/chat/completions": (200, WHOLE),
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GATEHOUSE_KEY", KEY)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "OPENCODE_CONFIG", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def door() -> Iterator[Door]:
    with opened(dict(WELL)) as door:
        yield door


def test_a_connected_assistant_is_well_and_its_costs_are_told(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    command_line.run("connect", "opencode", "--url", door.root)
    ran = command_line.run("doctor", "opencode", "--json")
    assert ran.code == Exit.OK
    abouts = {each["about"] for each in ran.objects}
    assert abouts >= {"gateway", "key", "models", "openai_chat", "settings", "restored", "cost"}
    assert KEY not in ran.out + ran.err


def test_only_the_gateway_is_asked_and_only_in_the_assistants_protocol(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    command_line.run("connect", "opencode", "--url", door.root)
    door.asked.clear()
    command_line.run("doctor", "opencode")
    assert [path for _, path, _, _ in door.asked] == list(WELL)


def test_a_dead_gateway_ends_the_questions_and_the_files_are_still_looked_at(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    command_line.run("connect", "opencode", "--url", door.root)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    ran = command_line.run("doctor", "opencode", "--url", f"http://127.0.0.1:{port}")
    assert ran.code == Exit.FAILED
    assert "nobody answers" in ran.out
    assert f"baseURL is {door.root}/v1" in ran.out
    assert "2 problems found" in ran.err


def test_a_refused_key_and_no_models_end_the_questions(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    refusal = json.dumps({"error": {"message": "this key was revoked"}}).encode()
    for answer, words in (((401, refusal), "was revoked"), (models(), "may use no model")):
        door.answers = {**WELL, "/v1/models": answer}
        ran = command_line.run("doctor", "--url", door.root)
        assert ran.code == Exit.FAILED
        assert words in ran.out
        assert "OpenAI" not in ran.out


def test_without_a_name_every_connected_assistant_is_looked_at(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    for name in ("opencode", "codex"):
        command_line.run("connect", name, "--url", door.root)
    ran = command_line.run("doctor")
    assert ran.code == Exit.OK
    assert "opencode: " in ran.out
    assert "Codex CLI: " in ran.out
    assert "zed" not in ran.out.lower()
    assert "does not speak it yet" in ran.out


def test_of_several_gateways_one_must_be_named(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    command_line.run("connect", "opencode", "--url", door.root)
    elsewhere = door.root.replace("127.0.0.1", "localhost")
    command_line.run("connect", "codex", "--url", elsewhere)
    ran = command_line.run("doctor")
    assert ran.code == Exit.USAGE
    assert f"name one with --url: {door.root}, {elsewhere}" in ran.err
    assert command_line.run("doctor", "--url", door.root).code == Exit.FAILED  # codex is elsewhere


def test_a_protocol_that_the_assistant_needs_and_the_gateway_lacks_is_a_problem(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    command_line.run("connect", "codex", "--url", door.root)
    ran = command_line.run("doctor", "codex")
    assert ran.code == Exit.FAILED
    assert "problem  OpenAI responses: this gateway does not speak it yet" in ran.out


def test_a_window_that_the_gateway_does_not_know_is_told_with_what_to_do(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    ran = command_line.run("doctor", "opencode", "--url", door.root)
    assert "how many tokens coder takes in: it never compacts a conversation" in ran.out
    sized = json.dumps({"data": [{"id": "coder", "context_length": 200_000}]}).encode()
    door.answers = {**WELL, "/v1/models": (200, sized)}
    ran = command_line.run("doctor", "opencode", "--url", door.root)
    assert "how many tokens" not in ran.out


def test_a_key_that_is_named_is_the_one_tried(
    command_line: CommandLine, home: Path, door: Door
) -> None:
    command_line.run("doctor", "cline", "--url", door.root, "--key", "gth_named")
    assert door.asked[1][2]["authorization"] == "Bearer gth_named"


@pytest.mark.parametrize(
    ("words", "code"), [(["nobody"], Exit.NOT_FOUND), (["codex"], Exit.NOT_FOUND)]
)
def test_without_an_assistant_or_a_gateway_there_is_nothing_to_try(
    command_line: CommandLine, home: Path, words: list[str], code: Exit
) -> None:
    assert command_line.run("doctor", *words).code == code
