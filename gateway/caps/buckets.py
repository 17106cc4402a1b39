"""What counts one cap: an even rate, a number of running requests, or a tally over a window."""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Protocol

from gateway.caps.leaky_bucket import LeakyBucket
from gateway.caps.port import QUARTER_SECONDS, AccountState, Claim, NearlyUsedUp, Used
from gateway.caps.windows import SLOT_SECONDS, is_remembered, leaves_at, oldest_slot, span_of
from gateway.shortage import Refused
from policy.types import Cap, Pace

PARALLEL_RETRY_SECONDS = 5
"""When to come back to a full house: nobody knows when the next answer ends."""

_NEAR_OF_FIVE = 4
"""A tally is nearly used up when so many fifths of it are taken."""


class Bucket(Protocol):
    """Counts one account, unit and window. `mark` is its own note of what was taken when."""

    cap: Cap
    """As it was last asked for."""
    running: int
    """How many holds take from it."""

    @property
    def is_idle(self) -> bool:
        """Whether it may be forgotten: a new one would say the same."""
        ...

    def shortage(self, claim: Claim) -> Refused | None:
        """Why there is no room for a claim; None when there is."""
        ...

    def take(self, claim: Claim) -> int:
        """Take a claim for which there is room; its mark."""
        ...

    def grow(self, more: int, *, risk_less: int) -> None:
        """Hold more than was taken."""
        ...

    def settle(self, held: int, used: int, mark: int, *, risk: int) -> None:
        """Replace what is held by what was used."""
        ...

    def near(self) -> NearlyUsedUp | None:
        """Whether most of it is taken."""
        ...

    def state(self) -> AccountState:
        """How it stands."""
        ...


