"""Where caps are counted, as the configuration says it; taken at the start, and held to."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gateway.configuration.document import GatehouseDocument
from gateway.configuration.problems import ConfigurationError, Place, Problem
from gateway.configuration.problems import Path as FieldPath
from gateway.configuration.reading import Written
from gateway.configuration.secrets import Unlock, UnusableSecret, secret_file
from policy.document import nano_usd
from providers.base import Secret

URL: Final[FieldPath] = ("counters", "url")

_SCHEMES: Final = {
    "redis": "redis",
    "rediss": "rediss",
    "valkey": "redis",
    "valkeys": "rediss",
    "unix": "unix",
}
_FORM: Final = "redis://user:password@host:6379/0 (or rediss://, valkey://, unix://)"


@dataclass(frozen=True, slots=True)
class SharedCounting:
    """Caps are counted in a store. While it is away each account may use up to
    `allowed_nano_usd`, over all `replicas`."""

    url: Secret
    namespace: str
    timeout_ms: int = 50
    lease_seconds: int = 30
    replicas: int = 1
    allowed_nano_usd: int = 0


def read_counting(
    written: Written[GatehouseDocument], unlock: Unlock, found: list[tuple[FieldPath, str]]
) -> SharedCounting | None:
    """Open and read it; None where caps are counted in the process. Problems go to `found`."""
    document = written.document.counters
    if document is None:
        return None
    try:
        url = _address(unlock(document.url, written.source.parent))
    except UnusableSecret as error:
        found.append((URL, str(error)))
        return None
    return SharedCounting(
        url,
        document.namespace,
        document.timeout_ms,
        document.lease_seconds,
        document.replicas,
        nano_usd(document.on_failure.allow_up_to_usd),
    )


def notices(written: Written[GatehouseDocument]) -> Iterator[str]:
    """A password that stands in the file for everybody who reads it."""
    document = written.document.counters
    if document is None or URL in written.tree.filled:
        return
    is_here = secret_file(document.url, written.source.parent) is None
    if is_here and "@" in document.url.reveal():
        yield (
            'counters.url stands in the file itself, with its password; use "${NAME}" or '
            "file:/run/secrets/name"
        )


def refuse_another_store(
    running: SharedCounting | None, fresh: SharedCounting | None, source: Path
) -> None:
    """What is held cannot move to another store. Raises `ConfigurationError`."""
    if fresh != running:
        told = "counters take effect at a start only: restart the gateway"
        raise ConfigurationError(str(source), [Problem(Place(), (), told)])


def _address(written: Secret) -> Secret:
    """The address as the client takes it. Raises `UnusableSecret`, which shows nothing of it."""
    try:
        parts = urlsplit(written.reveal())
        port = parts.port
    except ValueError:
        raise UnusableSecret(f"cannot be read as {_FORM}") from None
    scheme = _SCHEMES.get(parts.scheme)
    place = parts.path if scheme == "unix" else parts.hostname
    if scheme is None or not place or port == 0:
        raise UnusableSecret(f"an address of Valkey or Redis is {_FORM}")
    return Secret(scheme + written.reveal()[len(parts.scheme) :])
