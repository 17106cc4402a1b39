"""The one writer of the ledger: requests hand records in and await the moment they are durable.

What holds. A record whose future succeeded is durable, and so is every record of its exchange
appended before it. A record whose future failed is as a rule not in the ledger. Where its fate
could not be awaited (a commit slower than the limit, or one that failed with its work done) it
may be: then an `admitted` gets an `unknown` end from the writer as soon as the database answers,
or else at the next start. An end that could not be written is replaced by such an `unknown` in
the same way, unless the caller's second try comes first. So an admitted exchange has exactly one
end; a second one, and an attempt or end of an exchange that is not admitted, is refused.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Protocol

from gateway.audit.committer import Committer, Entry, Lane, Refusal, State
from gateway.audit.filing import LaneRefused
from gateway.audit.record import RecordBody, Records
from gateway.errors import LedgerUnavailable

COMPANY_TURNS = 6  # of the event loop, a few microseconds each on an idle one
COMPANY_SECONDS = 0.005  # where turns are long, fewer of them will do
WORTH_A_SYNC = 64  # records: so many wait for no company


class WriterMeter(Protocol):
    """Told on the event loop's thread how the writer fares."""

    def records_written(self, records: int, seconds: float) -> None:
        """One commit: how many records, and how long the first of them had waited."""
        ...

    def records_failed(self, records: int, cause: str) -> None:
        """Records whose waiters were told so. Causes: `too_slow`, `queue_full`, `database`,
        `closed`, `not_open` (no such open exchange), `not_json`.
        """
        ...


class SilentMeter:
    """Counts nothing."""

    def records_written(self, records: int, seconds: float) -> None:
        """Nothing is counted."""

    def records_failed(self, records: int, cause: str) -> None:
        """Nothing is counted."""


class LedgerWriter:
    """Appends to one lane. Built, used and closed on one running event loop.

    `wait_seconds` bounds how long a record may wait to become durable, `queue_limit` how many
    may wait at a time.
    """

    def __init__(
        self,
        lane: Lane,
        records: Records,
        *,
        meter: WriterMeter | None = None,
        wait_seconds: float = 5.0,
        queue_limit: int = 8192,
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        self.lane = lane.head.lane
        self._lane = lane
        self._loop = asyncio.get_running_loop()
        self._meter = meter or SilentMeter()
        self._wait_seconds = wait_seconds
        self._queue_limit = queue_limit
        self._monotonic = monotonic
        self._waiting: deque[Entry] = deque()  # oldest first
        self._fresh: list[Entry] = []  # waiting for company, not handed over yet
        self._turns_waited = 0  # 0 while no turn is waited for
        self._waiting_since = 0.0  # when the first of them began, by `monotonic`
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._committer = Committer(lane, records, self._settle)

    async def start(self) -> None:
        """Open the lane and begin. Raises `LedgerUnavailable` when no device takes anything."""
        try:
            await self._committer.start()
        except LaneRefused as error:
            self._closed = True
            raise LedgerUnavailable(f"the audit ledger cannot be opened: {error}") from error

    @property
    def queue_depth(self) -> int:
        """How many records wait to become durable."""
        return len(self._waiting)

    def append(self, body: RecordBody) -> asyncio.Future[None]:
        """Hand a record in; from now on the body is the writer's. Done means durable.

        The future fails with `LedgerUnavailable` when the record was refused or not taken in
        time. Cancelling it does not take the record back.
        """
        entry = Entry(body, self._loop.create_future(), self._loop.time())
        if self._closed:
            self._fail([entry], "closed")
        elif max(len(self._waiting), self._committer.backlog) >= self._queue_limit:
            self._fail(self._committer.give_up([entry]), "queue_full")
            self._committer.owe_end_of(body)
        else:
            self._waiting.append(entry)
            self._fresh.append(entry)
            if not self._turns_waited:
                self._wait_for_company()
            elif len(self._fresh) >= WORTH_A_SYNC:
                self._hand_over()
            if self._timer is None:
                self._timer = self._loop.call_later(self._wait_seconds, self._expire)
        return entry.waiter

    async def flush(self) -> None:
        """Return once whoever reads the ledger finds all that is durable by now.

        Raises `LedgerUnavailable` when the database refuses.
        """
        try:
            await self._lane.flush()
        except LaneRefused as error:
            raise LedgerUnavailable(f"the audit ledger cannot be read: {error}") from error

    async def close(self) -> None:
        """Take no more, write what waits, and stop; `wait_seconds` at most. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._hand_over()
            await self._committer.stop(self._wait_seconds)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._fail(self._committer.give_up(self._waiting), "closed")
        self._waiting.clear()

    def _wait_for_company(self) -> None:
        """Let some turns of the loop pass: a sync costs more than the record it is for."""
        self._waiting_since = self._monotonic()
        self._wait_a_turn()

    def _wait_a_turn(self) -> None:
        self._turns_waited += 1
        self._loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        waited_seconds = self._monotonic() - self._waiting_since
        if self._turns_waited < COMPANY_TURNS and waited_seconds < COMPANY_SECONDS:
            self._wait_a_turn()
        else:
            self._turns_waited = 0
            self._hand_over()

    def _hand_over(self) -> None:
        fresh, self._fresh = self._fresh, []
        if fresh:
            self._committer.put(fresh)

    def _expire(self) -> None:
        """Fail those who have waited too long; look again when the next one would have."""
        now = self._loop.time()
        late: list[Entry] = []
        while self._waiting and self._waiting[0].appended + self._wait_seconds <= now:
            late.append(self._waiting.popleft())
        self._fail(self._committer.give_up(late), "too_slow")
        self._timer = None
        if self._waiting:
            next_deadline = self._waiting[0].appended + self._wait_seconds
            self._timer = self._loop.call_at(next_deadline, self._expire)

    def _settle(self, durable: Sequence[Entry], refusals: Sequence[Refusal]) -> None:
        for entry in durable:
            if not entry.waiter.done():
                entry.waiter.set_result(None)
        if durable:
            self._meter.records_written(len(durable), self._loop.time() - durable[0].appended)
        for refusal in refusals:
            self._fail(refusal.entries, refusal.cause)
        while self._waiting and self._waiting[0].state >= State.DURABLE:
            self._waiting.popleft()

    def _fail(self, entries: Iterable[Entry], cause: str) -> None:
        failed = [entry.waiter for entry in entries]
        for waiter in failed:
            if not waiter.done():
                waiter.set_exception(_unavailable(cause))
                waiter.exception()  # seen: not everybody awaits an attempt's record
        if failed:
            self._meter.records_failed(len(failed), cause)


def _unavailable(cause: str) -> LedgerUnavailable:
    return LedgerUnavailable(
        f"the audit ledger did not take the record ({cause}), so the request was stopped; "
        "try again, and tell your platform team if it stays so"
    )
