"""What is printed is data on stdout, words on stderr, and nothing a terminal would obey."""

import io
import json
from contextlib import redirect_stdout

import pytest

from gateway.cli.output import ReaderGone, note, print_json, print_line, print_table, printable

HOSTILE = "a\x1b[2Jb\x9bc\u202ed\ne\x00"


def test_what_a_terminal_would_obey_is_shown_instead() -> None:
    assert printable(HOSTILE) == r"a\x1b[2Jb\x9bc\u202ed\ne\x00"


def test_ordinary_text_in_any_script_is_left_alone() -> None:
    assert printable("Größe 模型 µs") == "Größe 模型 µs"


def test_a_table_goes_to_stdout_unshortened_when_piped(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("NAME", "#COUNT"), [("x" * 300, 7), (HOSTILE, 12_000)])
    shown = capsys.readouterr()
    assert "x" * 300 in shown.out
    assert "\x1b" not in shown.out
    assert shown.out.splitlines()[1].endswith("    7")
    assert shown.err == ""


def test_brackets_are_text_and_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("NAME",), [("[bold]x[/bold]",)])
    assert "[bold]x[/bold]" in capsys.readouterr().out


def test_json_is_one_ascii_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([{"a": HOSTILE}, {"b": [1, "ü"]}])
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [{"a": HOSTILE}, {"b": [1, "ü"]}]
    assert all(line.isascii() and line.isprintable() for line in lines)


def test_a_note_goes_to_stderr_and_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    note("first\x1b\nsecond")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "first\\x1b\nsecond\n")


class ClosedPipe(io.StringIO):
    """A stdout whose reader has gone."""

    def write(self, text: str, /) -> int:
        raise BrokenPipeError

    def isatty(self) -> bool:
        return False


def test_a_reader_that_has_gone_is_told_apart_from_a_failure() -> None:
    with redirect_stdout(ClosedPipe()):
        with pytest.raises(ReaderGone):
            print_line("x")
        with pytest.raises(ReaderGone):
            print_table(("NAME",), [("x",)])
