"""Whether the contents of some files are others than they were, through their paths."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from gateway.configuration.build import Configuration
from gateway.configuration.listing import Pattern, UnreadableFolder, listing
from gateway.configuration.reading import digest_of, read_bytes

Prints = dict[Path | Pattern, str | tuple[str, ...] | None]
"""What stands at a path; for a pattern the files it finds, or why nobody can tell."""

Pause = Callable[[float], Awaitable[object]]

_SETTLING_SECONDS = 0.1


class Seen(Enum):
    """What a look found."""

    SAME = "same"
    UNSETTLED = "unsettled"  # still being written: the next look sees the rest
    CHANGED = "changed"


@dataclass(slots=True)
class Lookout:
    """Looks at contents, not at file events: a Kubernetes ConfigMap changes by swapping a symlink.

    A change counts once two looks a moment apart see the same bytes, so that a half-written file,
    which may be valid, does not.
    """

    paths: tuple[Path, ...]
    patterns: tuple[Pattern, ...] = ()
    prints: Prints = field(default_factory=dict)

    @classmethod
    def over(cls, configuration: Configuration) -> "Lookout":
        """Over the files of a configuration: what was read of them counts, not what is there."""
        made = cls(configuration.watched, configuration.patterns)
        made.prints = made.now() | dict(configuration.read)
        return made

    async def look(self, pause: Pause) -> Seen:
        """Look once, and remember what was seen."""
        now = await asyncio.to_thread(self.now)
        if now == self.prints:
            return Seen.SAME
        await pause(_SETTLING_SECONDS)
        if await asyncio.to_thread(self.now) != now:
            return Seen.UNSETTLED
        self.prints = now
        return Seen.CHANGED

    def read(self) -> None:
        """Remember what stands there now."""
        self.prints = self.now()

    def now(self) -> Prints:
        """What stands there now: every watched file, and the files that each pattern finds."""
        listings: Prints = {pattern: _listed(pattern) for pattern in self.patterns}
        return fingerprints(self.paths) | listings

    @property
    def digest(self) -> str:
        """A name for all that was seen."""
        seen = sorted(f"{where} {each}" for where, each in self.prints.items())
        return digest_of("\n".join(seen).encode("utf-8", "surrogateescape"))


def fingerprints(paths: Iterable[Path]) -> Prints:
    """The SHA-256 of each file's contents, None for one that cannot be read."""
    return {path: _fingerprint(path) for path in paths}


def _fingerprint(path: Path) -> str | None:
    try:
        return digest_of(read_bytes(path))
    except (OSError, ValueError):
        return None


def _listed(pattern: Pattern) -> str | tuple[str, ...]:
    try:
        return listing(pattern)
    except UnreadableFolder as error:  # a change, which is then refused
        return str(error)
