"""Size up a plain input: a text, a list of texts, a list of tokens, or several such lists."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.errors import MalformedRequest
from gateway.wire import segments, splice
from policy.types import Segment, Zone

MOST_TEXTS: Final = 100_000
MOST_ITEMS: Final = 2_000_000
"""Texts and anything else in one list. OpenAI takes 2,048 inputs and 300,000 tokens."""

_SMALL_BYTES: Final = 256 * 1024  # cannot hold enough of them to matter
_TEXT: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
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
    refuse_too_many(value, key)
    lists = _token_lists(value)
    if lists is None:
        return _size_up_texts(splice.items(value, f"'{key}'"), len(value))
    if not lists or not all(lists):
        raise MalformedRequest(f"'{key}' must not be empty")
    return Sized(len(lists), 0, sum(map(len, lists)))


def refuse_too_many(value: msgspec.Raw, key: str) -> None:
    """Refuse a list whose items would take far more memory read than written."""
    if len(value) <= _SMALL_BYTES:
        return
    source = bytes(value)
    commas = source.count(b",")
    # No text opens with an escaped quote: most lists are told without looking at each.
    if commas <= MOST_ITEMS and source.count(b'"') - source.count(b'\\"') <= MOST_TEXTS:
        return
    inside = 0
    for found, text in enumerate(_TEXT.finditer(source)):
        inside += source.count(b",", *text.span())
        if found == MOST_TEXTS:
            raise MalformedRequest(f"'{key}' holds more than {MOST_TEXTS} texts; send fewer")
    if commas - inside > MOST_ITEMS:
        raise MalformedRequest(f"'{key}' holds more than {MOST_ITEMS} items; send fewer")


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
