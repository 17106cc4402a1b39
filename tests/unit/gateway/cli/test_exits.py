"""Every exit code is written where a script's author looks."""

from pathlib import Path

from gateway.cli.exits import CommandFailed, Exit

PAGE = Path(__file__).parents[4] / "docs" / "cli.md"


def test_every_exit_code_is_documented() -> None:
    text = PAGE.read_text()
    silent = [each for each in Exit if f"| {each.value} |" not in text]
    assert silent == []


def test_a_failed_command_ends_with_one_unless_it_says_otherwise() -> None:
    assert CommandFailed("it did not work").code is Exit.FAILED
    assert CommandFailed("no such key", Exit.NOT_FOUND).code is Exit.NOT_FOUND
