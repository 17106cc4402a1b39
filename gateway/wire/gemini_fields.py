"""Read Gemini's objects in either spelling that Google takes, and lists that may be one object."""

from collections.abc import Iterator
from typing import Final

import msgspec

from gateway.errors import MalformedRequest
from gateway.wire import fields, splice
from gateway.wire.splice import Members
from providers.translation.gemini_spelling import camel

MOST_ANSWERS: Final = 8  # Google's own limit for `candidateCount`

_OBJECT: Final = ord("{")


def unified(values: Members, where: str) -> Members:
    """The members under Google's spelling. Refuses one that is there in both spellings."""
    if not any("_" in key for key in values):
        return values
    found = {camel(key): value for key, value in values.items()}
    if len(found) < len(values):
        raise MalformedRequest(
            f"{where} holds a field twice, once in camelCase and once in snake_case; send it once"
        )
    return found


def members(value: msgspec.Raw, where: str) -> Members:
    """The members of one nested object, under Google's spelling. Refuses duplicates."""
    return unified(splice.members(value, where), where)


def each_of(value: msgspec.Raw, where: str) -> Iterator[tuple[str, msgspec.Raw]]:
    """The items of a list with their paths; Google takes an object for a list of one."""
    if memoryview(value)[0] == _OBJECT:
        yield where, value
        return
    for number, item in enumerate(splice.items(value, f"'{where}'")):
        yield f"{where}.{number}", item


def tool_names(values: Members, where: str) -> Iterator[str]:
    """The names of declared functions, and of what Google runs itself (`googleSearch`)."""
    if not fields.is_given(values, "tools"):
        return
    for path, raw in each_of(values["tools"], f"{where}tools"):
        tool = members(raw, path)
        for key in tool:
            if not fields.is_given(tool, key):
                continue
            if key == "functionDeclarations":
                yield from _declared_names(tool[key], f"{path}.{key}")
            else:
                yield key[: fields.MOST_NAME_CHARACTERS]


def _declared_names(declarations: msgspec.Raw, where: str) -> Iterator[str]:
    for path, raw in each_of(declarations, where):
        name = fields.tool_name(splice.members(raw, path), path)
        if name is None:
            raise MalformedRequest(f"{path} has no name")
        yield name


def generation_config(values: Members, where: str) -> Members:
    """What is asked of the answer; empty where nothing is."""
    if not fields.is_given(values, "generationConfig"):
        return {}
    return members(values["generationConfig"], f"{where}generationConfig")
