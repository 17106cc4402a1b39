"""Versions of assistants, and ranges of them as people write them: `>= 2.1.200, < 3`."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

ANY: Final = "any"
"""The range that every version is in, also one that cannot be told."""

_MOST_CHARACTERS: Final = 200
_SHAPE: Final = re.compile(
    r"v?(?P<numbers>[0-9]{1,9}(?:\.[0-9]{1,9}){0,7})"
    r"(?:[-.]?(?P<before>(?![xX]\b)[A-Za-z][0-9A-Za-z.-]*)|-(?P<counted>[0-9][0-9A-Za-z.-]*))?"
    r"(?:\+[0-9A-Za-z.-]*)?"
)
_BOUND: Final = re.compile(r"(<=|>=|==|<|>)\s*(\S+)")
_PARTS: Final = re.compile(r"[0-9]+|[a-z]+")

Part = tuple[bool, int, str]
"""One step of a pre-release's name; numbers come before words, as in Semantic Versioning."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version that can be compared: `0.169.0-alpha.1` is before `0.169.0`, `2.1` is `2.1.0`."""

    numbers: tuple[int, ...]
    is_release: bool
    before: tuple[Part, ...]

    @property
    def release(self) -> "Version":
        """The release that this is, or comes before."""
        return Version(self.numbers, True, ())

    def precedes_release(self, release: "Version") -> bool:
        """Whether this is a pre-release of that very release."""
        return release.is_release and not self.is_release and self.numbers == release.numbers


class NotARange(ValueError):
    """What stands there is no range of versions; the text says how one is written."""


COMPARISONS: Final[Mapping[str, Callable[[Version, Version], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Versions between bounds, all of which must hold; without bounds, any version or none.

    A pre-release of a release that is excluded as `< 3` is excluded with it.
    """

    written: str
    bounds: tuple[tuple[str, Version], ...]

    def admits(self, version: str | None) -> bool:
        """Whether a version, as an assistant tells its own, is within all bounds."""
        if not self.bounds:
            return True
        told = parse_version(version)
        if told is None:
            return False
        return all(
            COMPARISONS[sign](told, bound) and not (sign == "<" and told.precedes_release(bound))
            for sign, bound in self.bounds
        )


@lru_cache(maxsize=1024)
def parse_version(text: str | None) -> Version | None:
    """A version as assistants tell theirs; None for one that cannot be compared."""
    match = _SHAPE.fullmatch(text) if text else None
    if match is None:
        return None
    numbers = [int(each) for each in match["numbers"].split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    before = (match["before"] or match["counted"] or "").lower()
    return Version(tuple(numbers), not before, tuple(map(_part, _PARTS.findall(before))))


def parse_range(text: str) -> VersionRange:
    """Read `any`, `2.1.200`, or bounds: `>= 2.1.200, < 3`. Raises `NotARange`."""
    written = " ".join(text.split())
    if not 0 < len(written) <= _MOST_CHARACTERS:
        raise NotARange(f'write {ANY}, or bounds in quotes: ">= 2.1.200, < 3"')
    if written == ANY:
        return VersionRange(written, ())
    return VersionRange(written, tuple(map(_bound, written.split(","))))


def _bound(text: str) -> tuple[str, Version]:
    part = text.strip()
    match = _BOUND.fullmatch(part)
    sign, told = (match[1], match[2]) if match else ("==", part)
    version = parse_version(told)
    if version is None:
        raise NotARange(
            f"`{part[:40]}` is no bound of a version; write one like >= 2.1.200, "
            f"with <, <=, ==, >= or >, and commas between bounds"
        )
    return sign, version


def _part(text: str) -> Part:
    return (False, int(text), "") if text.isdigit() else (True, 0, text)
