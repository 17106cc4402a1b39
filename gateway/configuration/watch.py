"""Take a changed configuration without a restart; a bad one is reported and the old one stays."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from gateway.configuration.build import Configuration
from gateway.configuration.listing import Pattern, UnreadableFolder, listing
from gateway.configuration.problems import ConfigurationError
from gateway.configuration.reading import digest_of, read_bytes

_log = logging.getLogger(__name__)

Load = Callable[[], Configuration]
Apply = Callable[[Configuration], Awaitable[None]]
Prints = dict[Path | Pattern, str | tuple[str, ...] | None]
"""What stands at a path; for a pattern the files it finds, or why nobody can tell."""

Pause = Callable[[float], Awaitable[object]]

_SETTLING_SECONDS = 0.1


class Standing(StrEnum):
    """How what runs stands to what is written, in a word that a stranger may read."""

    IN_FORCE = "in_force"
    FILE_REFUSED = "file_refused"
    RELOAD_FAILED = "reload_failed"  # as nobody foresaw: the log has it


@dataclass(slots=True)
class WatchState:
    """What /readyz and the metrics tell of the configuration."""

    digest: str
    error: str | None = None
    """Why what stands there is not what runs: the file's problems, or what failed."""
    standing: Standing = Standing.IN_FORCE
    reloads: int = 0
    refusals: int = 0


@dataclass(slots=True)
class Watcher:
    """Looks at the contents of the configuration, its rules and secrets every `interval_seconds`.

    Contents, through their paths, not file events: a Kubernetes ConfigMap changes by swapping a
    symlink beside the file. A change is taken once two looks a moment apart see the same bytes, so
    that a half-written file, which may be valid, is not. `load` reads the file and raises
    `ConfigurationError`; `apply` puts the new configuration in place and may raise it too.
    """

    current: Configuration
    load: Load
    apply: Apply
    interval_seconds: float = 2.0
    pause: Pause = asyncio.sleep
    state: WatchState = field(init=False)
    _seen: Prints = field(init=False)

    def __post_init__(self) -> None:
        self.state = WatchState(self.current.digest)
        self._seen = _prints_of(self.current)

    async def run(self) -> None:
        """Look for ever; ends when cancelled. However a look ends, the next one comes."""
        while True:
            await self.pause(self.interval_seconds)
            looking = asyncio.create_task(self.look(), name="configuration-look")
            try:
                await asyncio.wait([looking])
            finally:
                looking.cancel()
            self._report_end(looking)

    async def look(self) -> bool:
        """Look once. True when a new configuration was put in place.

        A refused file is read again at each look (the secret it misses may have come since), and
        reported again only when something else is wrong with it.
        """
        now = await asyncio.to_thread(_prints_now, self.current)
        if now == self._seen and self.state.error is None:
            return False
        if now != self._seen:
            await self.pause(_SETTLING_SECONDS)
            if await asyncio.to_thread(_prints_now, self.current) != now:
                return False  # still being written: the next look sees the rest
            self._seen = now
        return await self._take()

    async def _take(self) -> bool:
        try:
            fresh = await asyncio.to_thread(self.load)
            await self.apply(fresh)
        except ConfigurationError as error:
            self._refuse(str(error), error.lines)
            return False
        except OSError as error:  # a full disk, no more processes: what it asks for cannot be had
            told = f"the configuration cannot be put in place: {error.strerror or error}"
            self._refuse(told, (told,))
            return False
        self.current = fresh
        self._seen = await asyncio.to_thread(_prints_of, fresh)
        self.state.digest, self.state.error = fresh.digest, None
        self.state.standing = Standing.IN_FORCE
        self.state.reloads += 1
        _log.info("configuration_reloaded", extra={"digest": fresh.digest})
        return True

    def _refuse(self, told: str, problems: Iterable[str]) -> None:
        if self._is_new(told, Standing.FILE_REFUSED):
            _log.error("configuration_refused", extra={"problems": list(problems)})

    def _report_end(self, looking: "asyncio.Task[bool]") -> None:
        failure = None if looking.cancelled() else looking.exception()
        if failure is None:
            return
        # Not its words, which may hold a value.
        told = f"the configuration could not be looked at: {type(failure).__name__}"
        if self._is_new(told, Standing.RELOAD_FAILED):
            _log.error("configuration_watch_failed", exc_info=failure)

    def _is_new(self, told: str, standing: Standing) -> bool:
        """Keep why the configuration is not in force; whether that was not known before."""
        if told == self.state.error:
            return False
        self.state.error, self.state.standing = told, standing
        self.state.refusals += 1
        return True


def fingerprints(paths: Iterable[Path]) -> Prints:
    """The SHA-256 of each file's contents, None for one that cannot be read."""
    return {path: _fingerprint(path) for path in paths}


def _fingerprint(path: Path) -> str | None:
    try:
        return digest_of(read_bytes(path))
    except (OSError, ValueError):
        return None


def _prints_now(configuration: Configuration) -> Prints:
    """What stands there now: every watched file, and the files that each pattern finds."""
    listings: Prints = {pattern: _listed(pattern) for pattern in configuration.patterns}
    return fingerprints(configuration.watched) | listings


def _listed(pattern: Pattern) -> str | tuple[str, ...]:
    try:
        return listing(pattern)
    except UnreadableFolder as error:  # a change, which is then refused
        return str(error)


def _prints_of(configuration: Configuration) -> Prints:
    """What is in place: of the files that were read what was read, not what is there by now."""
    return _prints_now(configuration) | dict(configuration.read)
