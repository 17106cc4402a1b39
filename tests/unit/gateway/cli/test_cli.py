"""The installed command starts quickly, ends cleanly, and never shows a traceback."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from tests.fakes.ledger_stories import Stories
from tests.unit.gateway.cli.conftest import CommandLine

GATEHOUSE = str(Path(sys.executable).with_name("gatehouse"))
HEAVY = ("fastapi", "litellm", "sqlmodel", "sqlalchemy", "uvicorn", "tiktoken", "alembic")


def installed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GATEHOUSE, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "command",
    ["version", "--help", "key --help", "audit search --help", "connect --help", "doctor --help"],
)
def test_help_and_version_import_nothing_heavy(command: str) -> None:
    program = (
        "import sys; from gateway.cli import run; run(sys.argv[1:]);"
        f"print([each for each in {HEAVY} if each in sys.modules], file=sys.stderr)"
    )
    words = [sys.executable, "-c", program, *command.split()]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ran.stderr.strip() == "[]"


def test_help_names_every_command_and_the_exit_codes() -> None:
    shown = installed("--help").stdout
    assert all(
        each in shown
        for each in ("up", "check", "key", "models", "audit", "connect", "doctor", "version")
    )
    assert "Exit codes: 0 done" in shown


@pytest.mark.parametrize("words", [["nonsense"], ["key", "create"], ["up", "--port", "x"], []])
def test_a_wrong_command_line_is_a_usage_error(words: list[str]) -> None:
    ran = installed(*words)
    assert ran.returncode == Exit.USAGE
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["key", "create", "--team", "default", "--user", "anna"],
        ["key", "list"],
        ["key", "revoke", "key_x"],
        ["models"],
        ["connect"],
        ["check"],
        ["audit", "tail"],
        ["audit", "show", "gh-0"],
        ["audit", "search"],
        ["version"],
    ],
)
@pytest.mark.parametrize("way", ["option", "environment"])
def test_every_command_takes_the_data_folder_both_ways(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch, words: list[str], way: str
) -> None:
    command_line.make_folder()
    (command_line.working / "gatehouse.yaml").write_text(
        "teams: {default: {models: []}}\nmodels: {}"
    )
    monkeypatch.setenv("GATEHOUSE_DATA", str(command_line.data) if way == "environment" else "/x")
    ran = command_line.run_bare(*words) if way == "environment" else command_line.run(*words)
    assert ran.code not in (Exit.USAGE, Exit.DATA)


def test_a_reader_that_stops_early_gets_no_complaint(command_line: CommandLine) -> None:
    command_line.make_folder()
    stories = Stories()
    command_line.record(*(body for _ in range(400) for body in stories.denied()))
    words = [GATEHOUSE, "audit", "tail", "-n", "400", "--json", "--data", str(command_line.data)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        tail.stdout.readline()
        tail.stdout.close()
        complaints = tail.stderr.read()
    assert (tail.returncode, complaints) == (Exit.CLOSED_PIPE, b"")


def test_an_output_that_takes_no_more_is_one_line(command_line: CommandLine) -> None:
    command_line.make_folder()
    command_line.record(*Stories().denied())
    words = [GATEHOUSE, "audit", "tail", "--json", "--data", str(command_line.data)]
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == Exit.FAILED
    assert ran.stderr == "gatehouse: cannot use the output: No space left on device\n"


def test_tail_follows_what_is_written_until_it_is_interrupted(command_line: CommandLine) -> None:
    command_line.make_folder()
    stories = Stories()
    command_line.record(*stories.denied())
    words = [GATEHOUSE, "audit", "tail", "--follow", "--json", "--data", str(command_line.data)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        first = json.loads(tail.stdout.readline())
        command_line.record(*stories.answered())
        later = [json.loads(tail.stdout.readline())["kind"] for _ in range(3)]
        os.kill(tail.pid, signal.SIGINT)
        rest, complaints = tail.stdout.read(), tail.stderr.read()
    assert first["kind"] == "denied"
    assert later == ["admitted", "attempted", "completed"]
    assert (rest, complaints) == (b"", b"")
    assert tail.returncode == Exit.INTERRUPTED


def test_the_version_is_told_where_people_look_for_it(command_line: CommandLine) -> None:
    told = command_line.run_bare("--version")
    assert (told.code, told.err) == (Exit.OK, "")
    assert told.out == command_line.run_bare("version").out


@pytest.mark.parametrize("words", [["-h"], ["audit", "-h"], ["audit", "tail", "-h"]])
def test_help_has_its_short_name(command_line: CommandLine, words: list[str]) -> None:
    ran = command_line.run_bare(*words)
    assert ran.code == Exit.OK
    assert ran.out.startswith("Usage: gatehouse")
