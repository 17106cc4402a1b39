"""What is offered is listed with who answers it and who may ask."""

import os
from pathlib import Path

from gateway.cli.exits import Exit
from gateway.settings import OfferedModel, RunningGateway, write_running
from tests.unit.gateway.cli.conftest import CommandLine

CONFIGURATION = """
vendors:
  house: { kind: in_house, base_url: "${ONLY_THE_GATEWAY_HAS_THIS}", wires: [openai_chat] }
models:
  coder: { targets: [house/qwen, house/other] }
  small: { targets: [house/tiny] }
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
        {"model": "coder", "targets": ["house/qwen", "house/other"], "teams": ["payments", "web"]},
        {"model": "small", "targets": ["house/tiny"], "teams": ["web"]},
    ]


def test_as_a_table_they_are_one_a_line(command_line: CommandLine) -> None:
    (command_line.working / "gatehouse.yaml").write_text(CONFIGURATION)
    lines = command_line.run("models").out.splitlines()
    assert len(lines) == 3
    assert lines[1].split() == ["coder", "house/qwen,", "house/other", "payments,", "web"]


def test_beside_a_gateway_without_a_file_its_own_word_counts(command_line: CommandLine) -> None:
    command_line.make_folder()
    offered = (OfferedModel("qwen3", ("ollama/qwen3",)),)
    running = RunningGateway(os.getpid(), "http://127.0.0.1:7070", None, offered)
    write_running(command_line.data, running)
    assert command_line.run("models", "--json").objects == [
        {"model": "qwen3", "targets": ["ollama/qwen3"], "teams": ["default"]}
    ]


def test_a_file_can_be_named(command_line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "named.yaml"
    file.write_text(CONFIGURATION)
    objects = command_line.run("models", "--config", str(file), "--json").objects
    assert [each["model"] for each in objects] == ["coder", "small"]
