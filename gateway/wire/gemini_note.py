"""Notes in Gemini's answers: before the first words of the one candidate, its thoughts left out."""

from collections.abc import Iterator
from typing import Final

from gateway.wire import note_form
from gateway.wire.base import Reading
from gateway.wire.note_form import FirstWords, Said, given, last_role, said_by
from gateway.wire.places import NoPlace, Place, items, keys_of, member, text_of
from providers.translation.gemini_spelling import camel

_ROLE: Final = "model"
_SHAPED: Final = frozenset(
    (
        "responseSchema",
        "responseJsonSchema",
        "ResponseJsonSchema",  # how `_responseJsonSchema` is spelt to
        "responseModalities",
        "responseLogprobs",
        "speechConfig",
        "imageConfig",
    )
)
_COUNTED: Final = "generateContentRequest"
_PROSE: Final = ("text/plain",)


class GeminiNotes:
    """`NoteForm` of Google's Gemini API."""

    def has_room(self, reading: Reading) -> bool:
        """Not where the answer has a form to keep, cites by position, or goes on from words."""
        config = keys_of(_field(reading, "generationConfig"))
        names = {camel(key): place for key, place in config.items()}
        if not _SHAPED.isdisjoint(names):
            return False
        if "responseMimeType" in names and text_of(names["responseMimeType"]) not in _PROSE:
            return False
        # What Google looks up for an answer is attributed by byte offsets into its parts.
        offered = (keys_of(tool) for tool in items(_field(reading, "tools")))
        if any(camel(key) != "functionDeclarations" for tool in offered for key in tool):
            return False
        return last_role(reading, "contents") != _ROLE

    def in_document(self, document: bytes, note: str) -> bytes | None:
        """As the port says."""
        return note_form.in_document(document, _parts, note)

    def in_stream(self, note: str) -> FirstWords:
        """As the port says."""
        return FirstWords(note, _parts)

    def said(self, reading: Reading) -> Iterator[Said]:
        """As the port says."""
        contents, where = given(reading, "contents"), "contents"
        if contents is None:  # a count may hold the whole request it asks about
            contents = member(_field(reading, _COUNTED), "contents")
            where = f"{_COUNTED}.contents"
        return said_by(_ROLE, contents, where, held_in="parts")


def _field(reading: Reading, name: str) -> Place | None:
    """A member of the body in either spelling."""
    return next((given(reading, key) for key in reading.members if camel(key) == name), None)


def _parts(chunk: Place) -> Iterator[Place]:
    candidates = tuple(items(member(chunk, "candidates")))
    if len(candidates) > 1:
        raise NoPlace
    for candidate in candidates:
        for part in items(member(candidate, "content", "parts")):
            thought, text = member(part, "thought"), member(part, "text")
            if text is not None and not (thought and thought.begins_with(b"true")):
                yield text
