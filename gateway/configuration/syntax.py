"""What to tell of a file that is no YAML: where it goes wrong, and what to do there."""

import re

import yaml

from gateway.configuration.problems import Place, Problem

_BARE_BOUND = re.compile(r":\s+>=?\s*[0-9]")
_INDENT = "indent it like the lines it belongs to"


def syntax_problem(error: yaml.YAMLError, text: str) -> Problem:
    """Say what is wrong without quoting the line: it may hold a key."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Problem(Place(), (), "holds characters that YAML does not allow; retype the file")
    place = Place(error.problem_mark.line + 1, error.problem_mark.column + 1)
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    remedies = _remedies_in(line) or _remedies_of(error, line, place.column)
    return Problem(place, (), "; ".join([f"not YAML: {error.problem}", *remedies]))


def _remedies_in(line: str) -> list[str]:
    """What our own files go wrong by, seen in the line itself."""
    remedies = []
    if "${" in line:
        remedies.append('inside {...} or [...] write "${NAME}" in quotes')
    if _BARE_BOUND.search(line):
        remedies.append('put quotes around what begins with >: ">= 2.1.200"')
    return remedies


def _remedies_of(error: yaml.MarkedYAMLError, line: str, column: int) -> list[str]:
    """What the parser's complaint mostly comes from."""
    complaint = f"{error.context or ''}: {error.problem or ''}"
    begun = error.context_mark.line + 1 if error.context_mark else 1
    before = line[: column - 1].strip()
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return ["indent with spaces, not with a tab"]
    for words, remedy in (
        ("flow mapping", f"a {{ opened in line {begun} is not closed, or a comma is missing"),
        ("flow sequence", f"a [ opened in line {begun} is not closed, or a comma is missing"),
        ("end of stream", f"the quotes opened in line {begun} are not closed"),
        ("unknown escape", "put it in single quotes, which leave a backslash alone"),
        ("cannot start any token", "put quotes around it"),
        ("expected ':'", f"line {begun} has no colon"),
        (
            "mapping values",
            "put quotes around a text with ': ' in it" if ": " in before else _INDENT,
        ),
        ("did not find", "put quotes around the whole of it" if before else _INDENT),
    ):
        if words in complaint:
            return [remedy]
    return []
