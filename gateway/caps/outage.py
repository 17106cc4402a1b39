"""What holds while the store is away: each replica keeps to its own part of what is left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from gateway.caps.in_process import InProcessCounters
from gateway.caps.port import AccountState, Claim, History, HistoryUnknown, Hold
from gateway.caps.windows import begins_at, is_remembered
from gateway.shortage import Refused, unknown
from policy.types import Cap, Pace, Unit


@dataclass(frozen=True, slots=True)
class OutagePlan:
    """How many replicas share what is left, and how much of its money each account may use
    meanwhile, over all of them; nothing unless somebody said so."""

    replicas: int = 1
    allowed_nano_usd: int = 0


class Outage:
    """The counters of this replica during one outage of the store.

    Rates and running requests are held at the limit divided by the replicas. What is left of longer
    windows, as the ledger knows it, is divided as well; of money only what the plan allows.
    """

    def __init__(
        self,
        plan: OutagePlan,
        history: History,
        monotonic_ns: Callable[[], int],
        unix_s: Callable[[], int],
    ) -> None:
        self._plan = plan
        self._history = history
        self._unix_s = unix_s
        self._counters = InProcessCounters(monotonic_ns, unix_s)
        self._parts: dict[Cap, tuple[int, Cap]] = {}

    async def reserve(
        self, exchange_id: str, claims: Sequence[Claim], targets: Sequence[str]
    ) -> Hold | Refused:
        """As the port says, within this replica's part."""
        parts: dict[Cap, Cap] = {}
        shared: list[Claim] = []
        for claim in claims:
            try:
                part = await self._part(claim.cap)
            except HistoryUnknown:
                return unknown(claim.cap, claim.units)
            parts[part] = claim.cap
            shared.append(msgspec.structs.replace(claim, cap=part))
        answer = await self._counters.reserve(exchange_id, shared, targets)
        if isinstance(answer, Refused):
            return self._told(answer, parts[answer.cap])
        return msgspec.structs.replace(
            answer,
            claims=tuple(
                msgspec.structs.replace(each, cap=parts[each.cap]) for each in answer.claims
            ),
            used_up=tuple(self._told(each, parts[each.cap]) for each in answer.used_up),
            near=(),
        )

    def raise_to(self, hold: Hold, units: Sequence[int]) -> None:
        """As the port says."""
        self._counters.raise_to(hold, units)

    def settle(self, hold: Hold, units: Sequence[int]) -> bool:
        """As the port says."""
        return self._counters.settle(hold, units)

    def states_now(self) -> list[AccountState]:
        """How this replica's parts stand."""
        return self._counters.states_now()

    async def _part(self, cap: Cap) -> Cap:
        """The cap with this replica's part of its amount; anew when its window begins anew."""
        if not is_remembered(cap.window):
            part = self._divided(cap, cap.amount)
            return part if cap.unit is Unit.NANO_USD else _at_least_one(part)
        begins = begins_at(cap.window, self._unix_s())
        known = self._parts.get(cap)
        if known is not None and (known[0] == begins or cap.window.pace is Pace.SLIDING):
            return known[1]
        past = await self._history.used(cap.account, begins)
        left = max(0, cap.amount - sum(each.of(cap.unit) for each in past))
        found = self._divided(cap, left)
        self._parts[cap] = (begins, found)
        return found

    def _divided(self, cap: Cap, left: int) -> Cap:
        if cap.unit is Unit.NANO_USD:
            left = min(left, self._plan.allowed_nano_usd)
        return msgspec.structs.replace(cap, amount=left // self._plan.replicas)

    def _told(self, refused: Refused, cap: Cap) -> Refused:
        """A refusal in the words of the cap itself: nobody is told of parts."""
        if cap.unit is Unit.NANO_USD:
            return unknown(cap, refused.needed)
        return replace(refused, cap=cap)


def _at_least_one(cap: Cap) -> Cap:
    return cap if cap.amount else msgspec.structs.replace(cap, amount=1)
