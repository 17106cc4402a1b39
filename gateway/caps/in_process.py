"""Count caps in this process: no await inside a step, so each step is atomic."""

from collections.abc import Callable, Sequence

import msgspec

from gateway.caps.buckets import Bucket, EvenRate, Gauge, Tally
from gateway.caps.port import (
    AccountState,
    Claim,
    CountersHealth,
    History,
    HistoryUnknown,
    Hold,
    NoHistory,
    Used,
)
from gateway.caps.windows import begins_at, is_remembered
from gateway.shortage import Refused, unknown
from policy.types import Cap, Pace, Unit

MOST_IDLE_BUCKETS = 20_000
"""Beyond so many, those that nobody holds from are forgotten: the ledger knows them."""

_MOST_KNOWN_CAPS = 20_000


class _Open(msgspec.Struct):
    hold: Hold
    buckets: tuple[Bucket, ...]
    held: list[int]
    marks: list[int]


class InProcessCounters:
    """The counters of a single process.

    An account's longer windows begin with what the ledger says was used in them. A crash forgets
    what is held: recovery books it in the ledger, as estimated. Even rates use the monotonic clock
    (nanoseconds), windows the wall clock (UTC seconds).
    """

    def __init__(
        self,
        monotonic_ns: Callable[[], int],
        unix_s: Callable[[], int],
        history: History | None = None,
        *,
        most_idle_buckets: int = MOST_IDLE_BUCKETS,
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._unix_s = unix_s
        self._history = history or NoHistory()
        self._most_idle_buckets = most_idle_buckets
        self._buckets: dict[str, Bucket] = {}
        self._by_cap: dict[Cap, Bucket] = {}
        self._open: dict[str, _Open] = {}

    async def reserve(
        self, exchange_id: str, claims: Sequence[Claim], targets: Sequence[str]
    ) -> Hold | Refused:
        """Check every cap, then take from every cap."""
        known = self._open.get(exchange_id)
        if known is not None:
            return known.hold
        by_cap = self._by_cap
        while True:
            found: list[tuple[Claim, Bucket]] = []
            for claim in claims:
                bucket = by_cap.get(claim.cap)
                if bucket is not None:
                    found.append((claim, bucket))
            if len(found) == len(claims):
                return self._reserve(exchange_id, found, targets)
            for claim in claims:  # and then look again: some may have been forgotten meanwhile
                try:
                    await self._bucket(claim.cap)
                except HistoryUnknown:
                    return unknown(claim.cap, claim.units)

    def raise_to(self, hold: Hold, units: Sequence[int]) -> None:
        """Add to the hold; an overspend is noted, not refused."""
        running = self._open.get(hold.exchange_id)
        if running is None:
            return
        for at, wanted in enumerate(units):
            held = running.held[at]
            if wanted > held:
                at_most = hold.claims[at].units_at_most
                risk_less = _risk(at_most, held) - _risk(at_most, wanted)
                running.buckets[at].grow(wanted - held, risk_less=risk_less)
                running.held[at] = wanted

    def settle(self, hold: Hold, units: Sequence[int]) -> bool:
        """End the hold with what was used."""
        ended = self._open.pop(hold.exchange_id, None)
        if ended is None:
            return False
        for at, used in enumerate(units):
            held = ended.held[at]
            risk = _risk(hold.claims[at].units_at_most, held)
            ended.buckets[at].settle(held, used, ended.marks[at], risk=risk)
        return True

    async def states(self) -> list[AccountState]:
        """How every account stands that is in use."""
        return self.states_now()

    def states_now(self) -> list[AccountState]:
        """The same, at once."""
        found = [each.state() for each in self._buckets.values()]
        return sorted(found, key=lambda each: (each.account, each.unit, each.window))

    def health(self) -> CountersHealth:
        """As the port says."""
        at_risk = sum(
            _risk(claim.units_at_most, held)
            for each in self._open.values()
            for claim, held in zip(each.hold.claims, each.held, strict=True)
            if claim.cap.unit is Unit.NANO_USD
        )
        return CountersHealth("in_process", at_risk)

    def _reserve(
        self, exchange_id: str, found: Sequence[tuple[Claim, Bucket]], targets: Sequence[str]
    ) -> Hold | Refused:
        used_up: list[Refused] = []
        for claim, bucket in found:
            refused = bucket.shortage(claim)
            if refused is not None:
                if not claim.cap.targets:
                    return refused
                used_up.append(refused)
        if used_up:
            out = frozenset([name for each in used_up for name in each.cap.targets])
            left = [name for name in targets if name not in out]
            if not left:
                return used_up[0]
            found = [each for each in found if each[0].cap.counts_any(left)]
        else:
            out = frozenset()
        marks = [bucket.take(claim) for claim, bucket in found]
        claims, buckets = (tuple([each[0] for each in found]), tuple([each[1] for each in found]))
        near = tuple([each for each in [bucket.near() for bucket in buckets] if each is not None])
        hold = Hold(exchange_id, claims, tuple(used_up), out, near)
        self._open[exchange_id] = _Open(hold, buckets, [each.units for each in claims], marks)
        return hold

    async def _bucket(self, cap: Cap) -> Bucket:
        """The bucket that counts a cap. Two that ask at once get the same."""
        counter = cap.counter
        bucket = self._buckets.get(counter)
        if bucket is None:
            made = await self._made(cap)
            bucket = self._buckets.setdefault(counter, made)
            self._forget_idle(bucket)
        if len(self._by_cap) >= _MOST_KNOWN_CAPS:
            self._by_cap.clear()
        self._by_cap[cap] = bucket
        return bucket

    async def _made(self, cap: Cap) -> Bucket:
        if cap.unit is Unit.PARALLEL:
            return Gauge(cap)
        if cap.window.pace is Pace.EVEN:
            return EvenRate(cap, self._monotonic_ns)
        past: Sequence[Used] = ()
        if is_remembered(cap.window):
            since = begins_at(cap.window, self._unix_s())
            past = await self._history.used(cap.account, since)
        return Tally(cap, self._unix_s, past)

    def _forget_idle(self, newest: Bucket) -> None:
        if len(self._buckets) <= self._most_idle_buckets:
            return
        kept = {
            counter: each
            for counter, each in self._buckets.items()
            if not each.is_idle or each is newest
        }
        self._buckets = kept
        self._by_cap.clear()


def _risk(at_most: int, held: int) -> int:
    return max(0, at_most - held)
