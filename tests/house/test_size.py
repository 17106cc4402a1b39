"""Files and functions stay short enough to be read during an incident."""

import ast
from pathlib import Path

from tests.house.reading import (
    functions,
    listing,
    name_of,
    python_files,
    tracked_files,
    tree_of,
)

LINES_OF_SOURCE = 400
LINES_OF_TEST = 700
LINES_OF_FUNCTION = 50


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def opening_of(path: Path) -> str:
    """The first paragraph of a module's docstring, on one line."""
    return " ".join((ast.get_docstring(tree_of(path)) or "").split("\n\n")[0].split())


def test_no_source_file_is_longer_than_400_lines() -> None:
    long = [
        f"{name_of(path)}: {lines(path)}"
        for path in tracked_files()
        if path.suffix in {".py", ".c", ".h"}
        and not name_of(path).startswith("tests/")
        and lines(path) > LINES_OF_SOURCE
    ]
    assert not long, listing(long, "One thought per file: split what is longer than 400 lines.")


def test_no_test_file_is_longer_than_700_lines() -> None:
    long = [
        f"{name_of(path)}: {lines(path)}"
        for path in python_files("tests")
        if lines(path) > LINES_OF_TEST
    ]
    assert not long, listing(long, "A test file tells of one thing: split it above 700 lines.")


def test_no_function_is_longer_than_50_lines() -> None:
    long = [
        f"{name_of(path)}:{function.lineno} {function.name}: {length}"
        for path in python_files()
        for function in functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > LINES_OF_FUNCTION
    ]
    assert not long, listing(long, "One screen per function: what needs a heading inside is two.")


def test_every_module_opens_with_one_sentence() -> None:
    silent = [
        f"{name_of(path)}: {opening or 'says nothing'}"
        for path in python_files()
        if not (opening := opening_of(path)).endswith((".", "?", "!", ":"))
    ]
    assert not silent, listing(silent, "A file's first line says why it exists, as a sentence.")
