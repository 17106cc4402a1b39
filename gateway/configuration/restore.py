"""Make a configuration of a stored version again; its keys are those of today."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gateway.configuration.build import Configuration, load
from gateway.configuration.masking import marked_path
from gateway.configuration.problems import ConfigurationError, Place, Problem
from gateway.configuration.reading import read_bytes
from gateway.configuration.secrets import UnusableSecret, resolve, secret_file
from gateway.configuration.shipped import Shipped
from gateway.configuration.stored import Origin, StoredConfiguration, StoredFiles
from gateway.configuration.tree import Unreadable, read_tree
from providers.base import Secret


def short(digest: str) -> str:
    """A version's digest as people are shown it: its first twelve digits."""
    return digest[:12]


def restore(
    stored: StoredConfiguration,
    path: Path,
    environ: Mapping[str, str],
    shipped: Shipped,
    *,
    origin: Origin = Origin.PIN,
    opens_secrets: bool = True,
) -> Configuration:
    """Read, check and build a stored version, as if its files stood at `path`.

    Variables and files that hold keys are read as they are now. A key that stood in gatehouse.yaml
    itself is not kept: it is the one that stands at the same place of that file now. Secrets can be
    left out. Raises `ConfigurationError`.
    """
    name = f"version {short(stored.digest)}"
    if not stored.files:
        told = "its files are not kept (there were none, or too much of them)"
        raise ConfigurationError(name, [Problem(Place(), (), told)])
    keys = _KeysOfToday(path, environ)
    try:
        files = StoredFiles(stored, path)
        unlock = keys.unlock if opens_secrets else None
        built = load(path, environ, shipped, unlock=unlock, files=files)
    except ConfigurationError as error:
        problems = [replace(each, file=f"{name}, {error.file_of(each)}") for each in error.problems]
        raise ConfigurationError(name, problems) from error
    if built.digest != stored.digest and not stored.lacks_keys:
        told = f"what is stored was changed: it is {built.digest} now"
        raise ConfigurationError(name, [Problem(Place(), (), told)])
    own = {each for each in built.watched if each not in built.read}
    return replace(
        built,
        digest=stored.digest,
        stored=stored,
        origin=origin,
        watched=tuple(own | keys.files),
        patterns=(),
        read={},
    )


class _KeysOfToday:
    """Opens references, and markers by what stands in the file today. `files` are those it used."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path = path
        self._environ = environ
        self.files: frozenset[Path] = frozenset()

    def unlock(self, written: Secret, folder: Path) -> Secret:
        """The key. Raises `UnusableSecret`."""
        path = marked_path(written)
        if path is None:
            return resolve(written, folder)
        today = self._stands_at(path)
        if today is None:
            raise UnusableSecret(
                f"stood in the file itself, so it is not kept, and {self._path.name} holds none at "
                f"{'.'.join(path)} now; put it there, or into the environment or a file"
            )
        file = secret_file(today, folder)
        self.files |= {self._path} | ({file} if file else set())
        return resolve(today, folder)

    def _stands_at(self, path: tuple[str, ...]) -> Secret | None:
        try:
            value = read_tree(read_bytes(self._path), self._environ).value
        except (OSError, Unreadable):
            return None
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        return Secret(value) if isinstance(value, str) and value else None
