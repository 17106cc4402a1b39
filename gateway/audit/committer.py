"""The ledger's task: commit waiting records in groups, and make good what failed."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Protocol

import msgspec

from gateway.audit.batch import Batch, OpenExchanges, RecordRefused
from gateway.audit.chain import ChainHead
from gateway.audit.filing import RETRY_SECONDS, LaneRefused
from gateway.audit.record import RecordBody, Records
from gateway.audit.sync import Told

log = logging.getLogger(__name__)

BATCH_RECORDS = 256
SETTLE_EVERY = 1024  # records between two notes of how far the lane is settled
ENDS = frozenset({"completed", "unknown"})


class Lane(Protocol):
    """Where one writer's records go. One call at a time."""

    head: ChainHead
    """The last record known to be durable."""

    is_open: bool
    """False before `open` and after a refusal."""

    async def open(self) -> None:
        """Connect and read `head` anew. Raises `LaneRefused`."""
        ...

    async def write(
        self, batch: Batch, settled_seq: int | None, durable: Told | None = None
    ) -> None:
        """Make the batch durable, whole or not at all, and move the settled mark if one is given.

        A lane that knows it before it returns may say so with `durable`: on a busy loop those
        who wait then go on a turn earlier. Raises `LaneRefused`; the lane is then closed, and
        `open` tells what became of the batch.
        """
        ...

    async def flush(self) -> None:
        """Return once readers find what was written. Raises `LaneRefused`."""
        ...

    async def close(self) -> None:
        """Disconnect. Safe to call twice."""
        ...


class State(IntEnum):
    """How far a record has come."""

    WAITING = 0
    TAKEN = 1  # it is in a batch
    DURABLE = 2
    GIVEN_UP = 3  # its waiter has been told, or is about to be told, that it failed


class Entry(msgspec.Struct, eq=False):
    """A record on its way."""

    body: RecordBody
    waiter: asyncio.Future[None]
    appended: float  # seconds on the event loop's clock
    state: State = State.WAITING


@dataclass(frozen=True, slots=True)
class Refusal:
    """Records that failed together, and the stable word for why."""

    entries: Sequence[Entry]
    cause: str


Report = Callable[[Sequence[Entry], Sequence[Refusal]], None]
"""Called after each batch: what is durable, and what failed. Must not raise."""


