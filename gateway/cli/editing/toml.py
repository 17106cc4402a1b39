"""TOML, edited in place by tomlkit, which keeps comments, order and blanks."""

from collections.abc import MutableMapping
from typing import Final, cast

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError
from tomlkit.items import InlineTable

from gateway.cli.editing.syntax import Item, Path, Syntax, Unreadable, Value

_Table = MutableMapping[str, object]


def _read(text: str) -> object:
    return _parsed(text).unwrap()


def _put(text: str, path: Path, value: Value) -> str:
    document = _parsed(text)
    table: _Table = document
    names = _names(path)
    for name in names[:-1]:
        if name not in table:
            _make_table(table, name, is_outer=name != names[-2])
        below = table[name]
        if not isinstance(below, MutableMapping):
            raise Unreadable(f"{name!r} is not a table, so {names[-1]!r} cannot be set in it")
        table = below
    try:
        table[names[-1]] = value
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        raise Unreadable(f"{names[-1]!r} cannot be set: {error}") from error


def _make_table(table: _Table, name: str, *, is_outer: bool) -> None:
    is_inline = isinstance(table, InlineTable)
    try:
        table[name] = tomlkit.inline_table() if is_inline else tomlkit.table(is_outer)
    except TOMLKitError as error:
        raise Unreadable(f"{name!r} cannot be made a table: {error}") from error


def _drop(text: str, path: Path) -> str:
    document = _parsed(text)
    table: _Table = document
    names = _names(path)
    for name in names[:-1]:
        table = cast(_Table, table[name])
    try:
        del table[names[-1]]
    except TOMLKitError as error:
        raise Unreadable(f"{names[-1]!r} cannot be taken out: {error}") from error
    return tomlkit.dumps(document)


def _names(path: Path) -> list[str]:
    assert not any(isinstance(step, Item) for step in path), "no assistant needs lists in TOML"
    return [str(step) for step in path]


def _parsed(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except ParseError as error:
        raise Unreadable(str(error).partition(" at line")[0], error.line) from error
    except TOMLKitError as error:
        raise Unreadable(str(error)) from error


TOML: Final = Syntax(_read, _put, _drop)
