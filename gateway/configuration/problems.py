"""What is wrong with a configuration: where it stands, what it is, what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

Path = tuple[str | int, ...]
"""The way to a value: field names, names people chose, positions in lists."""

_LONGEST_LINE = 500


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Line and column, both from 1; 0:0 when the file as a whole is meant."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend. `message` holds no value that came from the environment or a secret.

    `file` is given where it is not the configuration itself.
    """

    place: Place
    path: Path
    message: str
    file: str = ""

    def line_of(self, source: str) -> str:
        """`gatehouse.yaml:9:19: teams.web.limits.parallel: ...`, one line, printable, bounded."""
        where = f":{self.place.line}:{self.place.column}" if self.place.line else ""
        what = f"{dotted(self.path)}: " if self.path else ""
        return _printable(f"{self.file or source}{where}: {what}{self.message}")[:_LONGEST_LINE]


class ConfigurationError(Exception):
    """A configuration that is refused. `str()` is one line a problem, in the order of its files.

    `hint` says what else can be done, where there is something.
    """

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.hint: str | None = None
        self.problems = tuple(sorted(problems, key=self._rank))
        super().__init__("\n".join(self.lines))

    @property
    def lines(self) -> tuple[str, ...]:
        """One line a problem."""
        return tuple(each.line_of(self.source) for each in self.problems)

    @property
    def placed(self) -> tuple[Problem, ...]:
        """Its problems, each with its file, to be told beside those of others."""
        return tuple(replace(each, file=self.file_of(each)) for each in self.problems)

    def file_of(self, problem: Problem) -> str:
        """The file a problem stands in."""
        return problem.file or self.source

    def _rank(self, problem: Problem) -> tuple[bool, str, Place, str]:
        file = self.file_of(problem)
        return file != self.source, file, problem.place, str(problem.path)


def dotted(path: Path) -> str:
    """A path as people write it: `models.coder.targets.0`."""
    return ".".join(str(step) for step in path)


def suggestion(name: str, known: Sequence[str]) -> str:
    """`; did you mean ...?` when one is close, else the list, else nothing."""
    close = get_close_matches(name[:100], known, n=1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; known here: {', '.join(known)}" if known else ""


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
