"""Find where the members of a JSON object stand in its bytes, and replace some of them in place.

A key that occurs twice is refused: two readers of the same bytes would see two requests.
"""

import codecs
import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from gateway.errors import MalformedRequest
from gateway.wire.base import Span

Members = dict[str, msgspec.Raw]
"""The members of one object, each value still JSON text."""

MOST_MEMBERS: Final = 10_000
MOST_OBJECTS: Final = 100_000
"""Objects in a large body, and items in one list: the longest conversations have some thousands."""

_PIECE: Final = 1 << 20
_LARGE: Final = 4 << 20  # a body below cannot hold enough objects to matter
_MOST_AT_ONCE: Final = 1 << 20  # bytes of an array whose objects are all read in one step

_OBJECT: Final = msgspec.json.Decoder(Members)
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECTS: Final = msgspec.json.Decoder(list[Members])
_KEY: Final = re.compile(rb'[ \t\r\n]*+"([^"\\]*+(?:\\.[^"\\]*+)*+)"[ \t\r\n]*+:[ \t\r\n]*+').match
_NEXT_OBJECT: Final = re.compile(rb'(?:[^"{]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+\{').match
_AFTER: Final = re.compile(rb"[ \t\r\n]*+([,}])").match
_PLAIN_KEY: Final = re.compile(r"[a-z_]{1,32}\Z").match
_SURROGATE: Final = re.compile(rb"(?<!\\)(?:\\\\)*+\\u[dD][89a-fA-F]")
_new: Final = tuple.__new__  # half the time of a named tuple's own way
_BYTE_ORDER_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def parse(body: bytes) -> tuple[Members, dict[str, Span]]:
    """Read a whole body: the members of its one object, and where their values stand.

    Raises `MalformedRequest` for anything but one JSON object in UTF-8 whose top-level keys
    are all different: also for NaN, infinities, a byte order mark and nesting too deep to read.
    """
    _check_encoding(body)
    if len(body) > _LARGE:
        _refuse_crowd(body)
    try:
        values = _OBJECT.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise MalformedRequest(_explain(body, error)) from error
    return values, locate(body, body.index(b"{"), values, "the body")


def members(value: msgspec.Raw, where: str) -> Members:
    """The members of one nested object. Refuses duplicates and any other type."""
    try:
        values = _OBJECT.decode(value)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise MalformedRequest(f"{where} must be an object") from error
    if not _is_compact(values, len(value)):
        locate(bytes(value), 0, values, where)
    return values


def items(value: msgspec.Raw, where: str) -> list[msgspec.Raw]:
    """The items of one array. Raises `MalformedRequest` for any other type."""
    try:
        return _ARRAY.decode(value)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise MalformedRequest(f"{where} must be an array") from error


def compact_objects(array: msgspec.Raw) -> list[Members] | None:
    """The members of every object of an array, the blanks around their tokens taken out.

    None when this is no array of objects, is very long, or a key may occur twice or be oddly
    spelt: `items` and `members` then read it one by one, and say what is wrong.
    """
    if len(array) > _MOST_AT_ONCE:
        return None
    try:
        compact = msgspec.json.format(bytes(array), indent=-1)
        found = _OBJECTS.decode(compact)
    except (msgspec.MsgspecError, RecursionError):
        return None
    # Written anew each key stands once, in its shortest form: no shorter means that none was lost.
    return found if len(msgspec.json.encode(found)) == len(compact) else None


def locate(body: bytes, start: int, values: Members, where: str) -> dict[str, Span]:
    """Where each of `values`, the members of the object at `body[start]`, stands in `body`.

    Exact: it follows the source, member by member. Raises `MalformedRequest` when a key
    occurs twice, since a decoder keeps only the last of them.
    """
    if len(values) > MOST_MEMBERS:
        raise MalformedRequest(f"{where} has more than {MOST_MEMBERS} members")
    if start == 0 and _is_compact(values, len(body)):
        return _lay_out(values)
    return _follow_spaced(body, start, values) or _follow(body, start, values, where)


def _follow(body: bytes, start: int, values: Members, where: str) -> dict[str, Span]:
    spans: dict[str, Span] = {}
    if not values:
        return spans
    position = start + 1
    while (key_match := _KEY(body, position)) is not None:
        key = _spelt(key_match[1])
        position = key_match.end()
        value = values.get(key)
        if value is None or key in spans or not body.startswith(value, position):
            raise _duplicate(key, where, key_match.start(1))
        end = position + len(value)
        spans[key] = Span(position, end)
        # A number that goes on (12 where the decoder kept 1) is an earlier, different value.
        after = _AFTER(body, end)
        if after is None:
            raise _duplicate(key, where, key_match.start(1))
        if after[1] == b"}":
            break
        position = after.end()
    return spans


