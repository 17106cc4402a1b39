"""Turn what stands for a secret (an api_key, a password) into itself: text, or a file's."""

from collections.abc import Callable
from pathlib import Path

from gateway.configuration.reading import read_bytes
from providers.base import Secret

Unlock = Callable[[Secret, Path], Secret]
"""Makes what stands in a file of this folder into the secret. Raises `UnusableSecret`."""

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
        raise UnusableSecret("the file it names holds no key: it is not plain ASCII") from None


def _checked(value: str) -> Secret:
    if not value:
        raise UnusableSecret("is empty; put the key there, or leave it out")
    if len(value) > _MAX_SECRET_BYTES:
        raise UnusableSecret(f"is longer than {_MAX_SECRET_BYTES} characters; that is no key")
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise UnusableSecret("a key is printable ASCII without spaces, and on one line")
    return Secret(value)
