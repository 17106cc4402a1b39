"""Notes in Anthropic's messages: before the first words of the first text block that has any.

Not as a block of its own: one before `thinking` is refused when a conversation with signed thoughts
comes back, and one behind it would renumber every block that follows.
"""

from collections.abc import Iterator
from typing import Final

from gateway.wire import note_form
from gateway.wire.base import Reading
from gateway.wire.note_form import FirstWords, Said, given, last_role, said_by
from gateway.wire.places import Place, items, member, text_of

_ROLE: Final = "assistant"


class MessagesNotes:
    """`NoteForm` of Anthropic's messages."""

    def has_room(self, reading: Reading) -> bool:
        """Not where the answer has a schema to keep, or goes on from words that are there."""
        if given(reading, "output_format") is not None:
            return False
        output = given(reading, "output_config")
        if output is not None and member(output, "format") is not None:
            return False
        return last_role(reading, "messages") != _ROLE

    def in_document(self, document: bytes, note: str) -> bytes | None:
        """As the port says."""
        return note_form.in_document(document, _answer, note)

    def in_stream(self, note: str) -> FirstWords:
        """As the port says."""
        return FirstWords(note, _piece)

    def said(self, reading: Reading) -> Iterator[Said]:
        """As the port says."""
        return said_by(_ROLE, given(reading, "messages"), "messages")


def _answer(message: Place) -> Iterator[Place]:
    for block in items(member(message, "content")):
        yield from _text(block, "text")


def _piece(event: Place) -> Iterator[Place]:
    match text_of(member(event, "type")):
        case "content_block_start":
            yield from _text(member(event, "content_block"), "text")
        case "content_block_delta":
            yield from _text(member(event, "delta"), "text_delta")


def _text(block: Place | None, kind: str) -> Iterator[Place]:
    if text_of(member(block, "type")) == kind:
        text = member(block, "text")
        if text is not None:
            yield text
