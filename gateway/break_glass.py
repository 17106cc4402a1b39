"""Open, approve and close exceptions from policy: who may, for how long, and with whom."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.acting import Asker
from gateway.roles import Permission
from gateway.store.break_glasses import BreakGlasses
from gateway.store.stored_break_glass import StoredBreakGlass, new_glass_id
from policy.break_glass import BreakGlassTerms, Lifts
from policy.rulebook.document import MatchDocument

_HOUR: Final = 3600


class BreakGlassRefused(Exception):
    """Whoever asked may not do this, which is on record; the message says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An exception as somebody asks for it."""

    reason: str
    lifts: Lifts
    match: MatchDocument
    for_seconds: int


@dataclass(frozen=True, slots=True)
class BreakGlassDesk:
    """Where exceptions are asked for, under the terms of the configuration in force.

    What is refused is recorded. `unix_us` gives UTC microseconds, `random_bytes` random bytes.
    """

    glasses: BreakGlasses
    terms: BreakGlassTerms
    unix_us: Callable[[], int]
    random_bytes: Callable[[int], bytes]

    async def open(self, wanted: Wanted, by: Asker) -> StoredBreakGlass:
        """Open an exception, or propose it where it takes two people.

        Raises `BreakGlassRefused`.
        """
        now = self.unix_us()
        glass = StoredBreakGlass(
            id=new_glass_id(self.random_bytes),
            reason=wanted.reason,
            lifts=wanted.lifts,
            match=wanted.match,
            for_seconds=wanted.for_seconds,
            proposed_unix_us=now,
            proposed_by=by.actor,
        )
        is_enough = self.terms.people == 1
        why = by.refusal(now, Permission.OPEN_BREAK_GLASS) or self._too_long(glass)
        if why is None and not is_enough:
            why = by.refusal_as_one_of_two()
        if why is not None:
            raise await self._refused(glass, "open", why, by)
        glass = glass.opened(now) if is_enough else glass
        await self.glasses.begin(glass)
        return glass

    async def approve(self, glass_id: str, by: Asker) -> StoredBreakGlass:
        """Open what somebody else proposed.

        Raises `BreakGlassNotFound`, `BreakGlassStands` or `BreakGlassRefused`.
        """
        now, glass = self.unix_us(), await self.glasses.find(glass_id)
        why = (
            by.refusal(now, Permission.APPROVE_BREAK_GLASS)
            or by.refusal_as_one_of_two(glass.proposed_by)
            or self._too_long(glass)
        )
        if why is not None:
            raise await self._refused(glass, "approve", why, by)
        return await self.glasses.approve(glass_id, by.actor, now)

    async def close(self, glass_id: str, by: Asker) -> StoredBreakGlass:
        """End an exception, or withdraw it: one person is enough, for then the policy holds.

        Raises `BreakGlassNotFound`, `BreakGlassStands` or `BreakGlassRefused`.
        """
        now, glass = self.unix_us(), await self.glasses.find(glass_id)
        may = (Permission.OPEN_BREAK_GLASS, Permission.APPROVE_BREAK_GLASS)
        why = by.refusal(now, *may)
        if why is not None:
            raise await self._refused(glass, "close", why, by)
        return await self.glasses.close(glass_id, by.actor, now)

    def _too_long(self, glass: StoredBreakGlass) -> str | None:
        most = self.terms.max_seconds
        if glass.for_seconds <= most:
            return None
        return f"a break-glass is open {most // _HOUR} hours at most (break_glass.max_hours)"

    async def _refused(
        self, glass: StoredBreakGlass, attempt: str, why: str, by: Asker
    ) -> BreakGlassRefused:
        await self.glasses.refuse(glass, attempt, why, by.actor, self.unix_us())
        return BreakGlassRefused(why)
