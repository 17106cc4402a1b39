"""Versions of assistants, and bounds on them: `claude-code >= 2.0, < 2.1.200`."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

Version = tuple[tuple[int, ...], bool]
"""The numbers without trailing zeros, and whether it is a release (what precedes one is less)."""

_VERSION = re.compile(
    r"v?([0-9]{1,9}(?:\.[0-9]{1,9}){0,7})"  # the numbers
    r"([-.]?[A-Za-z][^+]*|-[^+]*)?"  # what makes it a version before the release
    r"(?:\+.*)?"  # a build, which orders nothing
)
_BOUND = re.compile(r"(<=|>=|==|<|>) *([0-9][0-9A-Za-z.+-]*)")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_COMPARISONS: Mapping[str, Callable[[Version, Version], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


class NotABound(ValueError):
    """What stands there is no assistant with bounds; the text says how one is written."""


@dataclass(frozen=True, slots=True)
class AssistantBounds:
    """An assistant's name and what its version must satisfy; no bounds: any version, or none."""

    name: str
    bounds: tuple[tuple[str, Version], ...]

    def admits(self, version: Version) -> bool:
        """Whether a version is within all bounds."""
        return all(_COMPARISONS[sign](version, bound) for sign, bound in self.bounds)


@lru_cache(maxsize=1024)
def parse_version(text: str | None) -> Version | None:
    """A version as assistants write theirs; None for one that cannot be compared."""
    match = _VERSION.fullmatch(text) if text else None
    if match is None:
        return None
    numbers = [int(each) for each in match[1].split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), match[2] is None


def parse_bounds(text: str) -> AssistantBounds:
    """Read `name` or `name < 1.2.3, >= 1.0`. Raises `NotABound`."""
    name, blank, rest = text.strip().partition(" ")
    if _NAME.fullmatch(name) is None:
        raise NotABound(
            "an assistant is written claude-code, or with bounds: claude-code >= 2.0, < 2.1.200"
        )
    bounds = []
    for part in rest.split(",") if blank else ():
        match = _BOUND.fullmatch(part.strip())
        version = parse_version(match[2]) if match else None
        if match is None or version is None or not version[1]:
            raise NotABound(
                f"{part.strip()[:40]!r} is no bound of a version; "
                f"write {name} < 2.1.200, with <, <=, ==, >= or >, and commas between bounds"
            )
        bounds.append((match[1], version))
    return AssistantBounds(name, tuple(bounds))
