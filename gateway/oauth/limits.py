"""How often one address may try: guessing a code must take longer than the code lives."""

from collections import Counter
from collections.abc import Callable
from typing import Final

MOST_ADDRESSES: Final = 10_000
_MINUTE: Final = 60.0


class Limits:
    """Counts tries by what is tried and from where, a minute at a time. One process.

    `seconds` is a clock that only goes forward. Where too many addresses are known, those are
    forgotten; what all together have tried is not.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._of_address: Counter[tuple[str, str]] = Counter()
        self._of_all: Counter[str] = Counter()
        self._since = seconds()

    def allows(self, what: str, address: str | None, per_minute: int, of_all: int) -> bool:
        """Whether one more is allowed: from this address, and from all together."""
        now = self._seconds()
        if now - self._since >= _MINUTE:
            self._of_all.clear()
            self._of_address.clear()
            self._since = now
        if len(self._of_address) >= MOST_ADDRESSES:
            self._of_address.clear()
        own = (what, address or "")
        if self._of_address[own] >= per_minute or self._of_all[what] >= of_all:
            return False
        self._of_address[own] += 1
        self._of_all[what] += 1
        return True
