"""What an editor of a settings file promises, and where in a file a setting stands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]
"""What a setting can be: what JSON can say."""


@dataclass(frozen=True, slots=True)
class Item:
    """An element of a list: the mapping whose `key` is `value`, or (no `key`) the text `value`."""

    value: str
    key: str = ""

    def is_at(self, element: object) -> bool:
        """Whether this element of a list is meant."""
        if self.key:
            return isinstance(element, Mapping) and element.get(self.key) == self.value
        return element == self.value


Path = tuple[str | Item, ...]
"""From the top of a file to a setting: names of mappings, elements of lists."""


class Unreadable(Exception):
    """A file that is not what its syntax wants, or that cannot be edited without guessing."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class _Absent:
    """There is no such setting; `None` is one."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Syntax:
    """One syntax of settings. All three work on a file's whole text and raise `Unreadable`.

    `put` sets a value, making the mappings and the list above it where they are missing; `drop`
    takes a value out that is there. Neither touches what it does not have to.
    """

    read: Callable[[str], object]
    put: Callable[[str, Path, Value], str]
    drop: Callable[[str, Path], str]


def find(tree: object, path: Path) -> object:
    """The value at `path` of a file that was read, or `ABSENT`."""
    for step in path:
        if isinstance(step, Item):
            elements = tree if isinstance(tree, list) else []
            tree = next((each for each in elements if step.is_at(each)), ABSENT)
        else:
            tree = tree.get(step, ABSENT) if isinstance(tree, Mapping) else ABSENT
    return tree


def depth_of(tree: object, path: Path) -> int:
    """How many steps of `path` are there."""
    return next((at for at in range(len(path)) if find(tree, path[: at + 1]) is ABSENT), len(path))


def nested(path: Path, value: Value) -> Value:
    """`value` inside the mappings and lists that `path` names."""
    for step in reversed(path):
        value = [value] if isinstance(step, Item) else {step: value}
    return value


def name_of(path: Path) -> str:
    """A setting as a reader names it: `env.ANTHROPIC_BASE_URL`, `models[Gatehouse]`."""
    named = "".join(f"[{each.value}]" if isinstance(each, Item) else f".{each}" for each in path)
    return named.removeprefix(".")
