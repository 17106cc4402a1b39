"""Find and read the files of rules that a configuration names; each rule keeps its place."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.configuration.document import GatehouseDocument
from gateway.configuration.files import Files
from gateway.configuration.listing import Pattern, UnreadableFolder
from gateway.configuration.problems import ConfigurationError, Problem
from gateway.configuration.problems import Path as FieldPath
from gateway.configuration.reading import Written, content_of, read_document
from policy.rulebook.cases import PlacedCase
from policy.rulebook.document import RulebookDocument
from policy.rulebook.rule import Placed

MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One file of rules: its name below the configuration's folder, and what was read.

    `found_by` are the places under `policy` of the patterns that found it.
    """

    name: str
    found_by: tuple[int, ...]
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
    named: Written[GatehouseDocument],
    files: Files,
    environ: Mapping[str, str],
    more: Sequence[Path] = (),
) -> tuple[PolicyFiles, list[tuple[FieldPath, str]], list[Problem]]:
    """Read them all: the files, what is wrong with `policy` itself, and what is wrong in them.

    `more` are files that no pattern needs to find.
    """
    folder = named.source.parent
    listings: dict[Pattern, tuple[str, ...]] = {}
    unfound: list[tuple[FieldPath, str]] = []
    paths: dict[Path, list[int]] = {}
    for at, pattern in enumerate(named.document.policy):
        try:
            found = listings[Pattern(folder, pattern)] = files.listing(at, Pattern(folder, pattern))
        except UnreadableFolder as error:
            unfound.append((("policy", at), str(error)))
            continue
        if not found:
            unfound.append((("policy", at), f"no file matches {pattern}; mend it or take it out"))
        unfound += ((("policy", at), told) for told in _unspeakable(found, named))
        for each in found:
            paths.setdefault(Path(each), []).append(at)
    for file in more:
        paths.setdefault(file, [])
    if len(paths) > MOST_FILES:
        unfound.append((("policy",), f"names more than {MOST_FILES} files; put rules together"))
        return PolicyFiles((), listings), unfound, []
    read: list[PolicyFile] = []
    problems: list[Problem] = []
    for path, found_by in paths.items():
        try:
            content = content_of(path, files.rules)
            written = read_document(content, path, environ, RulebookDocument)
            read.append(PolicyFile(named.name_of(path), tuple(found_by), written))
        except ConfigurationError as error:
            problems += error.placed
    return PolicyFiles(tuple(read), listings), unfound, problems


def digest_with(configuration: str, files: Sequence[PolicyFile]) -> str:
    """The name of a configuration with its rules; without any it is the file's own digest."""
    if not files:
        return configuration
    together = hashlib.sha256(configuration.encode())
    for each in files:
        together.update(f"\n{each.written.digest} {each.name}".encode())
    return together.hexdigest()


def _unspeakable(found: Iterable[str], named: Written[GatehouseDocument]) -> Iterator[str]:
    """Files whose names cannot stand in a denial's explanation, or in a digest."""
    for each in found:
        name = named.name_of(Path(each))
        if not name.isprintable():
            yield f"finds {name!a}, a name that cannot be shown; rename the file"
