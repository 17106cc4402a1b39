"""Size up a plain input: a text, a list of texts, a list of tokens, or several such lists."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.errors import MalformedRequest
from gateway.wire import segments, splice
from policy.types import Segment, Zone

_TOKENS: Final = msgspec.json.Decoder(list[int])
_TOKEN_LISTS: Final = msgspec.json.Decoder(list[list[int]])
_STRING: Final = 0x22
_LIST: Final = 0x5B
_DIGITS: Final = frozenset(b"-0123456789")


@dataclass(frozen=True, slots=True)
class Sized:
    """How many inputs there are, the bytes of their texts, and the tokens already counted."""

    inputs: int
    text_bytes: int
    tokens: int = 0


def size_up(values: splice.Members, key: str) -> Sized:
    """The size of the input under `key`.

    Raises `MalformedRequest` where it is missing, empty, or neither a text nor a list.
    """
    value = values.get(key)
    first = None if value is None else memoryview(value)[0]
    if value is None or first not in (_STRING, _LIST):
        raise MalformedRequest(f"'{key}' must be a text, or a list of texts or of tokens")
    if first == _STRING:
        return Sized(1, len(value))
    lists = _token_lists(value)
    if lists is None:
        return _size_up_texts(splice.items(value, f"'{key}'"), len(value))
    if not lists or not all(lists):
        raise MalformedRequest(f"'{key}' must not be empty")
    return Sized(len(lists), 0, sum(map(len, lists)))


def texts(values: splice.Members, keys: Iterable[str]) -> Iterator[Segment]:
    """Every text under `keys`. What comes as tokens is no text: nothing here can read it."""
    for key in keys:
        if key in values and _token_lists(values[key]) is None:
            yield from segments.search(values[key], key, Zone.USER)


def _size_up_texts(inner: list[msgspec.Raw], size: int) -> Sized:
    # llama.cpp takes tokens and texts mixed as one input.
    is_mixed = any(memoryview(each)[0] in _DIGITS for each in inner)
    return Sized(1 if is_mixed else len(inner), size)


def _token_lists(value: msgspec.Raw) -> list[list[int]] | None:
    """The tokens of each input; None where there is anything but tokens."""
    try:
        return [tokens] if (tokens := _TOKENS.decode(value)) else []
    except msgspec.MsgspecError:
        pass
    try:
        return _TOKEN_LISTS.decode(value)
    except (msgspec.MsgspecError, RecursionError):
        return None
