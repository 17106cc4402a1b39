"""Counters with clocks that move when told, asked for whole requests at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.caps.in_process import InProcessCounters
from gateway.caps.port import (
    AccountState,
    Claim,
    Counters,
    Ended,
    HistoryUnknown,
    Hold,
    Used,
)
from gateway.shortage import Refused
from policy.types import Cap, Pace, Period, Unit, Window

ACCOUNT = "team:web"
SECOND_MS = 1_000
DAY_MS = 86_400_000
NOON_MS = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()) * 1_000  # a Saturday


def requests(amount: int, window: Window = Window.MINUTE, **more: object) -> Cap:
    return Cap(ACCOUNT, Unit.REQUESTS, amount, window, **more)


def tokens(amount: int, window: Window = Window.MINUTE, **more: object) -> Cap:
    return Cap(ACCOUNT, Unit.TOKENS, amount, window, **more)


def parallel(amount: int, account: str = ACCOUNT, **more: object) -> Cap:
    return Cap(account, Unit.PARALLEL, amount, Window.NOW, **more)


def money(
    amount: int, account: str = ACCOUNT, window: Window = Window.CALENDAR_MONTH_UTC, **more: object
) -> Cap:
    return Cap(account, Unit.NANO_USD, amount, window, **more)


def sliding(period: Period) -> Window:
    return Window(period, Pace.SLIDING)


class Past:
    """What the ledger knows: quarters of an hour by account, and whether it can be read."""

    def __init__(self) -> None:
        self.by_account: dict[str, list[Used]] = {}
        self.ends: dict[str, Ended] = {}
        self.is_away = False
        self.asked: list[str] = []

    def spent(self, moment: datetime, nano_usd: int, account: str = ACCOUNT, tokens: int = 0):
        start = int(moment.timestamp()) // 900 * 900
        self.by_account.setdefault(account, []).append(Used(start, 1, tokens, nano_usd))

    async def ended(self, exchange_ids: Sequence[str]) -> Mapping[str, Ended]:
        if self.is_away:
            raise HistoryUnknown("those exchanges")
        return {name: self.ends[name] for name in exchange_ids if name in self.ends}

    async def used(self, account: str, since_unix_s: int) -> Sequence[Used]:
        self.asked.append(account)
        if self.is_away:
            raise HistoryUnknown(account)
        known = self.by_account.get(account, [])
        return [each for each in known if each.start_unix_s + 900 > since_unix_s]


Make = Callable[["Office"], Counters]


def in_process(office: "Office") -> Counters:
    return InProcessCounters(
        lambda: office.now_ms * 1_000_000, lambda: office.now_ms // 1_000, office.past
    )


class Office:
    """Counters of either kind, behind clocks of the test's own."""

    def __init__(self, make: Make = in_process) -> None:
        self.now_ms = NOON_MS
        self.past = Past()
        self.counters = make(self)
        self.asked = 0

    def utc(self) -> datetime:
        return datetime.fromtimestamp(self.now_ms // 1_000, UTC)

    async def moves_to(self, *moment: int) -> None:
        await self.passes(int(datetime(*moment, tzinfo=UTC).timestamp()) * 1_000 - self.now_ms)

    async def passes(self, milliseconds: int) -> None:
        """Time passes; what was told before has been done before."""
        self.now_ms += milliseconds

    def claims(
        self, caps: Sequence[Cap], tokens: int, nano_usd: int, at_most: int | None
    ) -> list[Claim]:
        units = {Unit.REQUESTS: 1, Unit.PARALLEL: 1, Unit.TOKENS: tokens, Unit.NANO_USD: nano_usd}
        return [
            Claim(cap, units[cap.unit], max(units[cap.unit], at_most or 0))
            if cap.unit in (Unit.TOKENS, Unit.NANO_USD)
            else Claim(cap, 1, 1)
            for cap in caps
        ]

    async def reserve(
        self,
        *caps: Cap,
        tokens: int = 0,
        nano_usd: int = 0,
        at_most: int | None = None,
        targets: Sequence[str] = ("a/x", "b/y"),
        name: str | None = None,
    ) -> Hold | Refused:
        self.asked += 1
        claims = self.claims(caps, tokens, nano_usd, at_most)
        return await self.counters.reserve(name or f"gh-{self.asked}", claims, targets)

    async def hold(self, *caps: Cap, **amounts: object) -> Hold:
        held = await self.reserve(*caps, **amounts)
        assert isinstance(held, Hold), held
        return held

    async def refused(self, *caps: Cap, **amounts: object) -> Refused:
        refused = await self.reserve(*caps, **amounts)
        assert isinstance(refused, Refused), refused
        return refused

    def settle(
        self, hold: Hold, *, tokens: int = 0, nano_usd: int = 0, requests: int = 1, by: str = ""
    ) -> bool:
        """End a hold with what was used, answered `by` a target."""
        used = {Unit.REQUESTS: requests, Unit.TOKENS: tokens, Unit.NANO_USD: nano_usd}
        units = [
            used.get(each.cap.unit, 0) if not by or each.cap.counts(by) else 0
            for each in hold.claims
        ]
        return self.counters.settle(hold, units)

    def release(self, hold: Hold) -> bool:
        """End a hold of which nothing was sent."""
        return self.settle(hold, requests=0)

    def raise_to(self, hold: Hold, *, tokens: int = 0, nano_usd: int = 0) -> None:
        """Hold at least so much."""
        wanted = {Unit.TOKENS: tokens, Unit.NANO_USD: nano_usd}
        self.counters.raise_to(hold, [wanted.get(each.cap.unit, 0) for each in hold.claims])

    async def state(self, unit: Unit = Unit.NANO_USD, account: str = ACCOUNT) -> AccountState:
        """How the account's cap on this unit stands; at nothing where there is none."""
        found = [
            each
            for each in await self.counters.states()
            if each.account == account and each.unit == unit
        ]
        return found[0] if found else AccountState(account, unit, "", 0)

    async def counted(self) -> tuple[int, int, int]:
        """Money used and held, and what runs."""
        spent, running = await self.state(), await self.state(Unit.PARALLEL)
        return spent.used, spent.held, running.held

    async def open(self) -> None:
        """Nothing to open in this process."""

    async def close(self) -> None:
        """Nothing to close in this process."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account's monthly money and its running requests stand."""

    spent_nano_usd: int = 0
    held_nano_usd: int = 0
    at_risk_nano_usd: int = 0
    parallel: int = 0


class StillCounters(InProcessCounters):
    """Counters of a process in which no time passes."""

    def __init__(self) -> None:
        super().__init__(lambda: 0, lambda: NOON_MS // 1_000)

    def state(self, account: str) -> Standing:
        units = {each.unit: each for each in self.states_now() if each.account == account}
        spent, running = units.get(Unit.NANO_USD), units.get(Unit.PARALLEL)
        return Standing(
            spent.used if spent else 0,
            spent.held if spent else 0,
            spent.at_risk if spent else 0,
            running.held if running else 0,
        )
