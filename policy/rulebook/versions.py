"""Versions of assistants, and bounds on them: `claude-code >= 2.0, < 2.1.200`."""

import re
from dataclasses import dataclass

from policy.versions import COMPARISONS, Version, parse_version

_BOUND = re.compile(r"(<=|>=|==|<|>) *([0-9][0-9A-Za-z.+-]*)")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class NotABound(ValueError):
    """What stands there is no assistant with bounds; the text says how one is written."""


@dataclass(frozen=True, slots=True)
class AssistantBounds:
    """An assistant's name and what its version must satisfy; no bounds: any version, or none.

    A pre-release comes before its release, and is nearly that release: what restricts holds for it
    where it would hold for either, an exception where it would hold for both.
    """

    name: str
    bounds: tuple[tuple[str, Version], ...]

    def admits(self, version: Version, *, restricting: bool) -> bool:
        """Whether a version is within all bounds, for a rule that restricts or an exception."""
        if version.is_release:
            return self._hold(version)
        enough = any if restricting else all
        return enough(self._hold(each) for each in (version, version.release))

    def _hold(self, version: Version) -> bool:
        return all(COMPARISONS[sign](version, bound) for sign, bound in self.bounds)


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
        if match is None or version is None or not version.is_release:
            raise NotABound(
                f"{part.strip()[:40]!r} is no bound of a version; "
                f"write {name} < 2.1.200, with <, <=, ==, >= or >, and commas between bounds"
            )
        bounds.append((match[1], version))
    return AssistantBounds(name, tuple(bounds))