class Committer:
    """Commits entries in the order they are put, in one task of the running event loop."""

    def __init__(self, lane: Lane, records: Records, report: Report) -> None:
        self._lane = lane
        self._records = records
        self._report = report
        self._backlog: list[Entry] = []
        self._news: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._open = OpenExchanges()
        self._owed: dict[object, None] = {}  # exchanges that need an end from us, in order
        self._doubtful: Batch | None = None  # its commit failed, perhaps with its work done
        self._settled_seq = 0
        self._unconfirmed: Callable[[], None] | None = None  # of the batch under way

    async def start(self) -> None:
        """Open the lane, then begin. Raises `LaneRefused`."""
        await self._lane.open()
        self._task = asyncio.create_task(self._run(), name="ledger-committer")
        self._task.add_done_callback(_tell_of_fault)

    @property
    def backlog(self) -> int:
        """How many entries have not been looked at."""
        return len(self._backlog)

    def owe_end_of(self, body: RecordBody) -> None:
        """This is not going to be written: an end is made good, unless another comes first."""
        if body["kind"] in ENDS:
            self._owed[body["exchange_id"]] = None
            self._wake()

    def put(self, entries: Sequence[Entry]) -> None:
        """Queue entries. One that is GIVEN_UP is not written, but a missing end is made good."""
        self._backlog += entries
        self._wake()

    async def stop(self, wait_seconds: float) -> None:
        """Commit what has been put, then close the lane; give up after so long."""
        self._is_stopping = True
        self._wake()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=wait_seconds)
            self._task.cancel()

    def give_up(self, entries: Sequence[Entry]) -> list[Entry]:
        """Let go of entries that waited too long. Returns those that were not durable by now."""
        late = [entry for entry in entries if entry.state < State.DURABLE]
        for entry in late:
            entry.state = State.GIVEN_UP
        if late:  # a device that hangs must not gather them up
            self._backlog = self._claimable(self._backlog)
        return late

    def _claimable(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those that somebody still waits for; an end among the others is owed."""
        for entry in entries:
            if entry.state is not State.WAITING:
                self.owe_end_of(entry.body)
        return [entry for entry in entries if entry.state is State.WAITING]

    async def _run(self) -> None:
        while not self._is_stopping or self._backlog:
            await self._commit(self._claim(await self._take()))
        await self._mark_settled()
        await self._lane.close()

    async def _take(self) -> list[Entry]:
        """What waits, up to a batch; nothing when it is time to try again or to stop."""
        if not self._backlog and not self._is_stopping:
            await self._wait_for_news()
        entries = self._backlog[:BATCH_RECORDS]
        del self._backlog[:BATCH_RECORDS]
        return entries

    async def _wait_for_news(self) -> None:
        loop = asyncio.get_running_loop()
        self._news = loop.create_future()
        impatient = bool(self._owed) or self._doubtful is not None
        timer = loop.call_later(RETRY_SECONDS, self._wake) if impatient else None
        await self._news
        self._news = None
        if timer is not None:
            timer.cancel()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _claim(self, entries: Sequence[Entry]) -> list[Entry]:
        claimed = self._claimable(entries)
        for entry in claimed:
            entry.state = State.TAKEN
        return claimed

    async def _commit(self, entries: Sequence[Entry]) -> None:
        if not self._lane.is_open and not await self._reopen():
            self._report((), [self._refusal(entries, "database")] if entries else [])
            return
        batch = Batch(self._lane.head, self._open)
        taken, refusals = self._fill(batch, entries)
        self._unconfirmed = partial(self._confirm, batch, taken, refusals)
        try:
            if batch.records:
                await self._lane.write(batch, self._due_mark(), self._confirm_once)
        except LaneRefused as error:
            log.error("ledger_write_failed", extra={"error": str(error)})
            self._doubtful = batch
            self._unconfirmed = None
            self._report((), [*refusals, self._refusal(taken, "database")])
        else:
            self._confirm_once()

    async def _reopen(self) -> bool:
        """Open the lane after a refusal, and find out what became of the last batch."""
        try:
            await self._lane.open()
        except LaneRefused as error:
            log.error("ledger_open_failed", extra={"error": str(error)})
            return False
        batch, self._doubtful = self._doubtful, None
        if batch is not None and batch.head == self._lane.head:
            self._note_durable(batch.records)
            self._owe_admitted(batch.records)
        return True

    def _fill(self, batch: Batch, entries: Sequence[Entry]) -> tuple[list[Entry], list[Refusal]]:
        taken: list[Entry] = []
        refusals: list[Refusal] = []
        for entry in entries:
            try:
                batch.add(entry.body)
            except RecordRefused as refused:
                refusals.append(self._refusal([entry], refused.cause))
            else:
                taken.append(entry)
        for exchange_id in self._owed:
            lost = self._open.find(exchange_id)
            if lost is not None and batch.is_open(exchange_id):
                batch.add(self._records.unknown(lost.lost(), "end not recorded"))
        return taken, refusals

    def _refusal(self, entries: Sequence[Entry], cause: str) -> Refusal:
        for entry in entries:
            entry.state = State.GIVEN_UP
            self.owe_end_of(entry.body)
        return Refusal(entries, cause)

    def _confirm_once(self) -> None:
        """Tell those who wait, if nobody did: also where that broke off with a fault."""
        if self._unconfirmed is not None:
            self._unconfirmed()
            self._unconfirmed = None

    def _confirm(self, batch: Batch, taken: Sequence[Entry], refusals: Sequence[Refusal]) -> None:
        durable: list[Entry] = []
        regretted: list[RecordBody] = []  # written, but their waiters could not wait so long
        for entry in taken:
            if entry.state is State.TAKEN:
                entry.state = State.DURABLE
                durable.append(entry)
            else:
                regretted.append(entry.body)
        self._report(durable, refusals)
        self._note_durable(batch.records)
        self._owe_admitted(regretted)

    def _note_durable(self, bodies: Sequence[RecordBody]) -> None:
        for body in bodies:
            self._open.note_durable(body)
        if self._owed:
            self._owed = {each: None for each in self._owed if each in self._open}

    def _owe_admitted(self, bodies: Sequence[RecordBody]) -> None:
        """The caller was told that these are not admitted: they never get an end from him."""
        for body in bodies:
            if body["kind"] == "admitted" and body["exchange_id"] in self._open:
                self._owed[body["exchange_id"]] = None

    def _due_mark(self) -> int | None:
        """How far the lane is settled before this batch, when that is worth noting again."""
        mark = self._open.settled_seq(self._lane.head.seq)
        if mark - self._settled_seq < SETTLE_EVERY:
            return None
        self._settled_seq = mark
        return mark

    async def _mark_settled(self) -> None:
        """At the end, so that the next start has nothing to look through."""
        if not self._lane.is_open:
            return
        try:
            mark = self._open.settled_seq(self._lane.head.seq)
            await self._lane.write(Batch(self._lane.head, self._open), mark)
        except LaneRefused as error:
            log.warning("ledger_mark_failed", extra={"error": str(error)})


def _tell_of_fault(task: "asyncio.Task[None]") -> None:
    """From here on nothing is recorded, so nothing is sent: somebody must know why."""
    if not task.cancelled() and (fault := task.exception()) is not None:
        log.critical("ledger_stopped", exc_info=fault)
