"""Count what caps limit: take before, settle after, all or nothing, exactly once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from gateway.leaky_bucket import LeakyBucket
from gateway.shortage import Refused
from policy.types import Cap, Unit

PARALLEL_RETRY_SECONDS = 5
"""When to come back to a full house: nobody knows when the next answer ends."""


class Amounts(msgspec.Struct, frozen=True):
    """What one request is expected to use. `nano_usd_at_most` is what its longest answer costs."""

    tokens: int = 0
    nano_usd: int = 0
    nano_usd_at_most: int = 0
    requests: int = 1


class Hold(msgspec.Struct, frozen=True):
    """What was taken for one exchange; to be settled or released exactly once."""

    exchange_id: str
    account: str
    caps: tuple[Cap, ...]
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account at this moment, for metrics and reports.

    `overspent_nano_usd`: the furthest its budget was passed this month. `at_risk_nano_usd`: how
    much more than is held the running answers can still cost.
    """

    spent_nano_usd: int = 0
    held_nano_usd: int = 0
    overspent_nano_usd: int = 0
    at_risk_nano_usd: int = 0
    parallel: int = 0


class Counters(Protocol):
    """Where caps are counted. Each call is one atomic step; a cap's account and unit occur once.

    Only what needs an answer is awaited: the rest returns at once, and counters elsewhere are told
    in the background.
    """

    async def reserve(
        self, exchange_id: str, account: str, caps: tuple[Cap, ...], amounts: Amounts
    ) -> Hold | Refused:
        """Take the amounts from every cap, or from none. The same id again takes nothing more.

        `account` is charged with what the exchange costs even where no cap names it.
        """
        ...

    def top_up(self, hold: Hold, *, extra_tokens: int, extra_nano_usd: int) -> None:
        """Take more while an answer outgrows its estimate. Never refuses: the tokens exist."""
        ...

    def settle(self, hold: Hold, *, tokens: int, nano_usd: int) -> bool:
        """Replace the estimate by what was used and end the hold. False when already ended."""
        ...

    def release(self, hold: Hold, *, was_sent: bool) -> bool:
        """Settle with nothing used; the request itself is given back unless it was sent."""
        ...

    async def rebuild(self, spent_nano_usd: Mapping[str, int]) -> None:
        """Set what accounts have spent this month, from the ledger."""
        ...

    def state(self, account: str) -> AccountState:
        """How an account stands."""
        ...


@dataclass(slots=True)
class _Account:
    requests: LeakyBucket
    tokens: LeakyBucket
    parallel: int = 0
    month: int = 0
    spent_nano_usd: int = 0
    held_nano_usd: int = 0
    overspent_nano_usd: int = 0

    def roll(self, month: int) -> None:
        """Begin a new month. A clock that steps back does not bring the old one back."""
        if month > self.month:
            self.month, self.spent_nano_usd, self.overspent_nano_usd = month, 0, 0

    def note_overspend(self, limit: int) -> None:
        over = self.spent_nano_usd + self.held_nano_usd - limit
        self.overspent_nano_usd = max(self.overspent_nano_usd, over)


@dataclass(slots=True)
class _Open:
    hold: Hold
    tokens: int
    nano_usd: int
    marks: tuple[int, ...]


