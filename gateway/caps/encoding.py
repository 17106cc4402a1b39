"""Caps and claims as the store's script takes them, and its answers as the port gives them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.caps.port import QUARTER_SECONDS, AccountState, Claim, Hold, NearlyUsedUp, Used
from gateway.caps.store import Argument
from gateway.caps.windows import (
    LENGTH_SECONDS,
    SLOT_SECONDS,
    is_remembered,
    span_of,
)
from gateway.shortage import Refused
from policy.types import Cap, Pace, Unit, Window

Answer = Any
"""What the script replies: nested lists of integers and bytes, as `lua/holds.lua` says."""

_MOST_REMEMBERED = 20_000


class Encoding:
    """Turns claims into arguments. What of them does not change is made once."""

    def __init__(self, unix_s: Callable[[], int]) -> None:
        self._unix_s = unix_s
        self._heads: dict[Cap, tuple[str, str, int, int]] = {}
        self._spans: dict[Window, tuple[int, int]] = {}

    def claims(
        self, claims: Iterable[Claim], units: Sequence[int], targets: Sequence[str] = ()
    ) -> list[Argument]:
        """Nine arguments for each claim, with so many units; `targets` are those of the request."""
        found: list[Argument] = []
        for claim, wanted in zip(claims, units, strict=True):
            cap = claim.cap
            name, kind, remembered, limit = self._head(cap)
            first, second = self._window(cap)
            places = [at for at, name in enumerate(targets, 1) if name in cap.targets]
            counted = " ".join(map(str, places))
            most = claim.units_at_most
            found += (name, kind, limit, wanted, most, first, second, remembered, counted)
        return found

    def slots(self, cap: Cap, past: Iterable[Used]) -> list[Argument]:
        """How many slots, and each with its units: what the ledger knows of a counter's window."""
        now = self._unix_s()
        first, second = self._window(cap)
        slides = cap.window.pace is Pace.SLIDING
        sums: dict[int, int] = {}
        for quarter in past:
            units = quarter.of(cap.unit)
            last = min(quarter.start_unix_s + QUARTER_SECONDS - 1, now)
            if slides:
                if last // first >= (now - second) // first:
                    sums[last // first] = sums.get(last // first, 0) + units
            elif quarter.start_unix_s >= first:
                sums[0] = sums.get(0, 0) + units
        arguments: list[Argument] = [len(sums)]
        for slot, units in sums.items():
            arguments += (slot, units)
        return arguments

    def _head(self, cap: Cap) -> tuple[str, str, int, int]:
        head = self._heads.get(cap)
        if head is None:
            if len(self._heads) >= _MOST_REMEMBERED:
                self._heads.clear()
            remembered = int(is_remembered(cap.window))
            head = self._heads[cap] = (cap.counter, _kind(cap), remembered, cap.amount)
        return head

    def _window(self, cap: Cap) -> tuple[int, int]:
        """A calendar's beginning and end, a sliding window's slot and length, in seconds."""
        window = cap.window
        if window.pace is Pace.SLIDING:
            return SLOT_SECONDS[window.period], LENGTH_SECONDS[window.period]
        if window.pace is Pace.EVEN:
            return 0, 0
        span, now = self._spans.get(window), self._unix_s()
        if span is None or not span[0] <= now < span[1]:
            span = self._spans[window] = span_of(window, now)
        return span


def hold_of(
    exchange_id: str, answer: Answer, claims: Sequence[Claim], targets: Sequence[str]
) -> Hold:
    """What was taken."""
    _, _, places, out, used_up, near = answer
    return Hold(
        exchange_id,
        tuple([claims[at] for at in _numbers(places)]),
        tuple([refused_of(each, claims) for each in used_up]),
        frozenset([targets[at] for at in _numbers(out)]),
        tuple([NearlyUsedUp(claims[at - 1].cap, _moment(int(ends))) for at, ends in near]),
    )


def refused_of(told: Answer, claims: Sequence[Claim]) -> Refused:
    """Why a claim was not taken."""
    at, left, wait_ms, ends = (int(each) for each in told)
    claim = claims[at - 1]
    seconds = None if wait_ms < 0 else -(-wait_ms // 1000)
    return Refused(claim.cap, claim.units, left, seconds, _moment(ends))


def state_of(told: Answer) -> AccountState:
    """How an account stands."""
    account, unit, window = told[0].decode().rsplit("|", 2)
    limit, used, held, at_risk, over, ends = (int(each) for each in told[1:])
    return AccountState(
        account, Unit(unit), window, limit, used, held, at_risk, over, _moment(ends)
    )


def _kind(cap: Cap) -> str:
    if cap.unit is Unit.PARALLEL:
        return "gauge"
    return cap.window.pace.value


def _numbers(listed: bytes) -> list[int]:
    """Places in a list, which the script counts from one."""
    return [int(each) - 1 for each in listed.split(b",") if each]


def _moment(unix_s: int) -> datetime | None:
    return None if unix_s < 0 else datetime.fromtimestamp(unix_s, UTC)
