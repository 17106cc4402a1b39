"""What holds for every assistant there is."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import tomlkit
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli.assistants import ASSISTANTS, assistant_named
from gateway.cli.assistants.aider import AIDER
from gateway.cli.assistants.base import Assistant
from gateway.cli.assistants.claude_code import CLAUDE_CODE
from gateway.cli.assistants.codex import CODEX
from gateway.cli.assistants.continue_dev import CONTINUE
from gateway.cli.assistants.zed import ZED
from gateway.cli.editing import DOTENV, JSONC, TOML
from gateway.cli.exits import CommandFailed
from gateway.cli.offered import Sizes
from tests.unit.gateway.cli.assistants.conftest import Desk, by_hand

BEGUN = {
    id(JSONC): '{\n  // mine\n  "a": 1\n}\n',
    id(TOML): '# mine\na = 1\n\n[b]\nc = "d"\n',
    id(DOTENV): "# mine\nA=1\n",
}
each_one = pytest.mark.parametrize("assistant", ASSISTANTS, ids=lambda each: each.name)


@each_one
def test_on_a_clean_machine_undoing_leaves_nothing(desk: Desk, assistant: Assistant) -> None:
    desk.connect(assistant)
    desk.undo(assistant)
    assert desk.files() == {}
    assert [path for path in desk.folder.iterdir() if path.name != ".local"] == []


@each_one
@pytest.mark.parametrize("literal", [True, False])
def test_files_that_were_there_come_back_to_the_byte(
    desk: Desk, assistant: Assistant, literal: bool
) -> None:
    desk.connect(assistant)
    written = list(desk.files())
    desk.undo(assistant)
    for name in written:
        desk.holds(name, _begun(name))
    before = desk.files()
    desk.connect(assistant, literal=literal)
    desk.connect(assistant, model="small", literal=literal, sizes=Sizes(200_000, 16_000))
    desk.undo(assistant)
    assert desk.files() == before


@each_one
def test_connected_twice_the_files_are_the_same(desk: Desk, assistant: Assistant) -> None:
    desk.connect(assistant)
    once = desk.files()
    desk.connect(assistant)
    assert desk.files() == once


@each_one
def test_it_has_a_file_to_write_or_steps_to_tell_and_its_costs(
    desk: Desk, assistant: Assistant
) -> None:
    desk.connect(assistant)
    assert desk.files() or by_hand(assistant)
    assert assistant.costs
    assert assistant.wires


names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=6)
leaves = st.booleans() | st.integers(0, 99) | st.text(max_size=6).filter(str.isprintable)
documents = st.dictionaries(
    names | st.sampled_from(["env", "model", "models", "theme", "apiKeyHelper", "telemetry"]),
    leaves | st.lists(leaves, max_size=3) | st.dictionaries(names, leaves, max_size=3),
    max_size=6,
)
WRITERS: dict[str, Callable[[dict[str, Any]], str]] = {
    ".claude/settings.json": lambda tree: json.dumps(tree, indent=4),
    ".config/zed/settings.json": lambda tree: "// mine\r\n" + json.dumps(tree, ensure_ascii=False),
    ".codex/config.toml": tomlkit.dumps,
    ".aider.conf.yml": lambda tree: yaml.safe_dump(tree, allow_unicode=True),
    ".continue/config.yaml": lambda tree: "# mine\n" + yaml.safe_dump(tree, indent=4),
}


@pytest.mark.parametrize(
    ("assistant", "name"),
    list(zip((CLAUDE_CODE, ZED, CODEX, AIDER, CONTINUE), WRITERS, strict=True)),
)
@settings(max_examples=40, deadline=None)  # a file synced to disk may take its time
@given(tree=documents)
def test_whatever_stood_there_connecting_and_undoing_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    assistant: Assistant,
    name: str,
    tree: dict[str, Any],
) -> None:
    desk = Desk(tmp_path_factory.mktemp("home"))
    desk.holds(name, WRITERS[name](tree))
    before = desk.files()
    with suppress(CommandFailed):  # a place is taken by something that holds no settings
        desk.connect(assistant)
        assert desk.files() != before
        desk.undo(assistant)
    assert desk.files() == before


def test_no_two_bear_one_name() -> None:
    assert len({each.name for each in ASSISTANTS}) == len(ASSISTANTS)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(CommandFailed, match="claude-code, codex, "):
        assistant_named("claude")


def _begun(name: str) -> str:
    if "chatLanguageModels" in name:
        return '[\n\t{"name": "mine"}\n]'
    if name.endswith(".model.settings.yml"):
        return "# mine\n- name: mine\n  extra_params: {timeout: 60}\n"
    if name.endswith((".yml", ".yaml")):
        return "# mine\na: 1\n"
    kind = JSONC if name.endswith("json") else TOML if name.endswith("toml") else DOTENV
    return BEGUN[id(kind)]