class InProcessCounters:
    """The counters of a single process: one event loop, no await inside a step, so each is atomic.

    Rates: a leaky bucket that holds one minute's amount. Assistants work in bursts, so the whole
    minute may come at once; in the worst 60 seconds twice the amount passes, never more over time.
    Money: spent + held never exceeds the limit when a request is admitted. Spent can pass it only
    by what running answers cost beyond their estimate, at most `parallel` x (longest answer -
    estimate) of the account: `AccountState.at_risk_nano_usd` shows the figure of this moment. What
    is spent is booked in the month in which it is settled, as the ledger sums it. A crash forgets
    holds: `rebuild` at start. Windows use the monotonic clock (nanoseconds), months the wall clock.
    """

    def __init__(self, monotonic_ns: Callable[[], int], utc_now: Callable[[], datetime]) -> None:
        self._monotonic_ns = monotonic_ns
        self._utc_now = utc_now
        self._accounts: dict[str, _Account] = {}
        self._open: dict[str, _Open] = {}

    async def reserve(
        self, exchange_id: str, account: str, caps: tuple[Cap, ...], amounts: Amounts
    ) -> Hold | Refused:
        """Check every cap, then take from every cap."""
        known = self._open.get(exchange_id)
        if known is not None:
            return known.hold
        for cap in caps:
            refused = self._refusal(cap, amounts)
            if refused is not None:
                return refused
        marks = tuple([self._take(cap, amounts) for cap in caps])
        hold = Hold(exchange_id, account, caps, amounts)
        self._open[exchange_id] = _Open(hold, amounts.tokens, amounts.nano_usd, marks)
        return hold

    def top_up(self, hold: Hold, *, extra_tokens: int, extra_nano_usd: int) -> None:
        """Add to the hold; an overspend is noted, not refused. Nothing after the end."""
        running = self._open.get(hold.exchange_id)
        if running is None:
            return
        running.tokens += extra_tokens
        running.nano_usd += extra_nano_usd
        for cap in hold.caps:
            account = self._account(cap.account)
            if cap.unit is Unit.TOKENS:
                account.tokens.put(extra_tokens)
            elif cap.unit is Unit.NANO_USD:
                account.held_nano_usd += extra_nano_usd
                account.note_overspend(cap.amount)

    def settle(self, hold: Hold, *, tokens: int, nano_usd: int) -> bool:
        """End the hold with what was used."""
        return self._end(hold, tokens, nano_usd, requests=hold.amounts.requests)

    def release(self, hold: Hold, *, was_sent: bool) -> bool:
        """End the hold with nothing used."""
        requests = hold.amounts.requests if was_sent else 0
        return self._end(hold, 0, 0, requests=requests)

    async def rebuild(self, spent_nano_usd: Mapping[str, int]) -> None:
        """Set this month's spending."""
        for name, spent in spent_nano_usd.items():
            account = self._account(name)
            account.roll(self._month())
            account.spent_nano_usd = spent

    def state(self, account: str) -> AccountState:
        """How an account stands; an unknown one stands at nothing."""
        found = self._accounts.get(account)
        if found is None:
            return AccountState()
        found.roll(self._month())
        return AccountState(
            found.spent_nano_usd,
            found.held_nano_usd,
            found.overspent_nano_usd,
            sum(_at_risk(each) for each in self._open.values() if _charges(each.hold, account)),
            found.parallel,
        )

    def _account(self, name: str) -> _Account:
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = _Account(LeakyBucket(), LeakyBucket())
        return account

    def _refusal(self, cap: Cap, amounts: Amounts) -> Refused | None:
        account = self._account(cap.account)
        match cap.unit:
            case Unit.REQUESTS:
                return self._rate_refusal(cap, account.requests, amounts.requests)
            case Unit.TOKENS:
                return self._rate_refusal(cap, account.tokens, amounts.tokens)
            case Unit.PARALLEL:
                if account.parallel < cap.amount:
                    return None
                return Refused(cap, 1, 0, PARALLEL_RETRY_SECONDS)
            case Unit.NANO_USD:
                return self._money_refusal(cap, account, amounts.nano_usd)

    def _rate_refusal(self, cap: Cap, bucket: LeakyBucket, units: int) -> Refused | None:
        bucket.drain(cap.amount, self._monotonic_ns())
        wait_ns = bucket.wait_ns(cap.amount, units)
        if wait_ns == 0:
            return None
        seconds = None if units > cap.amount else -(-wait_ns // 1_000_000_000)
        return Refused(cap, units, bucket.left(cap.amount), seconds)

    def _money_refusal(self, cap: Cap, account: _Account, needed: int) -> Refused | None:
        now = self._utc_now()
        account.roll(_month_of(now))
        left = cap.amount - account.spent_nano_usd - account.held_nano_usd
        if needed <= left or needed == 0:  # what costs nothing never waits for money
            return None
        return Refused(cap, needed, max(0, left), resets_at=_next_month(now))

    def _take(self, cap: Cap, amounts: Amounts) -> int:
        account = self._account(cap.account)
        match cap.unit:
            case Unit.REQUESTS:
                return account.requests.put(amounts.requests)
            case Unit.TOKENS:
                return account.tokens.put(amounts.tokens)
            case Unit.PARALLEL:
                account.parallel += 1
            case Unit.NANO_USD:
                account.held_nano_usd += amounts.nano_usd
        return 0

    def _end(self, hold: Hold, tokens: int, nano_usd: int, *, requests: int) -> bool:
        ended = self._open.pop(hold.exchange_id, None)
        if ended is None:
            return False
        self._book(hold, nano_usd)
        now_ns = self._monotonic_ns()
        for cap, mark in zip(hold.caps, ended.marks, strict=True):
            account = self._account(cap.account)
            match cap.unit:
                case Unit.REQUESTS:
                    account.requests.drain(cap.amount, now_ns)
                    account.requests.correct(hold.amounts.requests, requests, mark)
                case Unit.TOKENS:
                    account.tokens.drain(cap.amount, now_ns)
                    account.tokens.correct(ended.tokens, tokens, mark)
                case Unit.PARALLEL:
                    account.parallel -= 1
                case Unit.NANO_USD:
                    account.held_nano_usd -= ended.nano_usd
                    account.note_overspend(cap.amount)
        return True

    def _book(self, hold: Hold, nano_usd: int) -> None:
        if nano_usd == 0:
            return
        month = self._month()
        for name in {hold.account, *(cap.account for cap in hold.caps)}:
            account = self._account(name)
            account.roll(month)
            account.spent_nano_usd += nano_usd

    def _month(self) -> int:
        return _month_of(self._utc_now())


def _charges(hold: Hold, account: str) -> bool:
    return any(cap.account == account and cap.unit is Unit.NANO_USD for cap in hold.caps)


def _at_risk(running: _Open) -> int:
    return max(0, running.hold.amounts.nano_usd_at_most - running.nano_usd)


def _month_of(now: datetime) -> int:
    return now.year * 12 + now.month


def _next_month(now: datetime) -> datetime:
    year, month = divmod(now.year * 12 + now.month, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)
