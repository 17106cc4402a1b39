"""A newcomer is told what to type next, and it works as pasted."""

import io
import json
import shlex
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from gateway.cli.welcome import welcome
from gateway.settings import OfferedModel, Ready

DATA = Path("/home/anna/.local/share/gatehouse")
FIRST = Ready(
    base_url="http://127.0.0.1:7070",
    pid=7,
    first_start=True,
    admin_key="gth_ADMINADMINADMINADMINADMINADMINADMINADMI",
    developer_key="gth_DEVELOPERDEVELOPERDEVELOPERDEVELOPERDEV",
    developer_team="default",
    models=(OfferedModel("qwen3-coder:30b", ("ollama/qwen3-coder:30b",)),),
    config_path=None,
    data=DATA,
    notes=("found Ollama at http://127.0.0.1:11434",),
)
LATER = replace(FIRST, first_start=False, admin_key=None, developer_key=None)


def shown(
    ready: Ready, default_data: Path = DATA, width: int = 60, command: str = "gatehouse"
) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False, emoji=False)
    for each in welcome(ready, default_data, command):
        console.print(each, soft_wrap=True)
    return out.getvalue()


def words_of_curl(text: str) -> list[str]:
    start = text.index("curl ")
    return shlex.split(text[start : text.index("\n\n", start)])


def test_the_curl_line_is_one_command_with_key_and_model() -> None:
    words = words_of_curl(shown(FIRST))
    assert words[:2] == ["curl", "http://127.0.0.1:7070/v1/chat/completions"]
    assert f"authorization: Bearer {FIRST.developer_key}" in words
    assert json.loads(words[words.index("-d") + 1])["model"] == "qwen3-coder:30b"


def test_a_model_name_with_a_quote_still_makes_one_shell_word() -> None:
    odd = replace(FIRST, models=(OfferedModel("it's $(x)", ("a/b",)),))
    words = words_of_curl(shown(odd))
    assert json.loads(words[words.index("-d") + 1])["model"] == "it's $(x)"


def test_both_keys_are_shown_on_a_first_start() -> None:
    text = shown(FIRST)
    assert f"administrator  {FIRST.admin_key}" in text
    assert f"developer      {FIRST.developer_key}  (team default)" in text


def test_later_starts_show_a_variable_and_how_to_make_another_key() -> None:
    text = shown(LATER)
    assert "gth_" not in text
    assert '"authorization: Bearer $GATEHOUSE_KEY"' in text
    assert "gatehouse key create --team default --user NAME" in text


def test_claude_code_is_given_the_root_and_its_switches() -> None:
    text = shown(FIRST)
    assert (
        f"ANTHROPIC_BASE_URL=http://127.0.0.1:7070 ANTHROPIC_AUTH_TOKEN={FIRST.developer_key}"
        in text
    )
    assert "ANTHROPIC_MODEL=qwen3-coder:30b" in text
    for switch in (
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
        "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS=1",
        "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK=1",
        "CLAUDE_CODE_ATTRIBUTION_HEADER=0",
        "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY=1",
    ):
        assert switch in text


def test_an_openai_client_is_given_the_root_with_v1() -> None:
    text = shown(FIRST)
    assert f"OPENAI_API_BASE=http://127.0.0.1:7070/v1 OPENAI_API_KEY={FIRST.developer_key}" in text
    assert "aider --model openai/qwen3-coder:30b" in text


def test_an_assistant_joins_by_one_command() -> None:
    text = shown(FIRST)
    assert f"export GATEHOUSE_KEY={FIRST.developer_key}\n  gatehouse connect claude-code\n" in text
    assert f"gatehouse connect claude-code --data {DATA}" in shown(FIRST, Path("/elsewhere"))
    assert "export GATEHOUSE_KEY=" not in shown(LATER)


def test_nothing_to_paste_is_broken_by_a_narrow_terminal() -> None:
    assert shown(FIRST, width=20) == shown(FIRST, width=200)


def test_models_notes_data_and_configuration_are_named() -> None:
    text = shown(FIRST)
    assert "qwen3-coder:30b  by ollama/qwen3-coder:30b" in text
    assert "found Ollama at http://127.0.0.1:11434" in text
    assert str(DATA) in text
    assert "the embedded default" in text


def test_many_models_are_cut_short_with_the_command_that_lists_them() -> None:
    many = tuple(OfferedModel(f"m{number}", ("a/b",)) for number in range(30))
    text = shown(replace(FIRST, models=many))
    assert "m7" in text
    assert "m8" not in text
    assert "and 22 more: gatehouse models" in text


def test_commands_name_a_data_folder_that_is_not_the_default() -> None:
    text = shown(FIRST, default_data=Path("/elsewhere"))
    assert f"gatehouse audit tail --data {DATA} --follow" in text


def test_commands_are_written_as_this_shell_finds_them() -> None:
    text = shown(LATER, command=".venv/bin/gatehouse")
    assert ".venv/bin/gatehouse audit tail --follow" in text
    assert ".venv/bin/gatehouse key create --team default --user NAME" in text


def test_without_a_model_it_says_what_to_do_and_gives_no_dead_line_to_paste() -> None:
    text = shown(replace(FIRST, models=()))
    assert "name some under `models:`" in text
    assert "curl" not in text


def test_control_characters_never_reach_the_terminal() -> None:
    odd = replace(FIRST, models=(OfferedModel("m\x1b[2J", ("a\x1b/b",)),), notes=("n\x1b",))
    assert "\x1b" not in shown(odd)
