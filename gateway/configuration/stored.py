"""A configuration as it is stored: its files as people wrote them, but for keys, and its digest."""

import gzip
import pwd
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import orjson

from gateway.configuration.document import GatehouseDocument
from gateway.configuration.listing import Pattern
from gateway.configuration.masking import NOT_KEPT, kept_text
from gateway.configuration.policy_files import PolicyFile
from gateway.configuration.reading import Document, Written
from gateway.configuration.registers import ReadRegisters

MOST_BYTES: Final = 8 * 1024 * 1024
"""Of all texts together; a configuration that is larger is named, and not kept."""

CONFIGURATION: Final = "configuration"
"""The role of gatehouse.yaml among the files."""


class Origin(StrEnum):
    """Where the configuration in force was taken from."""

    FILES = "files"
    PIN = "pin"  # a stored version, by somebody's order, until the order ends
    LAST_GOOD = "last_good"  # the stored version of before, since the files could not be used
    APPROVED = "approved"  # the stored version of before, since nobody approved what the files say
    EMBEDDED = "embedded"  # there are no files


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file. `role` is `configuration`, the register's field, or `policy.N` for a file of rules
    that the Nth pattern finds (`policy.0.2` where two do).

    `name` is its path below the configuration's folder, `owner` the operating system's name for
    whose file it was.
    """

    role: str
    name: str
    text: str
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class StoredConfiguration:
    """The files of one configuration. `source` is the path at which gatehouse.yaml stood.

    There are no `files` where the whole was too large to keep, or has none.
    """

    digest: str
    source: str | None
    files: tuple[StoredFile, ...]

    @classmethod
    def of(
        cls,
        digest: str,
        written: Written[GatehouseDocument],
        registers: ReadRegisters,
        rules: Iterable[PolicyFile],
    ) -> "StoredConfiguration":
        """What may be kept of what was read."""
        files = [_file(CONFIGURATION, written.source.name, written)]
        if (vendors := registers.vendors) is not None:
            files.append(_file("vendors", written.name_of(vendors.source), vendors))
        if (assistants := registers.assistants) is not None:
            files.append(_file("assistants", written.name_of(assistants.source), assistants))
        for each in rules:
            role = ".".join(map(str, ("policy", *each.found_by)))
            files.append(_file(role, each.name, each.written))
        whole = cls(digest, str(written.source), tuple(files))
        return whole if whole.size_bytes <= MOST_BYTES else replace(whole, files=())

    @property
    def size_bytes(self) -> int:
        """All texts together."""
        return sum(len(each.text.encode()) for each in self.files)

    @property
    def lacks_keys(self) -> bool:
        """Whether keys stood in the files themselves, which are not kept."""
        return any(NOT_KEPT in each.text for each in self.files)

    def packed(self) -> bytes:
        """The files as the database keeps them."""
        return gzip.compress(orjson.dumps([asdict(each) for each in self.files]), mtime=0)

    @classmethod
    def unpacked(cls, digest: str, source: str | None, packed: bytes) -> "StoredConfiguration":
        """What `packed` made. Raises `ValueError` or `OSError` for anything else."""
        files: list[Mapping[str, Any]] = orjson.loads(gzip.decompress(packed))
        return cls(digest, source, tuple(StoredFile(**each) for each in files))


class StoredFiles:
    """The `Files` of a stored configuration, as if they stood where `path` says."""

    def __init__(self, stored: StoredConfiguration, path: Path) -> None:
        self._stored = stored
        self._folder = path.parent

    def configuration(self, path: Path) -> bytes:
        """As `Files` says."""
        return self._by_role(CONFIGURATION)

    def register(self, field: str, path: Path) -> bytes:
        """As `Files` says."""
        return self._by_role(field)

    def listing(self, at: int, pattern: Pattern) -> tuple[str, ...]:
        """As `Files` says."""
        found = (each for each in self._stored.files if str(at) in each.role.split(".")[1:])
        return tuple(str(self._folder / each.name) for each in found)

    def rules(self, path: Path) -> bytes:
        """As `Files` says."""
        for each in self._stored.files:
            if each.role.startswith("policy.") and self._folder / each.name == path:
                return each.text.encode()
        raise OSError("is not among the files that were stored")

    def _by_role(self, role: str) -> bytes:
        for each in self._stored.files:
            if each.role == role:
                return each.text.encode()
        raise OSError("is not among the files that were stored")


def _file(role: str, name: str, written: Written[Document]) -> StoredFile:
    return StoredFile(role, name, kept_text(written), _owner(written.source))


def _owner(path: Path) -> str | None:
    try:
        return pwd.getpwuid(path.stat().st_uid).pw_name
    except (OSError, KeyError):  # it has just gone, or its owner has no name here
        return None
