"""What commands print: data to stdout as tables or as JSON lines, words to stderr.

Nothing read from the ledger or from an engine reaches a terminal with control characters in it.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_UNBROKEN = 100_000  # columns: what goes to a file or a pipe is never wrapped or shortened


class ReaderGone(Exception):
    """Whoever read our stdout (`| head`) has stopped. Not an error; nothing more to do."""


class _PipeConsole(Console):
    """Says that its reader has gone, instead of ending the process."""

    def on_broken_pipe(self) -> None:
        raise ReaderGone


def console() -> Console:
    """A console on this moment's stdout; plain where that is no terminal or NO_COLOR is set."""
    width = None if sys.stdout.isatty() else _UNBROKEN
    return _PipeConsole(width=width, highlight=False, markup=False, emoji=False)


def printable(value: object) -> str:
    """`value` as text without anything that a terminal would obey instead of show."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def print_json(records: Iterable[Mapping[str, object]]) -> None:
    """One object a line, ASCII only, each written out at once. Raises `ReaderGone`."""
    for record in records:
        _write(json.dumps(record, separators=(", ", ": ")))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table without lines; a column whose name starts with `#` is numbers, set to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column.removeprefix("#"),
            justify="right" if column.startswith("#") else "left",
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console().print(table)


def print_all(renderables: Iterable[RenderableType]) -> None:
    """Print what was laid out elsewhere, never wrapping a line: some of it is to be pasted."""
    out = console()
    for each in renderables:
        out.print(each, soft_wrap=True)


def print_line(text: str) -> None:
    """One line of data to stdout. Raises `ReaderGone`."""
    _write(printable(text))


def print_text(text: str) -> None:
    """Several lines of data to stdout, each fit for a terminal. Raises `ReaderGone`."""
    for line in text.removesuffix("\n").split("\n"):
        print_line(line.removesuffix("\r"))


def note(text: str) -> None:
    """A word to whoever sits before the terminal; never data. Line ends in it are kept."""
    sys.stderr.write("\n".join(map(printable, text.splitlines())) + "\n")


def forget_stdout() -> None:
    """After `ReaderGone`: what is left in its buffer must not raise again at the process's end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _write(line: str) -> None:
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderGone from None
