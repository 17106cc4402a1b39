"""How often one address may try: guessing a code must take longer than the code lives."""

from collections.abc import Callable
from typing import Final

MOST_ADDRESSES: Final = 10_000
_MINUTE: Final = 60.0


class Limits:
    """Counts tries by what is tried and from where, a minute at a time. One process.

    `seconds` is a clock that only goes forward.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._counts: dict[tuple[str, str], int] = {}
        self._since = seconds()

    def allows(self, what: str, address: str | None, per_minute: int, of_all: int) -> bool:
        """Whether one more is allowed: from this address, and from all together."""
        now = self._seconds()
        if now - self._since >= _MINUTE or len(self._counts) >= MOST_ADDRESSES:
            self._counts.clear()
            self._since = now
        own, all_ = (what, address or ""), (what, "*")
        if self._counts.get(own, 0) >= per_minute or self._counts.get(all_, 0) >= of_all:
            return False
        for each in (own, all_):
            self._counts[each] = self._counts.get(each, 0) + 1
        return True
