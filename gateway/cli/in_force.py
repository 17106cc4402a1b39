"""The configuration in force, for commands that depend on it: a stored version, or the files."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.candidate import configured, loaded
from gateway.cli.configured import Named, configuration_path, read_names
from gateway.cli.data import has_database
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.output import note
from gateway.cli.stored_versions import in_versions, made_again
from gateway.settings import read_running

if TYPE_CHECKING:
    from gateway.configuration.build import Configuration
    from gateway.configuration.stored import StoredConfiguration
    from gateway.store.versions import Versions


def configuration_in_force(config: Path | None, folder: Path) -> "Configuration":
    """What the running gateway goes by, or the next one will; the file named in `config`, if any.

    Secrets need not be here. Raises `CommandFailed` where there is none, or it is wrong.
    """
    is_running = _is_running(folder)

    async def read(kept: "Versions") -> "StoredConfiguration | None":
        return await (kept.in_force() if is_running else _pinned(kept))

    stored = in_versions(folder, read) if config is None else None
    if stored is None or not stored.files:
        return configured(config, folder)
    return _restored(stored)


def names_in_force(config: Path | None, folder: Path) -> tuple[str, Named | None]:
    """What to call the configuration in question, and what it names; nothing for the embedded
    default.

    Files that are right count at once, also while the gateway beside us has yet to take them; it
    never will where they are wrong, or a version is pinned. Raises `CommandFailed`.
    """
    path = configuration_path(config, folder, Path.cwd())
    instead = None if config is not None else _instead_of(path, folder)
    if instead is not None:
        told, stored = instead
        return told, _names_of(_restored(stored))
    return str(path or "the embedded default"), None if path is None else read_names(path)


def configuration_asked_about(config: Path | None, folder: Path) -> "Configuration":
    """As `configured`; beside a gateway that runs without a file, what that goes by.

    Raises `CommandFailed`.
    """
    from gateway.configuration.choice import embedded_configuration

    running = read_running(folder)
    if config is not None or running is None or not running.is_alive or running.config is not None:
        return configured(config, folder)
    stored = in_versions(folder, _entered)
    if stored is not None and stored.files:
        return _restored(stored)
    found = asyncio.run(embedded_configuration())
    if stored is None or found.digest != stored.digest:
        raise CommandFailed(
            "the gateway here runs without a gatehouse.yaml, by what it found or was given at its "
            "start, and that is not found now: start it anew, or name a file with --config",
            Exit.NOT_FOUND,
        )
    return found


def _instead_of(path: Path | None, folder: Path) -> "tuple[str, StoredConfiguration] | None":
    """The version by which a gateway goes whatever the files say, and what to call it."""
    try:
        if read_running(folder) is None and not has_database(folder):
            return None
        pinned = in_versions(folder, _pinned)
    except CommandFailed as failure:
        note(f"whether a version is pinned is not known: {failure.message}")
        return None
    if pinned is not None and pinned.files:
        return f"version {pinned.digest[:12]} (pinned)", pinned
    if path is None or not _is_running(folder) or _is_right(path):
        return None
    stored = in_versions(folder, _entered)
    if stored is None or not stored.files:
        return None
    return f"version {stored.digest[:12]} (in force while {path} is wrong)", stored


async def _pinned(kept: "Versions") -> "StoredConfiguration | None":
    pin = (await kept.standing()).pin
    return None if pin is None or pin.digest is None else await kept.stored(pin.digest)


async def _entered(kept: "Versions") -> "StoredConfiguration | None":
    return await kept.in_force()


def _is_running(folder: Path) -> bool:
    running = read_running(folder)
    return running is not None and running.is_alive


def _is_right(path: Path) -> bool:
    try:
        loaded(path)
    except CommandFailed:
        return False
    return True


def _restored(stored: "StoredConfiguration") -> "Configuration":
    from gateway.configuration.problems import ConfigurationError

    try:
        return made_again(stored)
    except ConfigurationError as error:
        raise CommandFailed(str(error), Exit.CONFIGURATION) from error


def _names_of(configuration: "Configuration") -> Named:
    teams = {name: tuple(each.models) for name, each in configuration.team_documents.items()}
    return Named(tuple(map(configuration.offered, configuration.models)), teams)
