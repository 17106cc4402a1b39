"""How much of a rate is used up: one minute's amount may come at once, then it drains evenly."""

NANOSECONDS_PER_MINUTE = 60_000_000_000


class LeakyBucket:
    """A bucket that holds a minute's amount and drains evenly. Exact, in unit-nanoseconds.

    The form of GCRA that survives a change of the limit: three integers, however many tokens. What
    was put in drains in the order it came; only what has not drained can be taken out again, so
    that a late correction never makes room twice.
    """

    __slots__ = ("_at_ns", "_drained", "_level")

    def __init__(self) -> None:
        self._level = 0
        self._drained = 0
        self._at_ns = 0

    @property
    def is_empty(self) -> bool:
        """Whether all has drained, by the last time it was looked at."""
        return self._level == 0

    def drain(self, per_minute: int, now_ns: int) -> None:
        """Let time pass."""
        if now_ns > self._at_ns:
            drop = min(self._level, per_minute * (now_ns - self._at_ns))
            self._level -= drop
            self._drained += drop
            self._at_ns = now_ns

    def wait_ns(self, per_minute: int, units: int) -> int:
        """How long until `units` fit; 0 when they do."""
        over = self._level + (units - per_minute) * NANOSECONDS_PER_MINUTE
        return -(-over // per_minute) if over > 0 else 0

    def left(self, per_minute: int) -> int:
        """How many units fit now."""
        return max(0, per_minute - -(-self._level // NANOSECONDS_PER_MINUTE))

    def put(self, units: int) -> int:
        """Put units in; returns their mark, for taking some of them out again."""
        mark = self._drained + self._level
        self._level += units * NANOSECONDS_PER_MINUTE
        return mark

    def correct(self, held: int, actual: int, mark: int) -> None:
        """Replace the `held` units put in at `mark` by what they turned out to be."""
        if actual >= held:
            self.put(actual - held)
            return
        gone = min(max(0, self._drained - mark), held * NANOSECONDS_PER_MINUTE)
        back = min((held - actual) * NANOSECONDS_PER_MINUTE, held * NANOSECONDS_PER_MINUTE - gone)
        back = min(back, self._level)
        self._level -= back
        self._drained += back  # whatever came later has moved up
