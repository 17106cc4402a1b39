"""An assistant is set up as the gateway's register wants it, under the name it is told by."""

import json
from pathlib import Path

import pytest

from gateway.assistant import ASSISTANTS as TOLD
from gateway.cli.assistants import ASSISTANTS
from gateway.cli.assistants.base import Assistant, Connection, Home, Key
from gateway.cli.assistants.claude_code import CLAUDE_CODE
from gateway.cli.assistants.registered import as_registered
from gateway.cli.assistants.vscode import VSCODE
from tests.fakes.door import opened

KEY = Key("gth_key", is_in_environment=False)


def entry(name: str, **settings: object) -> bytes:
    return json.dumps({"data": [{"name": name, "required_settings": settings}]}).encode()


@pytest.mark.parametrize("assistant", ASSISTANTS, ids=lambda each: each.name)
def test_each_can_be_told_by_the_gateway(assistant: Assistant) -> None:
    assert (assistant.told_as or assistant.name) in TOLD


def test_what_its_files_have_no_place_for_is_a_step_more() -> None:
    with opened({"/v1/assistants": (200, entry("copilot-chat", level="off"))}) as door:
        connection = Connection(door.root, "coder", KEY)
        registered = as_registered(VSCODE, connection)
    assert registered.steps(connection)[:-1] == VSCODE.steps(connection)
    assert "level = 'off'" in registered.steps(connection)[-1]
    home = Home(Path("/home/ada"), {})
    assert registered.files(home, connection) == tuple(VSCODE.files(home, connection))


@pytest.mark.parametrize(
    "answer",
    [
        (404, b"{}"),
        (200, b"not JSON"),
        (200, b"[]"),
        (200, b'{"data": [7]}'),
        (200, entry("codex", level="off")),
        (200, entry("claude-code")),
    ],
)
def test_a_gateway_that_requires_nothing_changes_nothing(answer: tuple[int, bytes]) -> None:
    with opened({"/v1/assistants": answer}) as door:
        assert as_registered(CLAUDE_CODE, Connection(door.root, "coder", KEY)) is CLAUDE_CODE


def test_a_gateway_that_does_not_answer_changes_nothing() -> None:
    with opened({}) as door:
        root = door.root
    assert as_registered(CLAUDE_CODE, Connection(root, "coder", KEY)) is CLAUDE_CODE
