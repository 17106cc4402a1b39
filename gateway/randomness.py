"""Random bytes for ids, drawn from the kernel in large pieces.

`os.urandom` gives up the interpreter's lock at each call; four ids a request beside the busy
ledger thread cost a tenth of the request in hand-overs. Keys are not made from this.
"""

import os
from collections.abc import Callable

PIECE_BYTES = 8192


class BufferedRandom:
    """Gives each byte of the kernel's generator out once. One thread, one process."""

    def __init__(self, draw: Callable[[int], bytes] = os.urandom) -> None:
        self._draw = draw
        self._piece = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next `count` random bytes, at most `PIECE_BYTES`."""
        end = self._at + count
        if end > len(self._piece):
            self._piece = self._draw(PIECE_BYTES)
            self._at, end = 0, count
        taken = self._piece[self._at : end]
        self._at = end
        return taken
