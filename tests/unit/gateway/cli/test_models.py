"""What is offered is listed with who answers it and who may ask."""

import os
import re
from pathlib import Path

from gateway.cli.exits import Exit
from gateway.settings import OfferedModel, RunningGateway, write_running
from tests.fakes.configurations import GOOD, configured, write
from tests.house.reading import ROOT
from tests.unit.gateway.cli.conftest import CommandLine, entered

CONFIGURATION = """
vendors:
  house: { kind: in_house, base_url: "${ONLY_THE_GATEWAY_HAS_THIS}", wires: [openai_chat] }
  openai: { kind: openai, api_key: "${ALSO_ONLY_THERE}" }
models:
  coder: { targets: [house/qwen, house/other], aliases: [claude-coder], context_window: 32768 }
  small: { targets: [openai/gpt-5], display_name: Small }
teams:
  payments: { models: [coder], data_class: confidential }
  web: { models: [coder, small], data_class: internal }
"""


def test_a_configurations_models_are_listed_with_targets_and_teams(
    command_line: CommandLine,
) -> None:
    (command_line.working / "gatehouse.yaml").write_text(CONFIGURATION)
    ran = command_line.run("models", "--json")
    assert ran.code == Exit.OK
    assert ran.objects == [
        {
            "model": "coder",
            "display_name": "coder",
            "aliases": ["claude-coder"],
            "context_window": 32_768,
            "output_limit": None,
            "targets": ["house/qwen", "house/other"],
            "teams": ["payments", "web"],
        },
        {
            "model": "small",
            "display_name": "Small",
            "aliases": [],
            "context_window": 272_000,
            "output_limit": 128_000,
            "targets": ["openai/gpt-5"],
            "teams": ["web"],
        },
    ]


def test_as_a_table_they_are_one_a_line(command_line: CommandLine) -> None:
    (command_line.working / "gatehouse.yaml").write_text(CONFIGURATION)
    lines = command_line.run("models").out.splitlines()
    assert len(lines) == 3
    assert lines[1].split("  ")[0] == "coder"
    assert " ".join(lines[1].split()).endswith(
        "32,768 unknown house/qwen, house/other payments, web claude-coder"
    )


def test_beside_a_gateway_without_a_file_its_own_word_counts(command_line: CommandLine) -> None:
    command_line.make_folder()
    offered = (OfferedModel("qwen3", ("ollama/qwen3",), "qwen3", (), 8_192),)
    running = RunningGateway(os.getpid(), "http://127.0.0.1:7070", None, offered)
    write_running(command_line.data, running)
    (told,) = command_line.run("models", "--json").objects
    assert (told["model"], told["targets"], told["teams"]) == (
        "qwen3",
        ["ollama/qwen3"],
        ["default"],
    )
    assert (told["context_window"], told["output_limit"]) == (8_192, None)


def test_beside_a_gateway_that_refuses_its_file_what_is_in_force_is_listed(
    command_line: CommandLine,
) -> None:
    entered(command_line.data, configured(command_line.working, GOOD))
    config = write(command_line.working, GOOD.replace("models: [coder]", "models: [codr]"))
    running = RunningGateway(os.getpid(), "http://127.0.0.1:7070", config)
    write_running(command_line.data, running)
    ran = command_line.run("models", "--json")
    assert ran.objects[0]["teams"] == ["payments", "web"]
    assert ran.err.startswith("by version ")
    assert f"while {config} is wrong)\n" in ran.err


def test_a_file_of_another_shape_is_sent_to_check(command_line: CommandLine) -> None:
    wrong = CONFIGURATION.replace("context_window: 32768", "context_window: large")
    (command_line.working / "gatehouse.yaml").write_text(wrong)
    ran = command_line.run("models")
    assert ran.code == Exit.CONFIGURATION
    assert "gatehouse check" in ran.err


def test_the_example_for_assistants_is_right_and_has_their_names(command_line: CommandLine) -> None:
    example = ROOT / "examples" / "gatehouse.assistants.yaml"
    assert command_line.run("check", str(example)).code == Exit.OK
    objects = command_line.run("models", "--config", str(example), "--json").objects
    aliases = {alias for each in objects for alias in each["aliases"]}
    page = (ROOT / "docs" / "configuration.md").read_text()
    asked = page.partition("### Names that assistants ask for on their own")[2].partition("\n## ")[
        0
    ]
    own = re.findall(r"`((?:claude-haiku|codex|gemini|gpt-5\.6)-[a-z0-9.-]*[a-z0-9])`", asked)
    assert len(own) >= 7
    assert set(own) <= aliases


def test_a_file_can_be_named(command_line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "named.yaml"
    file.write_text(CONFIGURATION)
    objects = command_line.run("models", "--config", str(file), "--json").objects
    assert [each["model"] for each in objects] == ["coder", "small"]
