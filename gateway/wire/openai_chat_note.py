"""Notes in chat completions: before the first words of the one answer's content."""

from collections.abc import Iterator
from typing import Final

from gateway.wire import note_form
from gateway.wire.base import Reading
from gateway.wire.note_form import FirstWords, Said, given, last_role, said_by
from gateway.wire.places import NoPlace, Place, items, member, text_of

_ROLE: Final = "assistant"
_SHAPED: Final = (
    "logprobs",  # stand beside each token of the content
    "audio",
    "modalities",
    # vLLM, SGLang and llama.cpp let the answer be shaped by these, too
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "structured_outputs",
    "json_schema",
    "regex",
    "ebnf",
    "grammar",
)


class ChatNotes:
    """`NoteForm` of OpenAI's chat completions."""

    def has_room(self, reading: Reading) -> bool:
        """Not where the answer has a form to keep, or goes on from words that are there."""
        if any(given(reading, key) is not None for key in _SHAPED):
            return False
        shape = given(reading, "response_format")
        if shape is not None and text_of(member(shape, "type")) != "text":
            return False
        return last_role(reading, "messages") != _ROLE

    def in_document(self, document: bytes, note: str) -> bytes | None:
        """As the port says."""
        return note_form.in_document(document, _answer, note)

    def in_stream(self, note: str) -> FirstWords:
        """As the port says."""
        return FirstWords(note, _delta)

    def said(self, reading: Reading) -> Iterator[Said]:
        """As the port says."""
        return said_by(_ROLE, given(reading, "messages"), "messages")


def _answer(reply: Place) -> Iterator[Place]:
    yield from _content(reply, "message")


def _delta(chunk: Place) -> Iterator[Place]:
    yield from _content(chunk, "delta")


def _content(reply: Place, key: str) -> Iterator[Place]:
    choices = tuple(items(member(reply, "choices")))
    if len(choices) > 1:
        raise NoPlace
    for choice in choices:
        content = member(choice, key, "content")
        if content is not None:
            yield content
