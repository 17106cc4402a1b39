"""One way to the store: what waits goes together, in order, and stays while the store is away."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol

from redis.exceptions import ResponseError

from gateway.caps.store import Argument, Command, Reply, StoreAway

log = logging.getLogger("gatehouse.caps")

STEPS_AT_ONCE: Final = 64
"""In one step of the store, which does nothing else meanwhile."""

STEPS_IN_BATCH: Final = 512
ASKED_AT_ONCE: Final = 64
MOST_WAITING: Final = 100_000
"""Steps kept while the store is away; beyond that the oldest are let go, and leases end holds."""

PROBE_PATIENCE_SECONDS: Final = 1.0


class Store(Protocol):
    """Where commands are run (`gateway.caps.store.ValkeyStore`)."""

    async def run(
        self, commands: Sequence[Command], *, patience_seconds: float | None = None
    ) -> list[Reply]:
        """Every command's reply. Raises `StoreAway`."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """Something that must be done in the store some time, and does nothing the second time."""

    arguments: tuple[Argument, ...]


class Channel:
    """Sends what is asked and what is told, and knows whether the store is away.

    `changed` is called with whether it is away, each time that changes.
    """

    def __init__(
        self, store: Store, changed: Callable[[bool], None], *, most_waiting: int = MOST_WAITING
    ) -> None:
        self.is_away = False
        self.dropped = 0
        self._store = store
        self._changed = changed
        self._most_waiting = most_waiting
        self._asked: deque[tuple[Command, asyncio.Future[Reply]]] = deque()
        self._steps: deque[Step] = deque()
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._sending: asyncio.Task[None] | None = None
        self._is_stopping = False

    @property
    def waiting(self) -> int:
        """How many steps the store has not taken yet."""
        return len(self._steps)

    def start(self) -> None:
        """Begin to send."""
        self._is_stopping = False
        self._sending = asyncio.create_task(self._send_forever(), name="caps-channel")
        self._sending.add_done_callback(self._go_on)

    async def stop(self) -> None:
        """Send what waits, if the store takes it, and disconnect. Safe to call twice."""
        sending, self._sending = self._sending, None
        if sending is None:
            return
        self._is_stopping = True
        self._wake.set()
        await asyncio.wait([sending])
        self._fail_asked()
        await self._store.close()

    def tell(self, step: Step) -> None:
        """Have this done as soon as can be."""
        self._steps.append(step)
        if len(self._steps) > self._most_waiting:
            self._steps.popleft()
            self.dropped += 1
        self._wake.set()

    async def ask(self, command: Command) -> Reply:
        """The reply to a command. Raises `StoreAway`, at once while it is known to be away."""
        if self.is_away:
            raise StoreAway("it is away")
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked.append((command, reply))
        self._wake.set()
        return await reply

    async def probe(self, command: Command) -> Reply:
        """The same, also while it is away: when it answers, and has what waited, it is back."""
        async with self._turn:
            patience = PROBE_PATIENCE_SECONDS if self.is_away else None
            (reply,) = await self._store.run([command], patience_seconds=patience)
            if isinstance(reply, ResponseError):
                raise StoreAway(type(reply).__name__)
            if self.is_away:
                while self._steps:
                    await self._send_steps()
                self._note(is_away=False)
            return reply

    def lose(self, why: str) -> None:
        """Note that the store is away."""
        if not self.is_away:
            log.warning("caps_store_away", extra={"error": why})
            self._note(is_away=True)

    async def flush(self) -> None:
        """Return once the store has all it was told until now, or is away."""
        while self._steps and not self.is_away:
            async with self._turn:
                await self._send()

    async def _send_forever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._asked or (self._steps and not self.is_away):
                async with self._turn:
                    await self._send()
            if self._is_stopping:
                return

    def _go_on(self, ended: "asyncio.Task[None]") -> None:
        """However sending ended, nobody waits for ever: the store counts as away, and is tried."""
        failure = None if ended.cancelled() else ended.exception()
        if failure is None:
            return
        log.error("caps_channel_failed", exc_info=failure)
        self.lose(type(failure).__name__)
        self._fail_asked()
        if not self._is_stopping:
            self.start()

    async def _send(self) -> None:
        """One batch: steps first, and what is asked behind the last of them."""
        if self.is_away:
            self._fail_asked()
            return
        steps = self._first_steps(STEPS_IN_BATCH)
        some = 0 if len(steps) < len(self._steps) else min(ASKED_AT_ONCE, len(self._asked))
        asked = [self._asked.popleft() for _ in range(some)]
        parts = [steps[at : at + STEPS_AT_ONCE] for at in range(0, len(steps), STEPS_AT_ONCE)]
        commands = [*map(_applying, parts), *[command for command, _ in asked]]
        if not commands:
            return
        try:
            replies = await self._store.run(commands)
            for part, reply in zip(parts, replies, strict=False):
                self._done(part, reply)
            for (_, future), reply in zip(asked, replies[len(parts) :], strict=True):
                if not future.done():
                    _resolve(future, reply)
        except StoreAway as error:
            self.lose(str(error))
            self._fail_asked()
        finally:
            _fail(asked, StoreAway("it was lost"))

    async def _send_steps(self) -> None:
        steps = self._first_steps(STEPS_AT_ONCE)
        (reply,) = await self._store.run(
            [_applying(steps)], patience_seconds=PROBE_PATIENCE_SECONDS
        )
        self._done(steps, reply)

    def _first_steps(self, most: int) -> list[Step]:
        return list(islice(self._steps, most))

    def _done(self, steps: Sequence[Step], reply: Reply) -> None:
        if isinstance(reply, ResponseError):  # it never will: leases end what these would have
            log.error("caps_steps_refused", extra={"error": str(reply), "steps": len(steps)})
            self.dropped += len(steps)
        for step in steps:
            if self._steps and self._steps[0] is step:  # not let go meanwhile
                self._steps.popleft()

    def _note(self, *, is_away: bool) -> None:
        if self.is_away != is_away:
            self.is_away = is_away
            self._changed(is_away)

    def _fail_asked(self) -> None:
        _fail(self._asked, StoreAway("it is away"))
        self._asked.clear()


def _applying(steps: Sequence[Step]) -> Command:
    command: list[Argument] = ["apply", len(steps)]
    for step in steps:
        command += step.arguments
    return command


def _fail(
    asked: Sequence[tuple[Command, asyncio.Future[Reply]]]
    | deque[tuple[Command, asyncio.Future[Reply]]],
    error: StoreAway,
) -> None:
    for _, future in asked:
        if not future.done():
            future.set_exception(error)


def _resolve(future: asyncio.Future[Reply], reply: Reply) -> None:
    if isinstance(reply, ResponseError):
        log.error("caps_command_refused", extra={"error": str(reply)})
        future.set_exception(StoreAway("it refused"))
    else:
        future.set_result(reply)
