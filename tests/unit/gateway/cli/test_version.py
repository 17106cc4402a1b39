"""The version is told, also by the installed command."""

import json
import subprocess
import sys
from pathlib import Path

from gateway.cli.exits import Exit
from tests.unit.gateway.cli.conftest import CommandLine


def test_the_version_is_one_line(command_line: CommandLine) -> None:
    ran = command_line.run("version")
    assert (ran.code, ran.err) == (Exit.OK, "")
    assert ran.out.startswith("gatehouse 0.")


def test_the_installed_command_tells_version_python_and_data_folder() -> None:
    command = [Path(sys.executable).with_name("gatehouse"), "version", "--json", "--data", "/data"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    facts = json.loads(printed)
    assert facts["data"] == "/data"
    assert set(facts) == {"version", "python", "data"}
