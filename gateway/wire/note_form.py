"""How a note stands in a protocol's answers and conversations: the port, and what all forms share.

Answers are changed in place: the note goes into the first text there is, in front of its first
word. No block, part or event is added and none renumbered, so that whatever counts them stays true.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, Protocol

import msgspec

from gateway.exchange import Edit
from gateway.wire import splice
from gateway.wire.base import Reading, Span
from gateway.wire.note import MARKER, note_in, place_for_note
from gateway.wire.places import (
    NoPlace,
    Place,
    before_character,
    items,
    member,
    quoted,
    text_of,
    top_of,
)
from gateway.wire.sse import data_of

REMOVED: Final = "warning_removed"
_NOTHING_SAID: Final = b'"..."'  # no vendor takes an empty text
_NULL: Final = b"null"

Change = tuple[Span, bytes]
Texts = Callable[[Place], Iterable[Place]]
"""The texts for the reader in an answer, or in one event of it, in order. May raise `NoPlace`."""


class Said(NamedTuple):
    """A text that the model has said, as the conversation tells it: alone, or a part among some."""

    path: str
    text: Place
    parts: tuple[Place, ...] = ()
    number: int = 0


class StreamNote(Protocol):
    """A note on its way into one stream."""

    @property
    def is_written(self) -> bool:
        """Whether its text went out."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether nothing that is still to come has to be changed."""
        ...

    def pass_on(self, event: bytes) -> bytes:
        """A whole event, as it goes out."""
        ...


class NoteForm(Protocol):
    """Where notes go in one protocol."""

    def has_room(self, reading: Reading) -> bool:
        """Whether the answer will be words for a reader; False in doubt."""
        ...

    def in_document(self, document: bytes, note: str) -> bytes | None:
        """A whole answer with the note before its first words; None where it has no place."""
        ...

    def in_stream(self, note: str) -> StreamNote:
        """The note for a stream that has not begun."""
        ...

    def said(self, reading: Reading) -> Iterator[Said]:
        """What the model has said before, as far as it may hold a note. May raise `NoPlace`."""
        ...


class FirstWords:
    """A note for a stream whose later events do not repeat its texts (`StreamNote`)."""

    __slots__ = ("_note", "_texts", "is_over", "is_written")

    def __init__(self, note: str, texts: Texts) -> None:
        self._note = note
        self._texts = texts
        self.is_written = False
        self.is_over = False

    def pass_on(self, event: bytes) -> bytes:
        """The event; with the note, if it says the first words."""
        _, data = data_of(event)
        if data is None:
            return event
        try:
            change = before_first_words(self._texts(top_of(data)), self._note)
            if change is None:
                return event
            changed = change_event(event, data, [change])
        except NoPlace:
            self.is_over = True
            return event
        self.is_written = self.is_over = True
        return changed


def in_document(document: bytes, texts: Texts, note: str) -> bytes | None:
    """A whole answer with the note before the first words of its texts."""
    try:
        change = before_first_words(texts(top_of(document)), note)
    except NoPlace:
        return None
    return None if change is None else splice.apply(document, [change])


def before_first_words(texts: Iterable[Place], note: str) -> Change | None:
    """The change that puts the note there; None while nothing is said but blanks.

    Raises `NoPlace` when the first words are none for a reader.
    """
    for place in texts:
        change = before_words(place, note)
        if change is not None:
            return change
    return None


def before_words(place: Place | None, note: str) -> Change | None:
    """The change that puts the note before this text's first word; None when it has none.

    Raises `NoPlace` when the words are none for a reader.
    """
    text = text_of(place)
    if place is None or text is None or not text.strip():
        return None
    number = place_for_note(text)
    if number is None:
        raise NoPlace
    position = before_character(place, number)
    return Span(position, position), quoted(note)


def change_event(event: bytes, data: bytes, changes: Iterable[Change]) -> bytes:
    """An event with changes in its data. Raises `NoPlace` for data in more than one line."""
    start = event.find(data)
    if start < 0:
        raise NoPlace
    end = start + len(data)
    return event[:start] + splice.apply(data, changes) + event[end:]


def given(reading: Reading, key: str) -> Place | None:
    """A member of the request's body that is there and not null."""
    span = reading.members.get(key)
    if span is None or reading.body.startswith(_NULL, span.start):
        return None
    return Place(reading.body, *span)


def said_by(
    role: str, messages: Place | None, where: str, held_in: str = "content"
) -> Iterator[Said]:
    """What this role says in a list of messages: each a text, or parts with texts."""
    for number, message in enumerate(items(messages)):
        if message.source.find(MARKER, message.start, message.end) < 0:
            continue
        if text_of(member(message, "role")) != role:
            continue
        path = f"{where}.{number}.{held_in}"
        content = member(message, held_in)
        if content is not None and content.begins_with(b'"'):
            yield Said(path, content)
            continue
        parts = tuple(items(content))
        for at, part in enumerate(parts):
            text = member(part, "text")
            if text is not None:
                yield Said(f"{path}.{at}.text", text, parts, at)


def last_role(reading: Reading, key: str) -> str | None:
    """Who says the last of a list of messages."""
    *_, last = (None, *items(given(reading, key)))
    return text_of(member(last, "role"))


def without_notes(form: NoteForm, reading: Reading) -> tuple[Reading, tuple[Edit, ...]]:
    """The request as it is without our notes, and what was taken out for that.

    Its facts stay those of what the client sent.
    """
    changes: list[Change] = []
    edits: list[Edit] = []
    thinned: set[Place] = set()
    try:
        for said in form.said(reading):
            change = _without_note(said, thinned)
            if change is not None:
                span, left = change
                changes.append(change)
                edits.append(Edit(said.path, REMOVED, span.end - span.start, len(left)))
    except NoPlace:
        pass  # what cannot be read is not changed
    if not changes:
        return reading, ()
    body = splice.apply(reading.body, changes)
    members = {key: _moved(span, changes) for key, span in reading.members.items()}
    return msgspec.structs.replace(reading, body=body, members=members), tuple(edits)


def _without_note(said: Said, thinned: set[Place]) -> Change | None:
    text = text_of(said.text)
    found = None if text is None else note_in(text)
    if text is None or found is None:
        return None
    start, end = found
    if (text[:start] + text[end:]).strip():
        return Span(before_character(said.text, start), before_character(said.text, end)), b""
    if len(said.parts) > 1 and said.parts[0] not in thinned:
        thinned.add(said.parts[0])
        return _part_with_comma(said.parts, said.number), b""
    return said.text.span, _NOTHING_SAID


def _part_with_comma(parts: tuple[Place, ...], number: int) -> Span:
    if number == 0:
        return Span(parts[0].start, parts[1].start)
    return Span(parts[number - 1].end, parts[number].end)


def _moved(span: Span, changes: Iterable[Change]) -> Span:
    """Where a value stands once these changes, each inside of it or outside, have been made."""
    start, end = span
    for changed, new in changes:
        grown = len(new) - (changed.end - changed.start)
        if changed.end <= span.start:
            start += grown
        if changed.end <= span.end:
            end += grown
    return Span(start, end)
