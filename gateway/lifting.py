"""Keep policy in force with the exceptions that are open, and say loudly that they are."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from gateway.pipeline import InForce
from gateway.polling import Polling
from gateway.store.stored_break_glass import StoredBreakGlass

log = logging.getLogger(__name__)


class OpenedGlasses(Protocol):
    """Where it is known what was opened (`gateway.store.break_glasses.BreakGlasses`)."""

    async def not_over(self) -> Sequence[StoredBreakGlass]:
        """Those that were opened, and neither closed nor seen to end."""
        ...

    async def end_due(self, now_unix_us: int) -> int:
        """Put on record which have come to their end."""
        ...


class Lifting:
    """Tells policy what is open, at most a second after it was opened or closed.

    Their ends policy sees by itself: each is compared with the time of the request. What the
    configuration in force would not let open (too long, one person too few) is held back.
    """

    def __init__(
        self,
        glasses: OpenedGlasses,
        in_force: InForce,
        decide_anew: Callable[[], None],
        *,
        unix_us: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._glasses = glasses
        self._in_force = in_force
        self._decide_anew = decide_anew
        self._unix_us = unix_us
        self._open: dict[str, StoredBreakGlass] = {}
        self._held_back: set[str] = set()
        self._polling = Polling("break-glass", self.refresh, sleep=sleep)

    async def start(self) -> None:
        """Lift what is open, then keep up with it. Raises what the source raises at first."""
        await self.refresh()
        self._polling.start()

    async def stop(self) -> None:
        """Stop keeping up. Safe to call twice."""
        await self._polling.stop()

    @property
    def open_count(self) -> int:
        """How many exceptions lift something at this moment."""
        now = self._unix_us()
        return sum(now < (each.until_unix_us or 0) for each in self._open.values())

    async def refresh(self) -> None:
        """Learn now what is open, and put on record what has come to its end."""
        now = self._unix_us()
        known = await self._glasses.not_over()
        if any(each.until_unix_us is not None and each.until_unix_us <= now for each in known):
            await self._glasses.end_due(now)
        terms = self._in_force.configuration.break_glass
        opened = {}
        for each in known:
            if each.until_unix_us is not None and now < each.until_unix_us:
                if each.is_within(terms):
                    opened[each.id] = each
                else:
                    self._hold_back(each)
        if opened != self._open:
            self._take(opened)

    def _take(self, opened: dict[str, StoredBreakGlass]) -> None:
        before, self._open = self._open, opened
        self._in_force.lift(tuple(each.for_policy() for each in opened.values()))
        self._decide_anew()
        for glass_id, glass in opened.items():
            if glass_id not in before:
                log.warning("break_glass_open", extra=_told(glass))
        for glass_id, glass in before.items():
            if glass_id not in opened:
                log.warning("break_glass_over", extra=_told(glass))

    def _hold_back(self, glass: StoredBreakGlass) -> None:
        if glass.id not in self._held_back:
            self._held_back.add(glass.id)
            log.error("break_glass_held_back", extra=_told(glass))


def _told(glass: StoredBreakGlass) -> dict[str, object]:
    return {
        "break_glass": glass.id,
        "lifts": glass.lifts.told(),
        "until_unix_us": glass.until_unix_us,
    }
