"""Where the files of a configuration are read from: the disk, or a version that was stored."""

from pathlib import Path
from typing import Final, Protocol

from gateway.configuration.listing import Pattern, listing
from gateway.configuration.reading import read_bytes


class Files(Protocol):
    """The bytes of each file, whose path is told as the configuration names it.

    Each raises `OSError` or `ValueError` for a file that cannot be read.
    """

    def configuration(self, path: Path) -> bytes:
        """gatehouse.yaml itself."""
        ...

    def register(self, field: str, path: Path) -> bytes:
        """The register that stands under `registers.FIELD`."""
        ...

    def listing(self, at: int, pattern: Pattern) -> tuple[str, ...]:
        """The paths that the pattern at `policy.AT` finds, in order. Raises `UnreadableFolder`."""
        ...

    def rules(self, path: Path) -> bytes:
        """One of these files of rules."""
        ...


class FilesOnDisk:
    """What stands there now."""

    def configuration(self, path: Path) -> bytes:
        """As `Files` says."""
        return read_bytes(path)

    def register(self, field: str, path: Path) -> bytes:
        """As `Files` says."""
        return read_bytes(path)

    def listing(self, at: int, pattern: Pattern) -> tuple[str, ...]:
        """As `Files` says."""
        return listing(pattern)

    def rules(self, path: Path) -> bytes:
        """As `Files` says."""
        return read_bytes(path)


ON_DISK: Final = FilesOnDisk()