class EvenRate:
    """A minute's amount may come at once, then it drains evenly: twice as much at most passes in
    the worst 60 seconds, never more over time."""

    __slots__ = ("_bucket", "_monotonic_ns", "cap", "running")

    def __init__(self, cap: Cap, monotonic_ns: Callable[[], int]) -> None:
        self.cap = cap
        self.running = 0
        self._bucket = LeakyBucket()
        self._monotonic_ns = monotonic_ns

    @property
    def is_idle(self) -> bool:
        """As `Bucket` says."""
        self._bucket.drain(self.cap.amount, self._monotonic_ns())
        return not self.running and self._bucket.is_empty

    def shortage(self, claim: Claim) -> Refused | None:
        """As `Bucket` says."""
        cap = self.cap = claim.cap
        self._bucket.drain(cap.amount, self._monotonic_ns())
        wait_ns = self._bucket.wait_ns(cap.amount, claim.units)
        if wait_ns == 0:
            return None
        seconds = None if claim.units > cap.amount else -(-wait_ns // 1_000_000_000)
        return Refused(cap, claim.units, self._bucket.left(cap.amount), seconds)

    def take(self, claim: Claim) -> int:
        """As `Bucket` says."""
        self.running += 1
        return self._bucket.put(claim.units)

    def grow(self, more: int, *, risk_less: int) -> None:
        """As `Bucket` says."""
        self._bucket.put(more)

    def settle(self, held: int, used: int, mark: int, *, risk: int) -> None:
        """As `Bucket` says."""
        self.running -= 1
        self._bucket.drain(self.cap.amount, self._monotonic_ns())
        self._bucket.correct(held, used, mark)

    def near(self) -> NearlyUsedUp | None:
        """Never: there is room again in a moment."""
        return None

    def state(self) -> AccountState:
        """As `Bucket` says; what has drained is not told as used any more."""
        cap = self.cap
        self._bucket.drain(cap.amount, self._monotonic_ns())
        used = cap.amount - self._bucket.left(cap.amount)
        return AccountState(cap.account, cap.unit, cap.window.label, cap.amount, used)


class Gauge:
    """How many requests are running."""

    __slots__ = ("cap", "running")

    def __init__(self, cap: Cap) -> None:
        self.cap = cap
        self.running = 0

    @property
    def is_idle(self) -> bool:
        """As `Bucket` says."""
        return not self.running

    def shortage(self, claim: Claim) -> Refused | None:
        """As `Bucket` says."""
        self.cap = claim.cap
        if self.running < claim.cap.amount:
            return None
        return Refused(claim.cap, 1, 0, PARALLEL_RETRY_SECONDS)

    def take(self, claim: Claim) -> int:
        """As `Bucket` says."""
        self.running += 1
        return 0

    def grow(self, more: int, *, risk_less: int) -> None:
        """Nothing grows here."""

    def settle(self, held: int, used: int, mark: int, *, risk: int) -> None:
        """As `Bucket` says."""
        self.running -= 1

    def near(self) -> NearlyUsedUp | None:
        """Never: there is room again in a moment."""
        return None

    def state(self) -> AccountState:
        """As `Bucket` says."""
        cap, held = self.cap, self.running
        return AccountState(cap.account, cap.unit, cap.window.label, cap.amount, held=held)


class Tally:
    """What is used and held in a calendar or sliding window.

    Used and held together never exceed the limit when a claim is taken; answers can pass it only by
    what they use beyond their estimate. What was used is booked when it is settled, as the ledger
    sums it. A sliding window forgets by the slot, never too early. A clock that steps back opens no
    window again.
    """

    __slots__ = (
        "_at_risk",
        "_begins",
        "_ends",
        "_held",
        "_overspent",
        "_slots",
        "_unix_s",
        "_used",
        "cap",
        "running",
    )

    def __init__(self, cap: Cap, unix_s: Callable[[], int], past: Iterable[Used] = ()) -> None:
        self.cap = cap
        self.running = 0
        self._unix_s = unix_s
        self._used = self._held = self._at_risk = self._overspent = 0
        self._slots: deque[list[int]] = deque()
        now = unix_s()
        self._begins, self._ends = (0, 0) if self._slides else span_of(cap.window, now)
        for quarter in past:
            if self._slides or quarter.start_unix_s >= self._begins:
                last = quarter.start_unix_s + QUARTER_SECONDS - 1
                self._book(quarter.of(cap.unit), min(last, now))

    @property
    def is_idle(self) -> bool:
        """As `Bucket` says: the ledger knows what was used in longer windows."""
        self._roll()
        return not self.running and (not self._used or is_remembered(self.cap.window))

    def shortage(self, claim: Claim) -> Refused | None:
        """As `Bucket` says. What takes nothing never waits."""
        now = self._roll()
        cap, needed = claim.cap, claim.units
        self.cap = cap
        left = cap.amount - self._used - self._held
        if needed <= left or needed == 0:
            return None
        at = self._room_at(needed - left)
        seconds = None if at is None or needed > cap.amount else max(1, at - now)
        resets_at = None if at is None else datetime.fromtimestamp(at, UTC)
        return Refused(cap, needed, max(0, left), seconds, resets_at)

    def take(self, claim: Claim) -> int:
        """As `Bucket` says."""
        self.running += 1
        self._held += claim.units
        self._at_risk += max(0, claim.units_at_most - claim.units)
        return 0

    def grow(self, more: int, *, risk_less: int) -> None:
        """As `Bucket` says; an overspend is noted."""
        self._held += more
        self._at_risk -= risk_less
        self._note_overspend()

    def settle(self, held: int, used: int, mark: int, *, risk: int) -> None:
        """As `Bucket` says."""
        now = self._roll()
        self.running -= 1
        self._held -= held
        self._at_risk -= risk
        self._book(used, now)
        self._note_overspend()

    def near(self) -> NearlyUsedUp | None:
        """Whether four fifths are used or held."""
        cap = self.cap
        if cap.amount == 0 or (self._used + self._held) * 5 < cap.amount * _NEAR_OF_FIVE:
            return None
        return NearlyUsedUp(cap, self._resets_at())

    def state(self) -> AccountState:
        """As `Bucket` says."""
        self._roll()
        cap = self.cap
        return AccountState(
            cap.account,
            cap.unit,
            cap.window.label,
            cap.amount,
            self._used,
            self._held,
            self._at_risk,
            self._overspent,
            self._resets_at(),
        )

    @property
    def _slides(self) -> bool:
        return self.cap.window.pace is Pace.SLIDING

    def _roll(self) -> int:
        """Leave behind what is out of the window; the moment that is now."""
        now = self._unix_s()
        if self._slides:
            oldest = oldest_slot(self.cap.window.period, now)
            while self._slots and self._slots[0][0] < oldest:
                self._used -= self._slots.popleft()[1]
        elif now >= self._ends:
            self._begins, self._ends = span_of(self.cap.window, now)
            self._used = self._overspent = 0
        return now

    def _book(self, units: int, unix_s: int) -> None:
        self._used += units
        if self._slides and units:
            slot = unix_s // SLOT_SECONDS[self.cap.window.period]
            if self._slots and self._slots[-1][0] >= slot:
                self._slots[-1][1] += units
            else:
                self._slots.append([slot, units])

    def _room_at(self, over: int) -> int | None:
        """When so much will have left the window, by itself."""
        if not self._slides:
            return self._ends
        for slot, units in self._slots:
            over -= units
            if over <= 0:
                return leaves_at(self.cap.window.period, slot)
        return None

    def _resets_at(self) -> datetime | None:
        return None if self._slides else datetime.fromtimestamp(self._ends, UTC)

    def _note_overspend(self) -> None:
        self._overspent = max(self._overspent, self._used + self._held - self.cap.amount)
