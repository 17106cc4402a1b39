"""Beside other replicas: show that ours lives, and end what one that is gone has left open."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from gateway.polling import Polling

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
DEAD_AFTER_SECONDS = 30.0


class Lanes(Protocol):
    """What recovery asks of the lanes (`gateway.store.lanes.Lanes`)."""

    async def beat(self, lane: str) -> None:
        """Say that the writer of this lane lives."""
        ...

    async def leave(self, lane: str) -> None:
        """Say that the writer has stopped in order."""
        ...

    async def beats(self, *, but_lane: str) -> Mapping[str, int]:
        """The other lanes that somebody is expected to write to, and their beats."""
        ...

    async def end(self, lane: str, beat: int | None = None) -> int:
        """Give what is open in a lane its end, if its beat is still this one; returns how many."""
        ...


class LaneWatch:
    """Shows that the writer of a lane lives, and looks after the lanes of those that do not.

    A lane is ended when its beat stood still for `dead_after_seconds` while we looked, by our own
    clock: no two clocks are ever compared. What we could not see, because the database was away or
    this process stood still, counts for nothing, so an outage makes nobody look dead.
    """

    def __init__(
        self,
        lanes: Lanes,
        lane: str,
        *,
        look_seconds: float = LOOK_SECONDS,
        dead_after_seconds: float = DEAD_AFTER_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._lanes = lanes
        self._lane = lane
        self._dead_after_seconds = dead_after_seconds
        self._monotonic = monotonic
        self._seen: dict[str, tuple[int, float]] = {}  # each lane's beat, and since when it stands
        self._looked = monotonic()
        self._polling = Polling(
            "lane-watch", self._look_or_forget, seconds=look_seconds, sleep=sleep, at_once=True
        )
        self._is_watching = False

    def start(self) -> None:
        """Begin. Call it once, on the event loop, when the lane is open."""
        self._is_watching = True
        self._polling.start()

    async def stop(self) -> None:
        """Stop, and leave the lane: it must be closed by now. Safe to call twice."""
        if not self._is_watching:
            return
        self._is_watching = False
        await self._polling.stop()
        try:
            await self._lanes.leave(self._lane)
        except (SQLAlchemyError, OSError) as error:
            log.warning("lane_not_left", extra={"error": type(error).__name__})

    async def look(self) -> int:
        """Show that we live, and look once at the others; how many exchanges were given an end.

        Raises what the database raises when it cannot be asked.
        """
        now, last = self._monotonic(), self._looked
        self._looked = now
        if now - last > self._dead_after_seconds / 2:
            self._seen.clear()
        await self._lanes.beat(self._lane)
        beats = await self._lanes.beats(but_lane=self._lane)
        still = {lane: seen for lane, seen in self._seen.items() if beats.get(lane) == seen[0]}
        self._seen = {lane: still.get(lane, (beat, now)) for lane, beat in beats.items()}
        ended = 0
        for lane, (beat, since) in self._seen.items():
            if now - since >= self._dead_after_seconds:
                ended += await self._end(lane, beat)
        return ended

    async def _end(self, lane: str, beat: int) -> int:
        try:
            ended = await self._lanes.end(lane, beat)
        except (SQLAlchemyError, OSError) as error:  # others may be at it: we look again
            log.warning("lane_not_recovered", extra={"lane": lane, "error": type(error).__name__})
            return 0
        log.warning("lane_recovered", extra={"lane": lane, "exchanges": ended})
        return ended

    async def _look_or_forget(self) -> None:
        has_looked = False
        try:
            await self.look()
            has_looked = True
        finally:
            if not has_looked:
                self._seen.clear()
