"""Find and read the files of rules that a configuration names; each rule keeps its place."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.configuration.listing import Pattern, UnreadableFolder, listing
from gateway.configuration.problems import ConfigurationError, Problem
from gateway.configuration.problems import Path as FieldPath
from gateway.configuration.reading import Written, read_policy_file
from policy.rulebook.cases import PlacedCase
from policy.rulebook.document import RulebookDocument
from policy.rulebook.rule import Placed

MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One file of rules: its name below the configuration's folder, and what was read."""

    name: str
    written: Written[RulebookDocument]

    def rules(self) -> Iterator[Placed]:
        """Its rules, each with its line."""
        for at, rule in enumerate(self.written.document.rules):
            yield Placed(rule, self.name, self._line(("rules", at)))

    def cases(self) -> Iterator[PlacedCase]:
        """Its tests, each with its line."""
        for at, case in enumerate(self.written.document.tests):
            yield PlacedCase(case, self.name, self._line(("tests", at)))

    def problem(self, path: FieldPath, text: str) -> Problem:
        """Something wrong in it."""
        found = self.written.problem(path, text)
        return Problem(found.place, found.path, found.message, str(self.written.source))

    def _line(self, path: FieldPath) -> int:
        return self.written.tree.place(path).line


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """All files of rules, in the order the configuration names them, and what was looked for.

    `listings` tells, for each pattern, which files there were.
    """

    files: tuple[PolicyFile, ...]
    listings: Mapping[Pattern, tuple[str, ...]]

    def rules(self) -> tuple[Placed, ...]:
        """Every rule, in order."""
        return tuple(rule for file in self.files for rule in file.rules())

    def cases(self) -> tuple[PlacedCase, ...]:
        """Every test, in order."""
        return tuple(case for file in self.files for case in file.cases())


def read_policy_files(
    patterns: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> tuple[PolicyFiles, list[tuple[FieldPath, str]], list[Problem]]:
    """Read them all: the files, what is wrong with `policy` itself, and what is wrong in them."""
    listings: dict[Pattern, tuple[str, ...]] = {}
    unfound: list[tuple[FieldPath, str]] = []
    paths: dict[Path, None] = {}
    for at, written in enumerate(patterns):
        pattern = Pattern(folder, written)
        try:
            found = listings[pattern] = listing(pattern)
        except UnreadableFolder as error:
            unfound.append((("policy", at), str(error)))
            continue
        if not found:
            unfound.append((("policy", at), f"no file matches {written}; mend it or take it out"))
        unfound += ((("policy", at), told) for told in _unspeakable(found, folder))
        paths |= dict.fromkeys(map(Path, found))
    if len(paths) > MOST_FILES:
        unfound.append((("policy",), f"names more than {MOST_FILES} files; put rules together"))
        return PolicyFiles((), listings), unfound, []
    files, problems = _read(tuple(paths), folder, environ)
    return PolicyFiles(tuple(files), listings), unfound, problems


def digest_with(configuration: str, files: Sequence[PolicyFile]) -> str:
    """The name of a configuration with its rules; without any it is the file's own digest."""
    if not files:
        return configuration
    together = hashlib.sha256(configuration.encode())
    for each in files:
        together.update(f"\n{each.written.digest} {each.name}".encode())
    return together.hexdigest()


def _unspeakable(found: Iterable[str], folder: Path) -> Iterator[str]:
    """Files whose names cannot stand in a denial's explanation, or in a digest."""
    for each in found:
        name = _name(Path(each), folder)
        if not name.isprintable():
            yield f"finds {name!a}, a name that cannot be shown; rename the file"


def _read(
    paths: Sequence[Path], folder: Path, environ: Mapping[str, str]
) -> tuple[list[PolicyFile], list[Problem]]:
    files: list[PolicyFile] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            files.append(PolicyFile(_name(path, folder), read_policy_file(path, environ)))
        except ConfigurationError as error:
            problems += [
                Problem(each.place, each.path, each.message, error.source)
                for each in error.problems
            ]
    return files, problems


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