def apply(body: bytes, replacements: Iterable[tuple[Span, bytes]]) -> bytes:
    """`body` with each span replaced; an empty span inserts. Every other byte stays.

    Raises `ValueError` when two spans overlap or one lies outside the body.
    """
    pieces: list[bytes] = []
    position = 0
    for span, replacement in sorted(replacements, key=lambda each: each[0]):
        if not position <= span.start <= span.end <= len(body):
            raise ValueError(f"span {span.start}:{span.end} overlaps another or leaves the body")
        pieces += (body[position : span.start], replacement)
        position = span.end
    pieces.append(body[position:])
    return b"".join(pieces)


def _is_compact(values: Mapping[str, msgspec.Raw], length: int) -> bool:
    """True when these members, each once and without a blank, fill exactly `length` bytes.

    A character of a key takes at least one byte however it is spelt, and a duplicate takes
    more: so equality proves that there is no duplicate, no blank and no escape in a key.
    """
    texts = sum(map(len, values)) + sum(map(len, values.values()))
    return 1 + texts + 4 * len(values) == length


def _lay_out(values: Members) -> dict[str, Span]:
    """Where the values of a compact object stand, counted instead of searched."""
    spans: dict[str, Span] = {}
    position = 1
    for key, value in values.items():
        position += len(key) + 3
        end = position + len(value)
        spans[key] = _new(Span, (position, end))
        position = end + 1
    return spans


def _follow_spaced(body: bytes, start: int, values: Members) -> dict[str, Span] | None:
    """Where the values stand in the way of writing that most SDKs have: a blank after each `:`
    and `,` and no other. None where the object is written otherwise, or a key occurs twice.
    """
    spans: dict[str, Span] = {}
    end = start
    lead = '{"'
    for key, value in values.items():
        opening = f'{lead}{key}": '.encode()
        position = end + len(opening)
        if not (body.startswith(opening, end) and body.startswith(value, position)):
            return None
        end = position + len(value)
        spans[key] = _new(Span, (position, end))
        lead = ', "'
    return spans if body.startswith(b"}", end) else None


def _spelt(key: bytes) -> str:
    """A key as the decoder knows it, its escapes resolved."""
    if b"\\" in key:
        return msgspec.json.decode(b'"' + key + b'"', type=str)
    return key.decode()


def _duplicate(key: str, where: str, position: int) -> MalformedRequest:
    # A key is the caller's text and may be a secret: only plain lower-case words are repeated.
    named = f"the key {key!r}" if _PLAIN_KEY(key) else "a key"
    return MalformedRequest(f"{where} holds {named} twice (byte {position}); send each key once")


def _refuse_crowd(body: bytes) -> None:
    """Refuse objects that would take far more time and memory read than written."""
    if body.count(b"{") <= MOST_OBJECTS:
        return
    # A text may hold any number of braces: those outside of texts count.
    found, position = 0, 0
    while (opening := _NEXT_OBJECT(body, position)) is not None:
        found, position = found + 1, opening.end()
        if found > MOST_OBJECTS:
            raise MalformedRequest(f"the body holds more than {MOST_OBJECTS} objects; send fewer")


def _check_encoding(body: bytes) -> None:
    if body.isascii():
        return
    if body.startswith(_BYTE_ORDER_MARKS):
        raise MalformedRequest("the body begins with a byte order mark; send plain UTF-8 JSON")
    decoder = codecs.getincrementaldecoder("utf-8")()
    position = 0
    try:
        # In pieces: as one string a body could take four times its size.
        for position in range(0, len(body), _PIECE):
            decoder.decode(body[position : position + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        near = max(0, position + error.start - 3)
        raise MalformedRequest(
            f"the body is not UTF-8 near byte {near}; send UTF-8 JSON"
        ) from error


def _explain(body: bytes, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the body is nested too deeply; send flatter JSON"
    if isinstance(error, msgspec.ValidationError):
        return "the body must be a JSON object"
    if not body.strip():
        return "the body is empty; send a JSON object"
    reason = str(error).removeprefix("JSON is malformed: ")
    if "surrogate" in reason or ("truncated" in reason and _SURROGATE.search(body)):
        return "the body escapes half of a surrogate pair, or ends early; send whole characters"
    return f"the body is not JSON: {reason}; send one JSON object"
