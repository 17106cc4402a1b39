"""The counters behind caps: take before, correct after, all or nothing, exactly once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from gateway.shortage import Refused
from policy.types import Cap, Unit


class Claim(msgspec.Struct, frozen=True):
    """What one exchange is expected to take from a cap, and what its longest answer would take."""

    cap: Cap
    units: int
    units_at_most: int


class NearlyUsedUp(msgspec.Struct, frozen=True):
    """A cap of which four fifths are used. `resets_at` is None where it slides."""

    cap: Cap
    resets_at: datetime | None = None


class Hold(msgspec.Struct, frozen=True):
    """What was taken for one exchange; to be settled exactly once.

    `used_up` are caps on some targets that had no room: those targets, `left_out`, may not be
    tried.
    """

    exchange_id: str
    claims: tuple[Claim, ...]
    used_up: tuple[Refused, ...] = ()
    left_out: frozenset[str] = frozenset()
    near: tuple[NearlyUsedUp, ...] = ()


NOTHING_HELD = Hold("", ())
"""Of an exchange without caps."""


@dataclass(frozen=True, slots=True)
class AccountState:
    """One account under one of its caps at this moment, in the cap's unit.

    `limit` is the amount as it was last asked for, `window` the window's label. `at_risk` is how
    much more than is held the running answers can still use; `overspent` is the furthest the limit
    was passed in this window. `resets_at` is None where a window slides, or there is none.
    """

    account: str
    unit: Unit
    window: str
    limit: int
    used: int = 0
    held: int = 0
    at_risk: int = 0
    overspent: int = 0
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CountersHealth:
    """Whether the counters do as they should.

    `where` is `in_process`, `shared`, or `away` while a store cannot be reached. `waiting` are the
    settlements and the like that it has not been told yet, `dropped` those it never will be.
    `at_risk_nano_usd` is what the answers running in this process can still cost beyond what is
    held for them.
    """

    where: Literal["in_process", "shared", "away"]
    at_risk_nano_usd: int
    waiting: int = 0
    dropped: int = 0


class Counters(Protocol):
    """Where caps are counted. Each call is one atomic step; a counter occurs once in a call.

    Only what needs an answer is awaited: the rest returns at once, and counters elsewhere are told
    in the background.
    """

    async def reserve(
        self, exchange_id: str, claims: Sequence[Claim], targets: Sequence[str]
    ) -> Hold | Refused:
        """Take every claim, or none. The same id again takes nothing more.

        A cap on some of the `targets` that has no room takes just these out; it refuses where none
        is left. What only counts targets that are out is not taken.
        """
        ...

    def raise_to(self, hold: Hold, units: Sequence[int]) -> None:
        """Hold at least so much for each claim while an answer outgrows its estimate.

        Never refuses: what was generated exists. Nothing after the end.
        """
        ...

    def settle(self, hold: Hold, units: Sequence[int]) -> bool:
        """Replace what each claim holds by what was used, and end the hold.

        False when it has ended already.
        """
        ...

    async def states(self) -> list[AccountState]:
        """How every account stands that is in use, by account, unit and window."""
        ...

    def health(self) -> CountersHealth:
        """What /readyz and the metrics tell."""
        ...


@dataclass(frozen=True, slots=True)
class Used:
    """What an account used in a quarter of an hour that began at `start_unix_s`."""

    start_unix_s: int
    requests: int
    tokens: int
    nano_usd: int

    def of(self, unit: Unit) -> int:
        """As much as that of one unit."""
        match unit:
            case Unit.REQUESTS:
                return self.requests
            case Unit.TOKENS:
                return self.tokens
            case Unit.NANO_USD:
                return self.nano_usd
            case Unit.PARALLEL:
                return 0


@dataclass(frozen=True, slots=True)
class Ended:
    """What the ledger says an exchange used, and the accounts it was charged to."""

    requests: int
    tokens: int
    nano_usd: int
    accounts: tuple[str, ...]


QUARTER_SECONDS = 900
"""How finely the past is known. Days begin at a quarter of an hour in every time zone."""


class History(Protocol):
    """What accounts have used, as the ledger knows it."""

    async def used(self, account: str, since_unix_s: int) -> Sequence[Used]:
        """The quarters of an hour that ended after then, oldest first. Raises `HistoryUnknown`."""
        ...

    async def ended(self, exchange_ids: Sequence[str]) -> Mapping[str, Ended]:
        """Those of the exchanges that have their end. Raises `HistoryUnknown`."""
        ...


class HistoryUnknown(Exception):
    """Nobody can say now what has been used."""


class NoHistory:
    """Accounts that begin with nothing used."""

    async def used(self, account: str, since_unix_s: int) -> Sequence[Used]:
        """Nothing."""
        return ()

    async def ended(self, exchange_ids: Sequence[str]) -> Mapping[str, Ended]:
        """None."""
        return {}
