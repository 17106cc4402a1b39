"""Take a changed configuration without a restart; a bad one is reported and the old one stays.

What is in force is what the files say, or a stored version that somebody ordered (a pin). While a
pin holds, files that change are checked and reported, not taken. So are files that change policy,
where that takes two people, until these have approved them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.configuration.approval import OPEN, Gate
from gateway.configuration.build import Configuration
from gateway.configuration.lookout import Lookout, Pause, Seen
from gateway.configuration.orders import (
    NO_ORDERS,
    Order,
    Orders,
    OrdersUnavailable,
    StandingOrders,
    VersionNotFound,
)
from gateway.configuration.problems import ConfigurationError
from gateway.configuration.reading import digest_of
from gateway.configuration.stored import Origin, StoredConfiguration
from gateway.polling import failure_of

_log = logging.getLogger(__name__)

Load = Callable[[], Configuration]
Restore = Callable[[StoredConfiguration], Configuration]
Apply = Callable[[Configuration, Order | None], Awaitable[None]]
Refused = Callable[[str, Sequence[str]], Awaitable[None]]
"""Told of files that are refused: a name for their contents, and the problems."""


class Standing(StrEnum):
    """How what runs stands to what is written, in a word that a stranger may read."""

    IN_FORCE = "in_force"
    FILE_REFUSED = "file_refused"
    RELOAD_FAILED = "reload_failed"  # as nobody foresaw: the log has it
    PINNED = "pinned"  # somebody rolled back: the files do not count
    LAST_GOOD = "last_good"  # the files could not be used at the start
    AWAITS_APPROVAL = "awaits_approval"  # people have to approve what the files say


@dataclass(slots=True)
class WatchState:
    """What /readyz and the metrics tell of the configuration."""

    digest: str
    origin: Origin
    error: str | None = None
    """Why the files are not what runs: their problems, or what failed. None: they are right."""
    has_failed: bool = False
    """Whether it failed as nobody foresaw."""
    reloads: int = 0
    refusals: int = 0
    pin: Order | None = None
    """The order that holds, if one does."""
    waiting: str | None = None
    """The digest of what the files say, where a pin keeps it from being in force."""
    awaits: str | None = None
    """The same, where people have to approve it first."""

    @property
    def standing(self) -> Standing:
        """All of that in a word."""
        if self.origin in (Origin.PIN, Origin.LAST_GOOD):
            return Standing.PINNED if self.origin is Origin.PIN else Standing.LAST_GOOD
        if self.awaits is not None:
            return Standing.AWAITS_APPROVAL
        if self.error is None:
            return Standing.IN_FORCE
        return Standing.RELOAD_FAILED if self.has_failed else Standing.FILE_REFUSED


class CannotChange(Exception):
    """A configuration that cannot be put in place, with the problems."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


async def ignore(name: str, problems: Sequence[str]) -> None:
    """Tell nobody of files that are refused."""


