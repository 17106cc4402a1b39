"""Leave out the cache marks that a client sets in a conversation: they say nothing to the model."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway.wire.base import Span

_MARK: Final = b'"cache_control"'  # in a text its quotes would be escaped: what is found is a key
_AFTER_COMMA: Final = re.compile(
    rb',[ \t\r\n]*+"cache_control"[ \t\r\n]*+:[ \t\r\n]*+(?:null|\{[^{}]*+\})'
).match
_AT_FIRST: Final = re.compile(
    rb'"cache_control"[ \t\r\n]*+:[ \t\r\n]*+(?:null|\{[^{}]*+\})(?:[ \t\r\n]*+,[ \t\r\n]*+)?+'
).match
_BLANKS: Final = b" \t\r\n"
_COMMA: Final = 0x2C


def unmarked(
    body: bytes, values: Mapping[str, msgspec.Raw], spans: Mapping[str, Span], names: Sequence[str]
) -> list[bytes | None]:
    """Each of these members as if nobody had marked anything in it; None for one not there."""
    said: list[bytes | None] = []
    for name in names:
        span = spans.get(name)
        if span is None:
            said.append(None)
            continue
        start, end = span
        found = body.find(_MARK, start, end)
        said.append(values[name] if found < 0 else _without_marks(body, start, end, found))
    return said


def _without_marks(body: bytes, start: int, end: int, found: int) -> bytes:
    pieces: list[bytes] = []
    while found >= 0:
        mark = _mark_at(body, start, found, end)
        if mark is not None:
            pieces.append(body[start : mark.start()])
            start = mark.end()
        found = body.find(_MARK, max(start, found + len(_MARK)), end)
    pieces.append(body[start:end])
    return b"".join(pieces)


def _mark_at(body: bytes, least: int, found: int, end: int) -> re.Match[bytes] | None:
    """The mark whose key stands there, with the comma that it takes along."""
    start = found
    while start > least and body[start - 1] in _BLANKS:
        start -= 1
    if start > least and body[start - 1] == _COMMA:
        return _AFTER_COMMA(body, start - 1, end)
    return _AT_FIRST(body, found, end)
