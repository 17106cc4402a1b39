"""Both registers are printed with the days left, and what is refused makes the command fail."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from tests.fakes.configurations import ASSISTANTS, GOOD, VENDORS, write, write_registered
from tests.unit.gateway.cli.conftest import CommandLine


@pytest.fixture(autouse=True)
def _a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-canary-5e1f")


def lasting(text: str, days: int) -> str:
    """The register with last days so many days from today."""
    day = datetime.now(UTC).date() + timedelta(days=days)
    return text.replace("2026-07-10", str(day)).replace("2026-12-31", str(day))


def registered(folder: Path, vendors: int, assistants: int) -> None:
    write_registered(
        folder, vendors=lasting(VENDORS, vendors), assistants=lasting(ASSISTANTS, assistants)
    )


def test_what_holds_is_listed_and_all_is_well(command_line: CommandLine) -> None:
    registered(command_line.working, 200, 20)
    ran = command_line.run("registers")
    assert ran.code == Exit.OK
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[0] == "REGISTER NAME STATE DAYS LEFT VALID UNTIL REVIEWED BY WHAT"
    assert lines[1].startswith("vendors deepseek holds 200 ")
    assert lines[1].endswith("2026-01-10 Ada Lovelace internal, CN, cn-hangzhou, keeps: 30 days")
    assert lines[2].startswith("assistants claude-code lapses soon 20 ")
    assert lines[2].endswith("versions: >= 2.1.200, < 3")


def test_as_json_each_entry_is_whole(command_line: CommandLine) -> None:
    registered(command_line.working, 200, 20)
    vendor, assistant, _ = command_line.run("registers", "--json").objects
    assert (vendor["register"], vendor["state"], vendor["days_left"]) == ("vendors", "holds", 200)
    assert vendor["sub_processors"] == ["Example Hosting"]
    assert vendor["evidence"] == "https://reviews.example/deepseek"
    assert assistant["required_settings"] == {"env.CLAUDE_CODE_ATTRIBUTION_HEADER": "0"}


def test_what_has_lapsed_fails(command_line: CommandLine) -> None:
    registered(command_line.working, -1, 200)
    ran = command_line.run("registers")
    assert ran.code == Exit.FAILED
    assert "vendors deepseek lapsed -1 " in " ".join(ran.out.split())
    assert ran.err == "1 of 3 refused\n"


def test_what_is_missing_fails(command_line: CommandLine) -> None:
    write_registered(command_line.working, vendors="vendors: {}\n")
    ran = command_line.run("registers", "--json")
    assert ran.code == Exit.FAILED
    assert ran.objects[0] == {
        "register": "vendors",
        "name": "deepseek",
        "state": "missing",
        "days_left": None,
    }


def test_without_registers_there_is_nothing_to_print(command_line: CommandLine) -> None:
    write(command_line.working, GOOD)
    ran = command_line.run("registers")
    assert ran.code == Exit.NOT_FOUND
    assert "keeps no register" in ran.err


def test_a_register_that_is_wrong_is_told_as_check_tells_it(command_line: CommandLine) -> None:
    write_registered(command_line.working, vendors="vendors: 1\n")
    ran = command_line.run("registers")
    assert ran.code == Exit.CONFIGURATION
    assert "registers/vendors.yaml:1:10: vendors: needs named entries" in ran.out
    assert ran.out == command_line.run("check").out
    (told,) = command_line.run("check", "--json").objects
    assert told["file"].endswith("registers/vendors.yaml")


def test_check_lists_what_lapses_within_thirty_days_and_what_has_lapsed(
    command_line: CommandLine,
) -> None:
    registered(command_line.working, -3, 30)
    ran = command_line.run("check")
    assert ran.code == Exit.OK
    assert "registers/vendors.yaml:12:18: the review of vendor deepseek has lapsed" in ran.err
    assert "assistants.yaml:7:18: the review of assistant claude-code lapses soon: 30" in ran.err
    (summary,) = command_line.run("check", "--json").objects
    assert summary["lapsing"][0] == {"register": "vendors", "name": "deepseek", "days_left": -3}


def test_check_is_silent_about_what_holds_and_tells_at_once_what_is_missing(
    command_line: CommandLine,
) -> None:
    registered(command_line.working, 31, 31)
    assert "review" not in command_line.run("check").err
    write_registered(command_line.working, vendors="vendors: {}\n")
    assert "vendor deepseek is not in" in command_line.run("check").err