@dataclass(slots=True)
class Watcher:
    """Looks at orders and at the contents of files every `interval_seconds`.

    `load` reads the files and raises `ConfigurationError` (None: there are no files); `restore`
    makes a configuration of a stored version and raises it too; `apply` puts one in place, on
    record, and may raise `ConfigurationError`, `OSError` or `OrdersUnavailable`.
    """

    current: Configuration
    load: Load | None
    apply: Apply
    restore: Restore | None = None
    orders: Orders = NO_ORDERS
    refused: Refused = ignore
    pin: Order | None = None
    """The order that holds at the start."""
    error: str | None = None
    """What was wrong with the files at the start, where something else was taken."""
    files: Lookout | None = None
    """What to watch, where `current` was not read from the files."""
    gate: Gate = OPEN
    awaits: str | None = None
    """The digest of what the files said at the start, where people have to approve it first."""
    interval_seconds: float = 1.0
    pause: Pause = asyncio.sleep
    state: WatchState = field(init=False)
    _files: Lookout = field(init=False)
    _keys: Lookout = field(init=False)

    def __post_init__(self) -> None:
        self.state = WatchState(
            self.current.digest, self.current.origin, self.error, pin=self.pin, awaits=self.awaits
        )
        self._keys = Lookout.over(self.current)
        self._files = self.files or self._keys

    async def run(self) -> None:
        """Look for ever; ends when cancelled. However a look ends, the next one comes."""
        while True:
            await self.pause(self.interval_seconds)
            self._report_end(await failure_of(self.look()))

    async def look(self) -> bool:
        """Look once. True when a new configuration was put in place.

        Files that are refused are read again at each look (the secret they miss may have come
        since), and reported again only when something else is wrong with them.
        """
        try:
            standing = await self.orders.standing()
            if standing.asked is not None:
                return await self._carry_out(standing.asked)
            if not _is_same(standing.pin, self.state.pin):
                return await self._follow(standing)
            if self.state.pin is not None:
                return await self._look_past(self.state.pin)
            return await self._look_at_files()
        except OrdersUnavailable as error:
            _log.warning("orders_unavailable", extra={"problem": str(error)})
            return False

    async def _look_at_files(self) -> bool:
        seen = await self._files.look(self.pause)
        if seen is Seen.UNSETTLED:
            return False
        if seen is Seen.SAME and self.state.error is None and await self._is_settled():
            return False
        try:
            fresh = await self._loaded()
            told = await self.gate.held_back(fresh)
            if told is not None:
                await self._hold_back(fresh, told)
                return False
            await self._put(fresh, None)
        except CannotChange as error:
            self.state.awaits = None
            await self._refuse(error)
            return False
        return True

    async def _is_settled(self) -> bool:
        """Whether the same files mean the same: people may have approved by now what they say."""
        awaits = self.state.awaits
        return awaits is None or await self.gate.is_held(awaits)

    async def _hold_back(self, fresh: Configuration, told: str) -> None:
        self.state.error = None
        self._files = await asyncio.to_thread(Lookout.over, fresh)
        if self.state.awaits != fresh.digest:
            self.state.awaits = fresh.digest
            extra = {"digest": fresh.digest, "problem": told}
            _log.warning("configuration_awaits_approval", extra=extra)

    async def _look_past(self, pin: Order) -> bool:
        """A pin holds: check files that changed, and take its own keys when these change."""
        seen = await self._files.look(self.pause)
        if self.load is not None and (seen is Seen.CHANGED or self.state.error is not None):
            try:
                waiting = await self._loaded()
            except CannotChange as error:
                self.state.waiting = None
                await self._refuse(error)
            else:
                self._files = await asyncio.to_thread(Lookout.over, waiting)
                self._wait(waiting.digest)
        if await self._keys.look(self.pause) is not Seen.CHANGED:
            return False
        try:
            await self._put(await self._wanted(pin), None, pin)
        except CannotChange as error:
            _log.error("configuration_refused", extra={"problems": list(error.lines)})
            return False
        return True

    async def _carry_out(self, order: Order) -> bool:
        """Do what somebody waits for, or tell why not: then all stays as it was."""
        try:
            await self._put(await self._wanted(order, is_new=True), order, order)
        except CannotChange as error:
            _log.error(
                "order_refused", extra={"order": order.number, "problems": list(error.lines)}
            )
            await self.orders.refuse(order, error.lines[0])
            return False
        return True

    async def _follow(self, standing: StandingOrders) -> bool:
        """An order was carried out elsewhere: by another gateway, or before this one ran."""
        pin = standing.pin
        wanted = pin or Order(0, None, "", "gateway", None, 0)
        try:
            await self._put(await self._wanted(wanted), None, pin)
        except CannotChange as error:
            await self._refuse(error)
            return False
        return True

    async def _wanted(self, order: Order, *, is_new: bool = False) -> Configuration:
        """What an order asks for. Raises `CannotChange` or `OrdersUnavailable`."""
        fresh = await self._ordered(order)
        told = await self.gate.held_back(fresh, order if is_new else None)
        if told is not None:
            again = "resume" if order.digest is None else f"rollback {fresh.digest[:12]}"
            raise CannotChange([f"{told}; then order it again: gatehouse policy {again}"])
        return fresh

    async def _ordered(self, order: Order) -> Configuration:
        if order.digest is None:
            return await self._loaded()
        restore = self.restore
        assert restore is not None  # where there are orders, there is a way to carry them out
        try:
            stored = await self.orders.stored(order.digest)
            return await asyncio.to_thread(restore, stored)
        except VersionNotFound as error:
            raise CannotChange([str(error)]) from error
        except ConfigurationError as error:
            raise CannotChange(error.lines) from error

    async def _loaded(self) -> Configuration:
        if self.load is None:
            raise CannotChange(["there is no gatehouse.yaml: this gateway was started without one"])
        try:
            return await asyncio.to_thread(self.load)
        except ConfigurationError as error:
            raise CannotChange(error.lines) from error

    async def _put(
        self, fresh: Configuration, order: Order | None, holds: Order | None = None
    ) -> None:
        """Put it in place; `holds` is the pin from then on, if it names a version."""
        try:
            await self.apply(fresh, order)
        except ConfigurationError as error:
            raise CannotChange(error.lines) from error
        except OrdersUnavailable as error:
            raise CannotChange([f"the change cannot be put on record: {error}"]) from error
        except OSError as error:  # a full disk, no more processes: what it asks for cannot be had
            told = f"the configuration cannot be put in place: {error.strerror or error}"
            raise CannotChange([told]) from error
        self.current = fresh
        state = self.state
        state.pin = holds if holds is not None and holds.digest is not None else None
        state.digest, state.origin = fresh.digest, fresh.origin
        state.reloads += 1
        self._keys = await asyncio.to_thread(Lookout.over, fresh)
        if fresh.origin is Origin.FILES:
            self._files, state.error = self._keys, None
            state.waiting = state.awaits = None
        _log.info(
            "configuration_reloaded", extra={"digest": fresh.digest, "origin": fresh.origin.value}
        )

    def _wait(self, digest: str) -> None:
        self.state.error = None
        self.state.waiting = None if digest == self.state.digest else digest
        if self.state.waiting is not None:
            _log.warning("configuration_waits_for_the_pin", extra={"digest": digest})

    async def _refuse(self, error: CannotChange) -> None:
        if self._is_new(str(error), has_failed=False):
            _log.error("configuration_refused", extra={"problems": list(error.lines)})
            await self.refused(refusal_name(self._files, error.lines), error.lines)

    def _report_end(self, failure: BaseException | None) -> None:
        if failure is None:
            return
        # Not its words, which may hold a value.
        told = f"the configuration could not be looked at: {type(failure).__name__}"
        if self._is_new(told, has_failed=True):
            _log.error("configuration_watch_failed", exc_info=failure)

    def _is_new(self, told: str, *, has_failed: bool) -> bool:
        """Keep why the files are not in force; whether that was not known before."""
        if told == self.state.error:
            return False
        self.state.error, self.state.has_failed = told, has_failed
        self.state.refusals += 1
        return True


def refusal_name(files: Lookout, problems: Sequence[str]) -> str:
    """A name for contents that are refused, and for what is wrong with them: a SHA-256 in hex."""
    return digest_of("\n".join((files.digest, *problems)).encode())


def _is_same(one: Order | None, other: Order | None) -> bool:
    return (None if one is None else one.number) == (None if other is None else other.number)
