"""Where the state is that a command works on: as the environment says, or the configuration."""

from dataclasses import dataclass
from pathlib import Path

from gateway.cli.configured import NOT_SET, AnyName
from gateway.cli.exits import CommandFailed, Exit
from gateway.database_address import DatabaseAddress
from gateway.settings import (
    DATABASE_VARIABLE,
    configuration_in,
    database_url,
    environment,
    read_running,
)
from providers.base import Secret


@dataclass(frozen=True, slots=True)
class Said:
    """The database and the pepper that are named. Without an address it is the data folder's."""

    address: DatabaseAddress | None = None
    pepper: Secret | None = None


def said_of(folder: Path) -> Said:
    """What is said of the state behind a data folder.

    The environment comes first; else the configuration of the gateway that last ran on the folder,
    or that of the working folder where none has. Raises `CommandFailed` when it cannot be used.
    """
    path, written = _written(folder)
    pepper = _secret(written, "keys", "pepper", path)
    if database_url(environment()) is not None:
        return Said(_address(DATABASE_VARIABLE, str(database_url(environment()))), pepper)
    url = _secret(written, "storage", "url", path)
    if url is None:
        return Said(None, pepper)
    if NOT_SET in url.reveal():
        raise CommandFailed(
            f"the state is in a database, by storage.url of {path}, and a variable of that "
            f"address is not set here: set it, or {DATABASE_VARIABLE}",
            Exit.CONFIGURATION,
        )
    return Said(_address(f"storage.url of {path}", url.reveal()), pepper)


def _written(folder: Path) -> tuple[Path | None, object]:
    """The configuration, as far as it can be read: `gatehouse check` tells what is wrong."""
    from gateway.configuration.reading import read_bytes
    from gateway.configuration.tree import Unreadable, read_tree

    last = read_running(folder)
    path = configuration_in(Path.cwd()) if last is None else last.config
    if path is None:
        return None, {}
    try:
        return path, read_tree(read_bytes(path), AnyName(environment())).value
    except (OSError, ValueError, Unreadable):
        return path, {}


def _secret(written: object, section: str, field: str, path: Path | None) -> Secret | None:
    """What stands there, opened if it is a file. Raises `CommandFailed`."""
    from gateway.configuration.secrets import UnusableSecret, resolve

    below = written.get(section) if isinstance(written, dict) else None
    text = below.get(field) if isinstance(below, dict) else None
    if path is None or not isinstance(text, str) or not text:
        return None
    try:
        return resolve(Secret(text), path.parent)
    except UnusableSecret as error:
        raise CommandFailed(f"{section}.{field} of {path} {error}", Exit.CONFIGURATION) from error


def _address(said_in: str, written: str) -> DatabaseAddress:
    try:
        return DatabaseAddress.read(written)
    except ValueError as error:
        raise CommandFailed(f"{said_in}: {error}", Exit.CONFIGURATION) from None
