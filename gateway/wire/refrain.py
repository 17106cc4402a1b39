"""Recognise an event that repeats an earlier one but for its words, without parsing it again."""

import re
from collections.abc import Callable
from typing import Final

MOST_MISSES: Final = 8  # an upstream whose events all differ is not asked for ever

_PROBE: Final = "these words stand in for others"
_PLAIN: Final = re.compile(rb"[ !#-\[\]-~]+")
"""Text that stands for itself inside a JSON string, and breaks no line."""


class Refrain:
    """What most events of a stream have in common: all but one JSON string.

    An event that begins and ends as a learnt one does, with nothing but plain text between,
    parses to the same document with other words in that one place: whatever else was true of the
    first is true of it.

    `is_learning` says whether it is worth while to `learn` from what was not recognised.
    """

    __slots__ = ("_before", "_behind", "_misses", "is_learning")

    def __init__(self) -> None:
        self._before: bytes | None = None
        self._behind = b""
        self._misses = 0
        self.is_learning = True

    def words_in(self, event: bytes) -> int:
        """How many bytes of words a repetition says; 0 when the event is none."""
        before = self._before
        if before is None or not (event.startswith(before) and event.endswith(self._behind)):
            return 0
        start, end = len(before), len(event) - len(self._behind)
        if start >= end or _PLAIN.fullmatch(event, start, end) is None:
            return 0
        self._misses = 0
        self.is_learning = True
        return end - start

    def learn(self, event: bytes, words: str, words_of: Callable[[bytes], str | None]) -> None:
        """Learn from an event that says just `words`, which `words_of` reads in such events.

        It is tried: with other words in their place, the event must say just those. One that
        ends in a lone CR teaches nothing: it is whole only when no LF follows.
        """
        self._misses += 1
        self.is_learning = self._misses < MOST_MISSES
        before, said, behind = event.partition(b'"%b"' % words.encode())
        if (
            said
            and behind.endswith(b"\n")
            and words_of(b'%b"%b"%b' % (before, _PROBE.encode(), behind)) == _PROBE
        ):
            self._before, self._behind = before + b'"', b'"' + behind

    def forget(self) -> None:
        """Recognise nothing any more."""
        self._before = None
        self.is_learning = False
