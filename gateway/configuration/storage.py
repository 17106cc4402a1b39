"""Where the state is kept, as the configuration says it; taken at the start, and held to."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict

from gateway.configuration.document import GatehouseDocument, KeysDocument, StorageDocument
from gateway.configuration.problems import ConfigurationError, Place, Problem
from gateway.configuration.problems import Path as FieldPath
from gateway.configuration.reading import Written, content_of, read_bytes, read_document
from gateway.configuration.secrets import UnusableSecret, resolve, secret_file
from gateway.database_address import DatabaseAddress
from policy.document import Section
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


class _Places(Section):
    """The part of gatehouse.yaml that says where state is kept; the rest is not looked at."""

    model_config = ConfigDict(extra="ignore")

    storage: StorageDocument = StorageDocument()
    keys: KeysDocument = KeysDocument()


def storage_at(path: Path | None, environ: Mapping[str, str]) -> Storage:
    """What a file says of it, whatever else may be wrong there.

    Of a file that cannot be read at all, nothing: then the environment says where the state is, and
    the file is refused when the configuration is chosen.
    """
    if path is None:
        return NO_STORAGE
    found: list[tuple[FieldPath, str]] = []
    try:
        written = read_document(content_of(path, read_bytes), path, environ, _Places)
    except ConfigurationError:
        return NO_STORAGE
    return read_storage(written, resolve, found)


def read_storage(
    written: Written[GatehouseDocument] | Written[_Places],
    unlock: Unlock,
    found: list[tuple[FieldPath, str]],
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
