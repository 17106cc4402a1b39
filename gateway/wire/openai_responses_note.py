"""Notes in responses: before the first words, in every event that tells their text again.

The events that follow keep their numbers; what points into the text by position is moved along.
"""

from collections.abc import Iterator
from typing import Final

from gateway.wire import splice
from gateway.wire.base import Reading
from gateway.wire.note_form import Change, Said, before_words, change_event, given, said_by
from gateway.wire.places import NoPlace, Place, items, member, number_of, text_of, top_of
from gateway.wire.sse import data_of

_ROLE: Final = "assistant"
_DELTA: Final = b"response.output_text.delta"
_ENDINGS: Final = frozenset(("response.completed", "response.incomplete", "response.failed"))
_HEAD_BYTES: Final = 160  # where an event's name and type stand
_POSITIONS: Final = ("start_index", "end_index")

Spot = tuple[int | None, int | None]
"""Which item of the output, and which part of it."""


class ResponsesNotes:
    """`NoteForm` of OpenAI's responses."""

    def has_room(self, reading: Reading) -> bool:
        """Not where the answer has a form to keep, or stands beside its tokens."""
        shape = member(given(reading, "text"), "format")
        if shape is not None and text_of(member(shape, "type")) != "text":
            return False
        wanted = items(given(reading, "include"))
        if any("logprobs" in (text_of(each) or "") for each in wanted):
            return False
        return number_of(given(reading, "top_logprobs")) in (None, 0)

    def in_document(self, document: bytes, note: str) -> bytes | None:
        """As the port says."""
        try:
            changes = _in_response(top_of(document), note)
        except NoPlace:
            return None
        return splice.apply(document, changes) if changes else None

    def in_stream(self, note: str) -> "ResponsesNote":
        """As the port says."""
        return ResponsesNote(note)

    def said(self, reading: Reading) -> Iterator[Said]:
        """As the port says."""
        return said_by(_ROLE, given(reading, "input"), "input")


class ResponsesNote:
    """A note on its way into one stream (`StreamNote`)."""

    __slots__ = ("_note", "_spot", "is_over", "is_written")

    def __init__(self, note: str) -> None:
        self._note = note
        self._spot: Spot | None = None
        self.is_written = False
        self.is_over = False

    def pass_on(self, event: bytes) -> bytes:
        """The event; with the note, if it tells the first text."""
        if self._spot is not None and _DELTA in event[:_HEAD_BYTES]:
            return event
        _, data = data_of(event)
        if data is None:
            return event
        try:
            changes = self._changes(top_of(data))
            changed = change_event(event, data, changes) if changes else event
        except NoPlace:
            self.is_over = self.is_over or not self.is_written
            return event
        self.is_written = self.is_written or bool(changes)
        return changed

    def _changes(self, event: Place) -> list[Change]:
        kind = text_of(member(event, "type")) or ""
        if kind in _ENDINGS:
            self.is_over = True
            return _in_response(member(event, "response"), self._note)
        if kind == "response.output_text.annotation.added":
            is_ours = self._spot == _spot_of(event)
            return _moved(member(event, "annotation"), self._note) if is_ours else []
        for spot, part, key in _told(kind, event):
            is_known = self._spot is not None
            if is_known and (spot != self._spot or key == "delta"):
                continue
            change = before_words(member(part, key), self._note)
            if change is not None:
                self._spot = spot
                return [change, *_moved_in(part, self._note)]
        return []


def _told(kind: str, event: Place) -> Iterator[tuple[Spot, Place, str]]:
    """The texts for the reader that an event tells: where, what holds it, and under which key."""
    match kind:
        case "response.output_text.delta":
            yield _spot_of(event), event, "delta"
        case "response.output_text.done":
            yield _spot_of(event), event, "text"
        case "response.content_part.added" | "response.content_part.done":
            part = member(event, "part")
            if part is not None and _is_text(part):
                yield _spot_of(event), part, "text"
        case "response.output_item.added" | "response.output_item.done":
            item = _spot_of(event)[0]
            for number, part in enumerate(items(member(event, "item", "content"))):
                if _is_text(part):
                    yield (item, number), part, "text"


def _spot_of(event: Place) -> Spot:
    return number_of(member(event, "output_index")), number_of(member(event, "content_index"))


def _is_text(part: Place) -> bool:
    return text_of(member(part, "type")) == "output_text"


def _in_response(response: Place | None, note: str) -> list[Change]:
    """The changes that put the note before the first words of a whole response."""
    for item in items(member(response, "output")):
        for part in items(member(item, "content")):
            change = before_words(member(part, "text"), note) if _is_text(part) else None
            if change is not None:
                return [change, *_moved_in(part, note)]
    return []


def _moved_in(part: Place, note: str) -> list[Change]:
    annotations = items(member(part, "annotations"))
    return [change for each in annotations for change in _moved(each, note)]


def _moved(annotation: Place | None, note: str) -> list[Change]:
    """An annotation whose positions count the note's characters, too."""
    places = [member(annotation, name) for name in _POSITIONS]
    return [
        (place.span, str(position + len(note)).encode())
        for place in places
        if place is not None and (position := number_of(place)) is not None
    ]
