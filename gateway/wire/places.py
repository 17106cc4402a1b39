"""Find values deep inside JSON text, and where they stand, so that single texts can be changed."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from gateway.errors import MalformedRequest
from gateway.wire import splice
from gateway.wire.base import Span

_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT: Final = msgspec.json.Decoder(splice.Members)
_TEXT: Final = msgspec.json.Decoder(str)
_NUMBER: Final = msgspec.json.Decoder(int)
_BLANK: Final = b" \t\r\n"
_BEFORE_ITEM: Final = re.compile(rb"[ \t\r\n]*+[\[,][ \t\r\n]*+").match
_CHARACTER: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # one, written as two halves
    rb"|\\u[0-9a-fA-F]{4}|\\.|[^\\\x80-\xff]|[\xc0-\xff][\x80-\xbf]*+"
).match
_UNREADABLE: Final = (MalformedRequest, msgspec.MsgspecError, RecursionError, UnicodeDecodeError)


class NoPlace(Exception):
    """The text is not what it was taken for: no JSON, a key twice, nested beyond reading."""


class Place(NamedTuple):
    """Where a value stands in `source`."""

    source: bytes
    start: int
    end: int

    @property
    def span(self) -> Span:
        """The same, for an edit."""
        return Span(self.start, self.end)

    @property
    def value(self) -> memoryview:
        """The value, still JSON text."""
        return memoryview(self.source)[self.start : self.end]

    def begins_with(self, letter: bytes) -> bool:
        """Whether this is an object (`{`), a list (`[`) or a string (`"`)."""
        return self.source.startswith(letter, self.start, self.end)


def top_of(source: bytes) -> Place:
    """The one value that `source` is, blanks around it left out."""
    start = len(source) - len(source.lstrip(_BLANK))
    return Place(source, start, max(start, len(source.rstrip(_BLANK))))


def keys_of(place: Place | None) -> dict[str, Place]:
    """The members of an object, but for those that are null; none of anything else.

    Raises `NoPlace` for an object with a key twice.
    """
    if place is None or not place.begins_with(b"{"):
        return {}
    try:
        values = _OBJECT.decode(place.value)
        spans = splice.locate(place.source, place.start, values, "an object")
    except _UNREADABLE as error:
        raise NoPlace from error
    found = {key: Place(place.source, *span) for key, span in spans.items()}
    return {key: each for key, each in found.items() if not each.begins_with(b"null")}


def member(place: Place | None, *keys: str) -> Place | None:
    """The value under a key, and under a key of that, ...; None where one is missing or null.

    Raises `NoPlace` for an object with a key twice.
    """
    for key in keys:
        place = keys_of(place).get(key)
    return place


def items(place: Place | None) -> Iterator[Place]:
    """The items of a list; none of anything else. Raises `NoPlace`."""
    if place is None or not place.begins_with(b"["):
        return
    try:
        values = _ITEMS.decode(place.value)
    except _UNREADABLE as error:
        raise NoPlace from error
    end = place.start
    for value in values:
        before = _BEFORE_ITEM(place.source, end)
        if before is None:
            raise NoPlace
        end = before.end() + len(value)
        yield Place(place.source, before.end(), end)


def text_of(place: Place | None) -> str | None:
    """A value that is a string. Raises `NoPlace` for one that cannot be read."""
    if place is None or not place.begins_with(b'"'):
        return None
    try:
        return _TEXT.decode(place.value)
    except _UNREADABLE as error:
        raise NoPlace from error


def number_of(place: Place | None) -> int | None:
    """A value that is a whole number."""
    try:
        return None if place is None else _NUMBER.decode(place.value)
    except msgspec.MsgspecError:
        return None


def before_character(place: Place, number: int) -> int:
    """Where, in the source, the character of that number begins, of a string that has as many."""
    position = place.start + 1
    for _ in range(number):
        character = _CHARACTER(place.source, position)
        if character is None:
            raise NoPlace
        position = character.end()
    return position


def quoted(text: str) -> bytes:
    """A text as it stands between the quotation marks of a JSON string."""
    return msgspec.json.encode(text)[1:-1]
