"""Find the files that a pattern names; what cannot be looked into is said, never passed over."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

_BELOW: Final = "**"
_SPECIAL: Final = frozenset("*?[")


class UnreadableFolder(Exception):
    """There may be files that match, but nobody here can tell; the message names the place."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Names of files as people write them, `policy/**/*.yaml`, and the folder they are below.

    `*`, `?` and `[...]` are special, `**` is any folders or none. Of the folder's own name nothing
    is special. What is hidden is found by its name only.
    """

    folder: Path
    written: str


def listing(pattern: Pattern) -> tuple[str, ...]:
    """The paths that match, in the order of their names. Raises `UnreadableFolder`."""
    # Path.glob and glob.glob pass over what they may not read.
    whole = Path(pattern.written)
    if whole.is_absolute():
        found = _found(whole.anchor, whole.parts[1:])
    else:
        found = _found(str(pattern.folder), whole.parts)
    return tuple(sorted(set(found)))


def _found(folder: str, parts: Sequence[str]) -> Iterator[str]:
    """What matches below a folder, part by part."""
    if not parts:
        yield folder
        return
    first, rest = parts[0], parts[1:]
    if first == _BELOW:
        for each in _with_all_below(folder, frozenset()):
            yield from _found(each, rest or ("*",))
    elif _SPECIAL.isdisjoint(first):
        path = Path(folder, first)
        if rest or _stands(path):
            yield from _found(str(path), rest)
    else:
        for entry in _entries(folder):
            if _matches(entry.name, first) and (not rest or _is_folder(entry)):
                yield from _found(entry.path, rest)


def _with_all_below(folder: str, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    """A folder and all below it. A link back to one of those `above` leads to nothing new."""
    identity = _identity(folder)
    if identity is None or identity in above:
        return
    yield folder
    for entry in _entries(folder):
        if not entry.name.startswith(".") and _is_folder(entry):
            yield from _with_all_below(entry.path, above | {identity})


def _matches(name: str, part: str) -> bool:
    return fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))


def _entries(folder: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _unreadable(folder, error) from error


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        raise _unreadable(entry.path, error) from error


def _stands(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unreadable(str(path.parent), error) from error
    return True


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        found = Path(folder).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(folder, error) from error
    return found.st_dev, found.st_ino


def _unreadable(path: str, error: OSError) -> UnreadableFolder:
    return UnreadableFolder(
        f"{path} cannot be looked into ({error.strerror or error}), and it may hold rules; "
        "give the gateway the right to, or take it out of the pattern"
    )
