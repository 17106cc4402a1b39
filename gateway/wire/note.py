"""The note that tells a warning inside an answer: how it is written, and how it is found again.

It is a quotation in Markdown before the answer's first words, in a form that no model writes: the
audit id closes it. Assistants send their conversations again, so it is looked for in what they say
the model has said, at the beginning of a text only.
"""

import re
from collections.abc import Sequence
from typing import Final

from policy.types import Notice

MARKER: Final = b"**Gatehouse:** "
"""In every note, and the same bytes however JSON is written: encoders that escape `>` leave it."""

_LINE: Final = (
    r"> \*\*Gatehouse:\*\* [^\n]{1,2000}? \(rule [A-Za-z0-9._-]{1,64}, "
    r"audit id gh-[0-9A-HJKMNP-TV-Z]{26}\)"
)
_NOTE: Final = re.compile(rf"\s*({_LINE}(?:\n>\n{_LINE})*(?:\n\n?|\s*\Z))").match
_NO_PROSE: Final = ("<", "{", "[")


def note_of(notices: Sequence[Notice], audit_id: str) -> str:
    """The note that tells these warnings, one line each."""
    lines = (
        f"> **Gatehouse:** {each.text} (rule {each.rule}, audit id {audit_id})" for each in notices
    )
    return "\n>\n".join(lines) + "\n\n"


def place_for_note(text: str) -> int | None:
    """How many characters of an answer's first words stand before the note; None for no note.

    A text that begins with a tag or a bracket may be for a program: an assistant that takes its
    calls out of the text, thoughts of a model whose server does not tell them apart, JSON.
    """
    words = text.lstrip()
    return None if words.startswith(_NO_PROSE) else len(text) - len(words)


def note_in(text: str) -> tuple[int, int] | None:
    """Where the note stands (first and past its last character) that a text begins with."""
    found = _NOTE(text)
    return None if found is None else found.span(1)
