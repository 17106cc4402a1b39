"""Settings applied to a file's text, and undone: every edit is read back before it counts."""

import copy
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from gateway.cli.connecting.setting import Setting
from gateway.cli.editing.syntax import (
    ABSENT,
    Item,
    Path,
    Syntax,
    Unreadable,
    Value,
    depth_of,
    find,
    name_of,
    nested,
)


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that was written: what stood there (`ABSENT`: nothing), and a digest of ours.

    `depth` is how many steps of `path` were there before; the rest was made.
    """

    path: Path
    before: object
    depth: int
    digest: str


@dataclass(frozen=True, slots=True)
class Undone:
    """A file's text without our settings, and the settings somebody else has changed since."""

    text: str
    kept: tuple[str, ...]


def apply(text: str, settings: Iterable[Setting], syntax: Syntax) -> tuple[str, list[Change]]:
    """The text with these settings in it. Raises `Unreadable` when it cannot hold them."""
    changes = []
    for setting in settings:
        tree = syntax.read(text)
        before = find(tree, setting.path)
        if setting.yields and before is not ABSENT:
            continue
        depth = depth_of(tree, setting.path)
        changes.append(Change(setting.path, before, depth, digest_of(setting.value)))
        if before != setting.value or type(before) is not type(setting.value):
            text = _put(text, setting.path, setting.value, syntax)
    return text, changes


def undo(text: str, changes: Sequence[Change], syntax: Syntax) -> Undone:
    """The text as it was before `changes`, where nobody has changed a setting since."""
    kept = []
    for change in reversed(changes):
        present = find(syntax.read(text), change.path)
        if present is ABSENT:
            continue
        # A list's element is known by its name: the assistant may have added to it.
        if not isinstance(change.path[-1], Item) and digest_of(present) != change.digest:
            kept.append(name_of(change.path))
        elif change.before is ABSENT:
            text = _drop(text, change, syntax)
        elif change.before != present:
            text = _put(text, change.path, cast(Value, change.before), syntax)
    return Undone(text, tuple(reversed(kept)))


def digest_of(value: object) -> str:
    """By which a value is known again without being kept: some are keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _put(text: str, path: Path, value: Value, syntax: Syntax) -> str:
    before = syntax.read(text)
    depth = depth_of(before, path)
    expected = copy.deepcopy(before)
    if depth == 0 and not expected:
        expected = nested(path, value)
    else:
        _set(expected, path, value, depth)
    written = syntax.put(text, path, value)
    return _checked(written, expected, path, syntax)


def _set(tree: object, path: Path, value: Value, depth: int) -> None:
    at = min(depth, len(path) - 1)
    holder, step = find(tree, path[:at]), path[at]
    below = nested(path[at + 1 :], value)
    if isinstance(step, Item) and isinstance(holder, list):
        found = [index for index, each in enumerate(holder) if step.is_at(each)]
        if found:
            holder[found[0]] = below
        else:
            holder.append(below)
    elif isinstance(step, str) and isinstance(holder, dict):
        holder[step] = below
    else:
        raise Unreadable(f"{name_of(path)} cannot be set: what should hold it is of another kind")


def _drop(text: str, change: Change, syntax: Syntax) -> str:
    """Without the value, and without what was made to hold it if nothing else is in it."""
    expected = copy.deepcopy(syntax.read(text))
    path = change.path
    while len(path) > change.depth + 1 and _size(find(expected, path[:-1])) == 1:
        path = path[:-1]
    holder = find(expected, path[:-1])
    if isinstance(holder, list):
        holder.remove(find(expected, path))
    elif isinstance(holder, dict):
        del holder[str(path[-1])]
    return _checked(syntax.drop(text, path), expected, path, syntax)


def _size(holder: object) -> int:
    return len(holder) if isinstance(holder, list | dict) else 0


def _checked(text: str, expected: object, path: Path, syntax: Syntax) -> str:
    """The text, if it says what it should and nothing else has changed its meaning."""
    try:
        is_right = syntax.read(text) == expected
    except Unreadable:
        is_right = False
    if not is_right:
        raise Unreadable(f"{name_of(path)} cannot be changed without touching what is yours")
    return text
