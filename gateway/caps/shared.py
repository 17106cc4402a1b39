"""Count caps in a store that all replicas share, with leases, and go on while it is away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal

import msgspec

from gateway.caps.channel import Channel, Step, Store
from gateway.caps.encoding import Answer, Encoding, hold_of, refused_of, state_of
from gateway.caps.outage import Outage, OutagePlan
from gateway.caps.port import AccountState, Claim, CountersHealth, History, HistoryUnknown, Hold
from gateway.caps.store import Argument, StoreAway
from gateway.caps.windows import begins_at
from gateway.polling import Polling
from gateway.shortage import Refused, unknown
from policy.types import Unit

log = logging.getLogger("gatehouse.caps")

LEASE_SECONDS: Final = 30.0
"""How long the store keeps a hold without word of the replica that made it."""

PROBE_SECONDS: Final = 0.25
"""How often a store that is away is tried."""

_IDS_AT_ONCE: Final = 500
_AMENDED_AT_ONCE: Final = 1_000
_MOST_SEEDINGS: Final = 3

_NOT_SEEDED, _REFUSED, _TAKEN = -1, 0, 1


class _Running(msgspec.Struct):
    """A hold of this replica. `outage` where it was made while the store was away."""

    hold: Hold
    units: list[int]
    store_id: str
    epoch: str
    outage: Outage | None = None


class SharedCounters:
    """The counters of one replica of several. `monotonic_ns` and `unix_s` as in process.

    A reservation is asked of the store; all else is told it in the background, in order. What it
    was told it does once: by the id of the exchange.
    """

    def __init__(
        self,
        store: Store,
        history: History,
        plan: OutagePlan,
        *,
        monotonic_ns: Callable[[], int],
        unix_s: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._history = history
        self._plan = plan
        self._monotonic_ns = monotonic_ns
        self._unix_s = unix_s
        self._sleep = sleep
        self._lease_ms = int(lease_seconds * 1000)
        self._channel = Channel(store, self._store_changed)
        self._encoding = Encoding(unix_s)
        self._running: dict[str, _Running] = {}
        self._outage: Outage | None = None
        self._polling = Polling("caps-leases", self.keep_leases, sleep=self._rest)

    async def start(self) -> None:
        """Find the store, or note that it is away; then keep the leases."""
        self._channel.start()
        await self.keep_leases()
        self._polling.start()

    async def stop(self) -> None:
        """Tell the store what it has not been told, and disconnect."""
        await self._polling.stop()
        await self._channel.stop()

    @property
    def is_away(self) -> bool:
        """Whether the store is away."""
        return self._channel.is_away

    def health(self) -> CountersHealth:
        """As the port says."""
        at_risk = sum(
            max(0, claim.units_at_most - held)
            for running in self._running.values()
            for claim, held in zip(running.hold.claims, running.units, strict=True)
            if claim.cap.unit is Unit.NANO_USD
        )
        channel = self._channel
        where: Literal["away", "shared"] = "away" if channel.is_away else "shared"
        return CountersHealth(where, at_risk, channel.waiting, channel.dropped)

    async def reserve(
        self, exchange_id: str, claims: Sequence[Claim], targets: Sequence[str]
    ) -> Hold | Refused:
        """As the port says."""
        known = self._running.get(exchange_id)
        if known is not None:
            return known.hold
        if not self._channel.is_away:
            try:
                return await self._reserve_shared(exchange_id, claims, targets)
            except StoreAway:
                self._release(exchange_id)
            except asyncio.CancelledError:
                self._release(exchange_id)
                raise
        return await self._reserve_here(exchange_id, claims, targets)

    def raise_to(self, hold: Hold, units: Sequence[int]) -> None:
        """As the port says."""
        running = self._running.get(hold.exchange_id)
        if running is None:
            return
        raised = [max(held, wanted) for held, wanted in zip(running.units, units, strict=True)]
        if raised == running.units:
            return
        running.units = raised
        if running.outage is not None:
            running.outage.raise_to(hold, raised)
        self._tell("raise", running, raised)

    def settle(self, hold: Hold, units: Sequence[int]) -> bool:
        """As the port says."""
        running = self._running.pop(hold.exchange_id, None)
        if running is None:
            return False
        if running.outage is not None:
            running.outage.settle(hold, units)
        self._tell("settle", running, units, moment=self._unix_s() * 1000)
        return True

    async def states(self) -> list[AccountState]:
        """As the port says; while the store is away, how this replica's parts stand."""
        try:
            names = await self._channel.ask(("names",))
            assert isinstance(names, list)
            found: list[AccountState] = []
            for at in range(0, len(names), _IDS_AT_ONCE):
                told: Answer = await self._channel.ask(("states", *names[at : at + _IDS_AT_ONCE]))
                found += [state_of(each) for each in told]
        except StoreAway:
            found = [] if self._outage is None else self._outage.states_now()
        return sorted(found, key=lambda each: (each.account, each.unit, each.window))

    async def flush(self) -> None:
        """Return once the store has been told all there is to tell, or is away."""
        await self._channel.flush()

    async def keep_leases(self) -> None:
        """Say of every hold that its replica lives; restore those that the store has lost."""
        by_id = {running.store_id: running for running in self._running.values()}
        ids = list(by_id)
        try:
            for at in range(0, max(1, len(ids)), _IDS_AT_ONCE):
                some = ids[at : at + _IDS_AT_ONCE]
                told: Answer = await self._channel.probe(("renew", self._lease_ms, *some))
                for lost in [each.decode() for each in told[1]]:
                    running = by_id[lost]
                    if self._running.get(running.hold.exchange_id) is running:
                        self._tell("restore", running, running.units, moment=self._lease_ms)
            self._outage = None
            await self._amend_estimates()
        except StoreAway as error:
            self._channel.lose(str(error))

    async def _amend_estimates(self) -> None:
        """What was booked as estimated for replicas that fell silent gives way to the ledger."""
        told: Answer = await self._channel.ask(("expired", _AMENDED_AT_ONCE))
        ids = [each.decode() for each in told]
        if not ids:
            return
        try:
            ended = await self._history.ended(ids)
        except HistoryUnknown:
            return
        for exchange_id, used in ended.items():
            units = (used.requests, used.tokens, used.nano_usd)
            await self._channel.ask(("amend", exchange_id, *units, *used.accounts))

    async def _rest(self, _: float) -> None:
        await self._sleep(PROBE_SECONDS if self.is_away else self._lease_ms / 3000)

    async def _reserve_shared(
        self, exchange_id: str, claims: Sequence[Claim], targets: Sequence[str]
    ) -> Hold | Refused:
        wanted = [each.units for each in claims]
        for _ in range(_MOST_SEEDINGS):
            head = ("reserve", exchange_id, self._lease_ms, len(targets), len(claims))
            encoded = self._encoding.claims(claims, wanted, targets)
            answer: Answer = await self._channel.ask((*head, *encoded))
            if answer[0] == _TAKEN:
                hold = hold_of(exchange_id, answer, claims, targets)
                units = [each.units for each in hold.claims]
                epoch = answer[1].decode()
                self._running[exchange_id] = _Running(hold, units, exchange_id, epoch)
                return hold
            if answer[0] == _REFUSED:
                return refused_of(answer[2], claims)
            if answer[0] != _NOT_SEEDED:
                break
            for at in answer[2]:
                claim = claims[at - 1]
                try:
                    await self._seed(claim)
                except HistoryUnknown:
                    return unknown(claim.cap, claim.units)
        raise StoreAway("it does not take what it is asked")

    async def _seed(self, claim: Claim) -> None:
        """Tell the store what the ledger knows of an account. Raises `HistoryUnknown`."""
        cap = claim.cap
        past = await self._history.used(cap.account, begins_at(cap.window, self._unix_s()))
        encoded = self._encoding.claims([claim], [0])
        await self._channel.ask(("seed", *encoded, *self._encoding.slots(cap, past)))

    async def _reserve_here(
        self, exchange_id: str, claims: Sequence[Claim], targets: Sequence[str]
    ) -> Hold | Refused:
        if self._outage is None:
            self._outage = Outage(self._plan, self._history, self._monotonic_ns, self._unix_s)
        outage = self._outage
        answer = await outage.reserve(exchange_id, claims, targets)
        if isinstance(answer, Hold):
            units = [each.units for each in answer.claims]
            running = _Running(answer, units, f"{exchange_id}:here", "", outage)
            self._running[exchange_id] = running
        return answer

    def _tell(self, what: str, running: _Running, units: Sequence[int], *, moment: int = 0) -> None:
        claims = running.hold.claims
        head: list[Argument] = [what, running.store_id, running.epoch, moment, len(claims)]
        self._channel.tell(Step((*head, *self._encoding.claims(claims, units))))

    def _release(self, exchange_id: str) -> None:
        """Nobody knows whether the store took what was asked for: it must not keep it."""
        self._channel.tell(Step(("release", exchange_id, "", 0, 0)))

    def _store_changed(self, is_away: bool) -> None:
        if not is_away:
            self._outage = None
            log.warning("caps_store_back", extra={"told": self._channel.waiting})
