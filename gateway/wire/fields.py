"""Read the few typed fields that facts need, refusing each wrong one by its name."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

import msgspec

from gateway.errors import MalformedRequest
from gateway.wire import splice
from gateway.wire.splice import Members

MOST_NAME_CHARACTERS: Final = 256
MOST_TOOLS: Final = 10_000
MOST_TOKENS: Final = 2**31 - 1
_MOST_REMEMBERED_BYTES: Final = 64 * 1024
_REMEMBERED: Final = 64

_NULL: Final = msgspec.Raw(b"null")
_TEXT: Final = msgspec.json.Decoder(str)
_FLAG: Final = msgspec.json.Decoder(bool)
_COUNT: Final = msgspec.json.Decoder(int)


def is_given(values: Members, key: str) -> bool:
    """True when the member stands there and is not null."""
    value = values.get(key)
    return value is not None and value != _NULL


def model_of(values: Members) -> str:
    """The model the client names: 1 to 256 characters, all printable."""
    if "model" not in values:
        raise MalformedRequest("'model' is missing; GET /v1/models lists yours")
    return _name(values["model"], "'model'")


def flag(values: Members, key: str) -> bool:
    """A boolean; absent and null are false."""
    value = values.get(key)
    if value is None or value == _NULL:
        return False
    try:
        return _FLAG.decode(value)
    except msgspec.MsgspecError as error:
        raise MalformedRequest(f"'{key}' must be true or false") from error


def count(values: Members, key: str, most: int, *, least: int = 1) -> int | None:
    """A whole number from `least` to `most`; absent and null are None."""
    value = values.get(key)
    if value is None or value == _NULL:
        return None
    try:
        number = _COUNT.decode(value)
    except msgspec.MsgspecError as error:
        raise _no_count(key, least, most) from error
    if not least <= number <= most:
        raise _no_count(key, least, most)
    return number


def _no_count(key: str, least: int, most: int) -> MalformedRequest:
    return MalformedRequest(f"'{key}' must be a whole number from {least} to {most}")


def text(value: msgspec.Raw, where: str) -> str:
    """A string."""
    try:
        return _TEXT.decode(value)
    except msgspec.MsgspecError as error:
        raise MalformedRequest(f"{where} must be a string") from error


def tools_of(values: Members, key: str) -> Iterator[tuple[str, Members]]:
    """Each tool definition under `key`, with its path. Refuses duplicates, and all but a list."""
    if not is_given(values, key):
        return
    definitions = splice.items(values[key], f"'{key}'")
    if len(definitions) > MOST_TOOLS:
        raise MalformedRequest(f"'{key}' holds more than {MOST_TOOLS} tools")
    for number, definition in enumerate(definitions):
        path = f"{key}.{number}"
        yield path, splice.members(definition, path)


def compact_tools_of(values: Members, key: str) -> Iterator[tuple[str, Members]]:
    """The same, several times faster, for reading names: without the blanks inside definitions."""
    if not is_given(values, key):
        return
    found = splice.compact_objects(values[key])
    if found is None or len(found) > MOST_TOOLS:
        yield from tools_of(values, key)
        return
    for number, tool in enumerate(found):
        yield f"{key}.{number}", tool


ReadNames = Callable[[Members], Iterator[str]]
"""Names in the tool definitions of a body, of which only those members are given."""


def names_of_tools(values: Members, keys: tuple[str, ...], read: ReadNames) -> tuple[str, ...]:
    """The names that `read` finds in the members `keys`, which hold tool definitions.

    Definitions are the same bytes on every turn of a conversation, and slow to read: what was
    found in the last of them is remembered.
    """
    if values.keys().isdisjoint(keys):
        return ()
    given = {key: values[key] for key in keys if key in values}
    if sum(map(len, given.values())) > _MOST_REMEMBERED_BYTES:
        return tuple(read(given))
    return _remembered_names(tuple((key, bytes(raw)) for key, raw in given.items()), read)


@lru_cache(maxsize=_REMEMBERED)
def _remembered_names(given: tuple[tuple[str, bytes], ...], read: ReadNames) -> tuple[str, ...]:
    return tuple(read({key: msgspec.Raw(text) for key, text in given}))


def tool_name(values: Members, path: str) -> str | None:
    """The name in one (part of a) tool definition, if it has one."""
    return _name(values["name"], f"{path}.name") if is_given(values, "name") else None


def tool_type(values: Members, path: str) -> str:
    """What a tool without a name is known by."""
    if not is_given(values, "type"):
        raise MalformedRequest(f"{path} has neither a name nor a type")
    return _name(values["type"], f"{path}.type")


def _name(value: msgspec.Raw, where: str) -> str:
    name = text(value, where)
    if not (0 < len(name) <= MOST_NAME_CHARACTERS and name.isprintable()):
        raise MalformedRequest(
            f"{where} must be 1 to {MOST_NAME_CHARACTERS} characters, none of them invisible"
        )
    return name
