"""Read and replace other programs' files: never half, never blindly, never through a trap."""

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.cli.exits import CommandFailed

_MOST_BYTES: Final = 4 << 20
_PRIVATE: Final = 0o600


class Overtaken(Exception):
    """Somebody else wrote the file between our reading and our writing."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it was found. `path` is the file itself, behind any links; no content, no file."""

    path: Path
    content: bytes | None
    mode: int = _PRIVATE

    def mode_for(self, is_private: bool) -> int:
        """Its permissions with a key in it: the owner's only."""
        return self.mode & _PRIVATE if is_private else self.mode


def look(path: Path) -> Found:
    """A settings file as it is. Raises `CommandFailed` for what must not be replaced."""
    try:
        real = path.resolve(strict=False)
        # Nothing is there, or a link to nothing: whoever made the link meant something by it.
        if not real.exists():
            if path.is_symlink():
                raise CommandFailed(f"{path} is a link to {real}, which is not there")
            return Found(real, None)
        status = real.stat()
        if not stat.S_ISREG(status.st_mode):
            raise CommandFailed(f"{path} is not a file; move it away and try again")
        if status.st_size > _MOST_BYTES:
            raise CommandFailed(f"{path} is larger than any settings file; look at it first")
        return Found(real, real.read_bytes(), stat.S_IMODE(status.st_mode))
    except RuntimeError as error:  # what resolve raises for links in a circle, before 3.13
        raise CommandFailed(f"{path} is a link to itself") from error
    except OSError as error:
        raise CommandFailed(f"cannot read {path}: {error.strerror or error}") from error


def check_writable(found: Found) -> None:
    """Raises `CommandFailed` where replacing would override what somebody meant."""
    if found.content is None:
        return
    if not found.mode & stat.S_IWUSR:
        raise CommandFailed(f"{found.path} is read-only; somebody meant that: make it writable")
    if found.path.stat().st_uid != os.geteuid():
        raise CommandFailed(f"{found.path} belongs to another user; run this as its owner")


def make_folders(folder: Path) -> list[Path]:
    """Make a folder and those above it, private; gives those that were missing, topmost first."""
    missing: list[Path] = []
    while not folder.exists():
        missing.insert(0, folder)
        folder = folder.parent
    for each in missing:
        each.mkdir(mode=0o700)
    return missing


def replace(found: Found, content: bytes, mode: int) -> None:
    """Put new content in place in one step. Raises `Overtaken` when the file is another by now."""
    handle, name = tempfile.mkstemp(prefix=f".{found.path.name}.", dir=found.path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        unfinished.chmod(mode)
        check_unchanged(found)
        unfinished.replace(found.path)
    finally:
        unfinished.unlink(missing_ok=True)


def remove(found: Found) -> None:
    """Take away a file that we made. Raises `Overtaken` when it is another by now."""
    check_unchanged(found)
    found.path.unlink(missing_ok=True)


def check_unchanged(found: Found) -> None:
    """Raises `Overtaken` when the file no longer says what it said when we looked."""
    try:
        present: bytes | None = found.path.read_bytes()
    except FileNotFoundError:
        present = None
    if present != found.content:
        raise Overtaken(found.path)
