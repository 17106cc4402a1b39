"""Cut a stream of server-sent events into whole events, as the very bytes that arrived."""

import re
from typing import Final

MOST_EVENT_BYTES: Final = 32 << 20

_BLANK_LINE: Final = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
_CR: Final = 0x0D
_LF: Final = 0x0A
_BOM: Final = b"\xef\xbb\xbf"


class EventTooLarge(Exception):
    """One event grew over the limit: no honest upstream sends that."""


class Splitter:
    """Takes bytes in pieces of any size and gives back whole events, blank line included.

    The events, in order, and then what `finish` gives are exactly the bytes fed. Lines end in
    LF, CRLF or CR; a lone CR at the end of a piece waits for the next byte: it may be its LF.
    `rest` is what has come of an event that is not whole.
    """

    __slots__ = ("_most_event_bytes", "_searched", "rest")

    def __init__(self, most_event_bytes: int = MOST_EVENT_BYTES) -> None:
        self._most_event_bytes = most_event_bytes
        self.rest = bytearray()
        self._searched = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """The events completed by `piece`. Raises `EventTooLarge` past the limit."""
        if not self.rest and len(piece) <= self._most_event_bytes:
            events = _whole_events(piece)
            if events is not None:
                return events
        self.rest += piece
        return self._take_events()

    def finish(self) -> tuple[list[bytes], bytes]:
        """At the stream's end: the event a lone CR kept waiting, if any; and what is no event."""
        rest = bytes(self.rest)
        self.rest.clear()
        self._searched = 0
        is_event = rest == b"\r" or rest.endswith((b"\r\r", b"\n\r"))
        return ([rest], b"") if is_event else ([], rest)

    def _take_events(self) -> list[bytes]:
        rest = self.rest
        events: list[bytes] = []
        start = 0
        while (end := self._end_of_event(start)) is not None:
            self._check_size(end - start)
            events.append(bytes(rest[start:end]))
            start = self._searched = end
        if start:
            del rest[:start]
        # The last three bytes may be the first half of a blank line.
        self._searched = max(0, len(rest) - 3)
        self._check_size(len(rest))
        return events

    def _end_of_event(self, start: int) -> int | None:
        """Where the event that begins at `start` ends, if its blank line has arrived whole."""
        rest = self.rest
        if start < len(rest) and rest[start] == _LF:
            return start + 1
        if start < len(rest) and rest[start] == _CR:
            end = start + (2 if rest[start : start + 2] == b"\r\n" else 1)
        elif (match := _BLANK_LINE.search(rest, max(start, self._searched))) is not None:
            end = match.end()
        else:
            return None
        may_go_on = end == len(rest) and rest[end - 1] == _CR
        return None if may_go_on else end

    def _check_size(self, size: int) -> None:
        if size > self._most_event_bytes:
            raise EventTooLarge(f"an event of more than {self._most_event_bytes} bytes")


def _whole_events(piece: bytes) -> list[bytes] | None:
    """The common case, told apart cheaply: whole events with LF line ends and nothing else."""
    if not piece.endswith(b"\n\n") or b"\r" in piece or piece.startswith(b"\n"):
        return None
    if piece.find(b"\n\n") == len(piece) - 2:
        return [piece]
    if b"\n\n\n" in piece:
        return None
    return [event + b"\n\n" for event in piece[:-2].split(b"\n\n")]


def data_of(event: bytes) -> tuple[bytes, bytes | None]:
    """The name and the data of one event; `None` for an event without data (a comment)."""
    size = len(event)
    if event.startswith(b"data: ") and event.find(b"\n") == size - 2 and b"\r" not in event:
        return b"", event[6:-2]
    if event.startswith(b"event: ") and b"\r" not in event:
        line_end = event.find(b"\n")
        has_data = event.startswith(b"data: ", line_end + 1)
        if has_data and event.find(b"\n", line_end + 1) == size - 2:
            return event[7:line_end], event[line_end + 7 : -2]
    return _read_fields(event)


def _read_fields(event: bytes) -> tuple[bytes, bytes | None]:
    """Read an event as the standard says: any fields, any line ends."""
    name = b""
    data: list[bytes] = []
    for line in event.removeprefix(_BOM).splitlines():
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return name, b"\n".join(data) if data else None
