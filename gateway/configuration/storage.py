"""Where the state is kept, as the configuration says it; taken at the start, and held to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateway.configuration.document import GatehouseDocument
from gateway.configuration.problems import ConfigurationError, Place, Problem
from gateway.configuration.problems import Path as FieldPath
from gateway.configuration.reading import Written
from gateway.configuration.secrets import UnusableSecret, secret_file
from gateway.database_address import DatabaseAddress
from providers.base import Secret

DurableIn = Literal["database", "journal"]
Unlock = Callable[[Secret, Path], Secret]

URL: FieldPath = ("storage", "url")
PEPPER: FieldPath = ("keys", "pepper")


@dataclass(frozen=True, slots=True)
class Storage:
    """What the file says of the database, of what makes a record durable, and of the pepper.

    What is None is said elsewhere, or left to its default.
    """

    address: DatabaseAddress | None = None
    durable_in: DurableIn | None = None
    pepper: Secret | None = None


NO_STORAGE = Storage()
"""Of a configuration that says nothing of it."""


def read_storage(
    written: Written[GatehouseDocument], unlock: Unlock, found: list[tuple[FieldPath, str]]
) -> Storage:
    """Open and read it. What is wrong is added to `found`."""
    document, folder = written.document, written.source.parent

    def opened(path: FieldPath, secret: Secret | None) -> Secret | None:
        try:
            return None if secret is None else unlock(secret, folder)
        except UnusableSecret as error:
            found.append((path, str(error)))
            return None

    address = None
    if (url := opened(URL, document.storage.url)) is not None:
        try:
            address = DatabaseAddress.read(url.reveal())
        except ValueError as error:
            found.append((URL, str(error)))
    pepper = opened(PEPPER, document.keys.pepper)
    return Storage(address, document.storage.durable_in, pepper)


def notices(written: Written[GatehouseDocument]) -> Iterator[str]:
    """Secrets that stand in the file for everybody who reads it."""
    document = written.document
    for path, secret in ((URL, document.storage.url), (PEPPER, document.keys.pepper)):
        if secret is None or path in written.tree.filled:
            continue
        if secret_file(secret, written.source.parent) is None:
            name = ".".join(map(str, path))
            yield f'{name} stands in the file itself; use "${{NAME}}" or file:/run/secrets/name'


def refuse_a_move(running: Storage, fresh: Storage, source: Path) -> None:
    """The state cannot move away under a gateway that serves. Raises `ConfigurationError`."""
    if fresh != running:
        told = "storage and keys.pepper take effect at a start only: restart the gateway"
        raise ConfigurationError(str(source), [Problem(Place(), (), told)])
