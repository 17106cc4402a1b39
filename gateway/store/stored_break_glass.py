"""An exception from policy as it is kept: what it lifts, for whom, why, and what became of it."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

from gateway.store.changes import Actor
from policy.break_glass import BreakGlass, BreakGlassTerms, Lifts
from policy.rulebook.document import MatchDocument

PROPOSAL_SECONDS: Final = 24 * 3600
"""So long a proposal waits for its second person; later it is to be proposed anew."""

GLASS_ID_LENGTH: Final = 15
"""Characters of every id: `bg_` and twelve of base 32."""

_SECOND_US: Final = 1_000_000


def new_glass_id(random_bytes: Callable[[int], bytes]) -> str:
    """A new id, from random bytes."""
    return "bg_" + base64.b32encode(random_bytes(8)).decode().lower()[:12]


class BreakGlassState(StrEnum):
    """How an exception stands."""

    PROPOSED = "proposed"  # a second person has to approve it
    LAPSED = "lapsed"  # nobody did, in time
    OPEN = "open"
    CLOSED = "closed"  # somebody ended or withdrew it
    ENDED = "ended"  # its time is over


@dataclass(frozen=True, slots=True)
class StoredBreakGlass:
    """An exception as it is kept. Times are UTC microseconds.

    It is open from `opened_unix_us` until `until_unix_us`, a whole second, unless it was closed
    before; `ended_unix_us` says when that end was noticed and recorded.
    """

    id: str
    reason: str
    lifts: Lifts
    match: MatchDocument
    for_seconds: int
    proposed_unix_us: int
    proposed_by: Actor
    approved_by: Actor | None = None
    opened_unix_us: int | None = None
    until_unix_us: int | None = None
    closed_unix_us: int | None = None
    closed_by: Actor | None = None
    ended_unix_us: int | None = None

    def state(self, now_unix_us: int) -> BreakGlassState:
        """How it stands at a moment."""
        if self.closed_unix_us is not None:
            return BreakGlassState.CLOSED
        if self.until_unix_us is None:
            waited_us = now_unix_us - self.proposed_unix_us
            is_waiting = waited_us < PROPOSAL_SECONDS * _SECOND_US
            return BreakGlassState.PROPOSED if is_waiting else BreakGlassState.LAPSED
        is_over = now_unix_us >= self.until_unix_us
        return BreakGlassState.ENDED if is_over else BreakGlassState.OPEN

    def is_within(self, terms: BreakGlassTerms) -> bool:
        """Whether it may be open under these terms."""
        people = 1 if self.approved_by is None else 2
        return self.for_seconds <= terms.max_seconds and people >= terms.people

    def opened(self, now_unix_us: int, approved_by: Actor | None = None) -> Self:
        """The same, open from now on; its end is a whole second."""
        until = (now_unix_us // _SECOND_US + self.for_seconds) * _SECOND_US
        return replace(
            self, opened_unix_us=now_unix_us, until_unix_us=until, approved_by=approved_by
        )

    @property
    def admits_until_unix_us(self) -> int:
        """When the last request is on record that passed because of it, at the latest; 0 where it
        was never open: what was decided before the end may be admitted a moment later."""
        return 0 if self.until_unix_us is None else self.until_unix_us + 60 * _SECOND_US

    def for_policy(self) -> BreakGlass:
        """One that was opened, as policy is told of it; closed in a second, it held to its end."""
        assert self.opened_unix_us is not None
        assert self.until_unix_us is not None
        ends = self.until_unix_us
        if self.closed_unix_us is not None:
            ends = min(ends, self.closed_unix_us + _SECOND_US - 1)
        starts = self.opened_unix_us // _SECOND_US
        return BreakGlass(self.id, self.lifts, self.match, starts, ends // _SECOND_US)
