"""The ledger's thread: commit waiting records in groups, and make good what failed."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from queue import Empty, SimpleQueue
from typing import Protocol

from gateway.audit.batch import Batch, OpenExchanges, RecordRefused
from gateway.audit.chain import ChainHead
from gateway.audit.record import RecordBody, Records

log = logging.getLogger(__name__)

BATCH_RECORDS = 256
SETTLE_EVERY = 1024  # records between two notes of how far the lane is settled
RETRY_SECONDS = 0.5  # how often a database that refused is tried when nobody appends
ENDS = frozenset({"completed", "unknown"})


class LaneRefused(Exception):
    """The database did not take what it was given (full, locked, gone); the message says why."""


class Lane(Protocol):
    """Where one writer's records go. Used by one thread at a time."""

    head: ChainHead
    """The last record known to be durable."""

    @property
    def is_open(self) -> bool:
        """False before `open` and after a refusal."""
        ...

    def open(self) -> None:
        """Connect and read `head` anew. Raises `LaneRefused`."""
        ...

    def write(self, batch: Batch, settled_seq: int | None) -> None:
        """Make the batch durable, whole or not at all, and move the settled mark if one is given.

        Raises `LaneRefused`; the lane is then closed, and `open` tells what became of the batch.
        """
        ...

    def close(self) -> None:
        """Disconnect. Safe to call twice."""
        ...


class State(IntEnum):
    """How far a record has come."""

    WAITING = 0
    TAKEN = 1  # it is in a transaction
    DURABLE = 2
    GIVEN_UP = 3  # its waiter has been told, or is about to be told, that it failed


@dataclass(slots=True, eq=False)
class Entry:
    """A record on its way. `state` changes only under the committer's lock."""

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
"""Called on the committer's thread after each batch: what is durable, and what failed."""


class Committer:
    """Commits entries in the order they are put.

    `report` and `stopped` are called on its thread, and must not raise.
    """

    def __init__(
        self, lane: Lane, records: Records, report: Report, stopped: Callable[[], None]
    ) -> None:
        self._lane = lane
        self._records = records
        self._report = report
        self._stopped = stopped
        self._lock = threading.Lock()
        self._queue: SimpleQueue[Sequence[Entry] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger-committer", daemon=True)
        # What follows belongs to the thread.
        self._backlog: list[Entry] = []
        self._is_stopping = False
        self._open = OpenExchanges()
        self._owed: dict[object, None] = {}  # exchanges that need an end from us, in order
        self._doubtful: Batch | None = None  # its transaction failed, perhaps with its work done
        self._settled_seq = 0

    def start(self) -> None:
        """Open the lane, then start the thread. Raises `LaneRefused`."""
        self._lane.open()
        self._thread.start()

    def put(self, entries: Sequence[Entry]) -> None:
        """Queue entries. One that is GIVEN_UP is not written, but a missing end is made good."""
        self._queue.put(entries)

    def stop(self) -> None:
        """Commit what has been put, then end the thread and call `stopped`."""
        self._queue.put(None)

    def give_up(self, entries: Sequence[Entry]) -> list[Entry]:
        """Let go of entries that waited too long. Returns those that were not durable by now."""
        with self._lock:
            late = [entry for entry in entries if entry.state < State.DURABLE]
            for entry in late:
                entry.state = State.GIVEN_UP
        return late

    def _run(self) -> None:
        while not self._is_stopping or self._backlog:
            self._commit(self._claim(self._take()))
        self._mark_settled()
        self._lane.close()
        self._stopped()

    def _take(self) -> list[Entry]:
        """What waits, up to a batch; nothing when it is time to try again or to stop."""
        impatient = bool(self._owed) or self._doubtful is not None
        try:
            if not self._backlog:
                self._receive(self._queue.get(timeout=RETRY_SECONDS if impatient else None))
            while len(self._backlog) < BATCH_RECORDS:
                self._receive(self._queue.get_nowait())
        except Empty:
            pass  # that is all for now
        entries = self._backlog[:BATCH_RECORDS]
        del self._backlog[:BATCH_RECORDS]
        return entries

    def _receive(self, entries: Sequence[Entry] | None) -> None:
        if entries is None:
            self._is_stopping = True
        else:
            self._backlog += entries

    def _claim(self, entries: Sequence[Entry]) -> list[Entry]:
        claimed: list[Entry] = []
        with self._lock:
            for entry in entries:
                if entry.state is State.WAITING:
                    entry.state = State.TAKEN
                    claimed.append(entry)
                else:
                    self._owe_end_of(entry.body)
        return claimed

    def _commit(self, entries: Sequence[Entry]) -> None:
        if not self._reopen():
            self._report((), [self._refusal(entries, "database")] if entries else [])
            return
        batch = Batch(self._lane.head, self._open)
        taken, refusals = self._fill(batch, entries)
        try:
            if batch.records:
                self._lane.write(batch, self._due_mark())
        except LaneRefused as error:
            log.error("ledger_write_failed", extra={"error": str(error)})
            self._doubtful = batch
            self._report((), [*refusals, self._refusal(taken, "database")])
        else:
            self._confirm(batch, taken, refusals)

    def _reopen(self) -> bool:
        """See that the file is open; after a refusal find out what became of the last batch."""
        if self._lane.is_open:
            return True
        try:
            self._lane.open()
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
        with self._lock:
            for entry in entries:
                entry.state = State.GIVEN_UP
        for entry in entries:
            self._owe_end_of(entry.body)
        return Refusal(entries, cause)

    def _confirm(self, batch: Batch, taken: Sequence[Entry], refusals: Sequence[Refusal]) -> None:
        durable: list[Entry] = []
        regretted: list[RecordBody] = []  # written, but their waiters could not wait so long
        with self._lock:
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

    def _owe_end_of(self, body: RecordBody) -> None:
        """This end was not written: unless another comes first, we write one."""
        if body["kind"] in ENDS:
            self._owed[body["exchange_id"]] = None

    def _due_mark(self) -> int | None:
        """How far the lane is settled before this batch, when that is worth noting again."""
        mark = self._open.settled_seq(self._lane.head.seq)
        if mark - self._settled_seq < SETTLE_EVERY:
            return None
        self._settled_seq = mark
        return mark

    def _mark_settled(self) -> None:
        """At the end, so that the next start has nothing to look through."""
        if not self._lane.is_open:
            return
        try:
            mark = self._open.settled_seq(self._lane.head.seq)
            self._lane.write(Batch(self._lane.head, self._open), mark)
        except LaneRefused as error:
            log.warning("ledger_mark_failed", extra={"error": str(error)})
