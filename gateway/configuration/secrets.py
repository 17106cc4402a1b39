"""Turn what stands for a secret into the secret itself: text, or a file that holds it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gateway.configuration.document import GatehouseDocument
from gateway.configuration.problems import Path as FieldPath
from gateway.configuration.reading import Written, read_bytes
from providers.base import Secret

Unlock = Callable[[Secret, Path], Secret]
"""Opens what stands for a secret, seen from a folder. Raises `UnusableSecret`."""

_FILE = "file:"
_MAX_SECRET_BYTES = 16_384


class UnusableSecret(ValueError):
    """A key that cannot be used; the text says why and never shows it."""


def secret_file(written: Secret, folder: Path) -> Path | None:
    """The file a reference points to (relative to the configuration's folder), if it is one."""
    text = written.reveal()
    return folder / text.removeprefix(_FILE) if text.startswith(_FILE) else None


def resolve(written: Secret, folder: Path) -> Secret:
    """The key itself. Raises `UnusableSecret`."""
    path = secret_file(written, folder)
    if path is None:
        return _checked(written.reveal())
    try:
        content = read_bytes(path, _MAX_SECRET_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a readable file"
        raise UnusableSecret(
            f"the file it names cannot be read: {reason}; check path and rights"
        ) from None
    try:
        return _checked(content.decode("ascii").strip())
    except UnicodeDecodeError:
        raise UnusableSecret("the file it names holds no secret: it is not plain ASCII") from None


def _checked(value: str) -> Secret:
    if not value:
        raise UnusableSecret("is empty; put the secret there, or leave it out")
    if len(value) > _MAX_SECRET_BYTES:
        raise UnusableSecret(f"is longer than {_MAX_SECRET_BYTES} characters; that is no secret")
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise UnusableSecret("a secret is printable ASCII without spaces, and on one line")
    return Secret(value)


def secrets_in(document: GatehouseDocument) -> Iterator[tuple[FieldPath, Secret]]:
    """Where a secret stands, and what stands there for it."""
    for name, vendor in document.vendors.items():
        if vendor.api_key is not None:
            yield ("vendors", name, "api_key"), vendor.api_key
    for at, provider in enumerate(document.identity.oidc):
        if provider.client_secret is not None:
            yield ("identity", "oidc", at, "client_secret"), provider.client_secret


def secret_files(document: GatehouseDocument, folder: Path) -> list[Path]:
    """The files that hold secrets of this configuration."""
    return [file for _, each in secrets_in(document) if (file := secret_file(each, folder))]


def unlock_all(
    written: Written[GatehouseDocument], unlock: Unlock, found: list[tuple[FieldPath, str]]
) -> Mapping[FieldPath, Secret]:
    """Open every secret; what is wrong with one is found too, so that one run shows all."""
    opened: dict[FieldPath, Secret] = {}
    for path, secret in secrets_in(written.document):
        try:
            opened[path] = unlock(secret, written.source.parent)
        except UnusableSecret as error:
            found.append((path, str(error)))
    return opened
