"""The books of one exchange: opened once, closed exactly once, whatever happens in between."""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.accounting import Accountant, Reservation
from gateway.audit.record import RecordBody, Records
from gateway.errors import LedgerUnavailable
from gateway.exchange import Attempt, Edit, Exchange, Outcome, Usage, UsageSource
from gateway.inbound import shutting_down
from gateway.notes import Note
from gateway.telemetry.metrics import Metrics
from gateway.tokens import BYTES_PER_TOKEN, TokenEstimator
from gateway.verdicts import Verdict
from gateway.wire.base import ReplyFacts
from policy.types import Allow, Operation
from providers.base import Target


class Ledger(Protocol):
    """Where records become durable, in the order they are appended."""

    def append(self, record: RecordBody) -> "asyncio.Future[None]":
        """Durable when the future is done; it raises `LedgerUnavailable` otherwise.

        Not everybody awaits it: a failure counts as seen, so that none is logged as forgotten.
        """
        ...


@dataclass(frozen=True, slots=True)
class Bookkeeper:
    """What every set of books needs."""

    ledger: Ledger
    records: Records
    accountant: Accountant
    estimator: TokenEstimator
    metrics: Metrics
    monotonic_ns: Callable[[], int]

    def open(
        self,
        exchange: Exchange,
        allow: Allow,
        reservation: Reservation,
        client_left: Callable[[], bool],
        why_cut: Callable[[], str] = shutting_down,
    ) -> "Books":
        """Open the books: `admitted` is on its way to the ledger when this returns.

        Nobody waits for it alone: every attempt waits for it and for its own row together, in
        one group commit, and nothing leaves before that.
        """
        left_out = reservation.hold.left_out
        admitted = self.ledger.append(self.records.admitted(exchange, allow, left_out))
        return Books(self, exchange, allow, reservation, client_left, why_cut, admitted)

    def note_repeats(self, verdict: Verdict) -> "asyncio.Future[None]":
        """Record how often one who was denied asked again."""
        return self.ledger.append(
            self.records.repeated(
                verdict.audit_id, verdict.turn_id, verdict.identity, verdict.deny, verdict.repeats
            )
        )


class Books:
    """One exchange's entries. Only the pipeline's steps write here.

    `allow` is what policy has decided, less what the caps took out.
    """

    def __init__(
        self,
        keeper: Bookkeeper,
        exchange: Exchange,
        allow: Allow,
        reservation: Reservation,
        client_left: Callable[[], bool],
        why_cut: Callable[[], str],
        admitted: "asyncio.Future[None]",
    ) -> None:
        self.exchange = exchange
        self._admitted = admitted
        self._keeper = keeper
        self.allow = allow
        self._reservation = reservation
        self._client_left = client_left
        self._why_cut = why_cut
        self._seen: ReplyFacts | None = None
        self._covered_bytes = reservation.output_tokens * BYTES_PER_TOKEN
        self._closed: asyncio.Future[None] | None = None
        self._is_handed_over = False
        self._note: Note | None = None

    def begin_attempt(self, target: Target, reason: str, edits: tuple[Edit, ...]) -> Attempt:
        """A new attempt, not yet on its way."""
        attempts = self.exchange.attempts
        attempt = Attempt(len(attempts) + 1, target, reason, edits, self._keeper.monotonic_ns())
        if self._reservation.is_charged:
            attempt.expected = self._keeper.accountant.expected(self._reservation, target)
        attempts.append(attempt)
        return attempt

    async def record_attempt(self, attempt: Attempt) -> None:
        """Return once `admitted` and this attempt are durable. Raises `LedgerUnavailable`."""
        attempted = self._keeper.ledger.append(
            self._keeper.records.attempted(self.exchange, attempt)
        )
        await self._admitted
        await attempted

    def answered(self, attempt: Attempt, status: int, dropped: tuple[str, ...]) -> None:
        """The target's head arrived."""
        attempt.upstream_status = status
        attempt.dropped = dropped

    def attempt_failed(self, word: str, status: int | None) -> None:
        """The attempt under way came to nothing."""
        attempt = self.exchange.attempts[-1]
        attempt.error = word
        attempt.upstream_status = status
        attempt.ended_ns = self._keeper.monotonic_ns()
        self._seen = None

    def observe(self, facts: ReplyFacts) -> None:
        """From here on, what the reply says of itself is read from `facts`."""
        self._seen = facts

    def carry(self, note: Note) -> None:
        """The answer tells this note: it is settled when the books close."""
        self._note = note

    def first_byte(self) -> None:
        """The reply's first real event is there."""
        self.exchange.first_byte_ns = self._keeper.monotonic_ns()

    def account(self, target: Target) -> Mapping[str, str]:
        """What the gateway did so far, for a model that reports it."""
        exchange = self.exchange
        attempt = exchange.attempts[-1]
        edits = ", ".join(f"{edit.path} ({edit.kind})" for edit in attempt.edits)
        return {
            "audit id": exchange.id,
            "team": exchange.identity.team,
            "data class": self.allow.data_class.label,
            "model asked for": exchange.facts.asked_model,
            "route": f"{target.name} ({attempt.route_reason})",
            "policy": f"allowed, targets: {', '.join(self.allow.targets)}",
            "edits": edits or "none",
            "configuration": exchange.config_digest[:12],
        }

    def close(
        self, outcome: Outcome, *, status: int | None = None, error: str | None = None
    ) -> "asyncio.Future[None]":
        """Settle, measure and record the end; the second call changes nothing.

        The future is done when `completed` is durable; it raises `LedgerUnavailable`.
        """
        if self._closed is None:
            self._settle(outcome, status, error)
            exchange, keeper = self.exchange, self._keeper
            self._closed = keeper.ledger.append(
                keeper.records.completed(exchange, keeper.accountant.price_book)
            )
            keeper.metrics.observe_exchange(exchange)
        return self._closed

    def close_interrupted(self) -> None:
        """Close what was ended from outside, if nobody closed it: nothing waits for this one."""
        if self._closed is None and not self._is_handed_over:
            if self._client_left():
                self.close(Outcome.CLIENT_LEFT)
            else:
                self.close(Outcome.CUT, error=self._why_cut())

    def must_drain(self) -> bool:
        """Whether the client has left an answer that its vendor bills to the end all the same."""
        if self._closed is not None or self._is_handed_over or not self._client_left():
            return False
        return self.exchange.attempts[-1].target.vendor.record.bills_after_cancel

    def hand_over(self) -> None:
        """Somebody reads the answer on and will call `close_handed_over`: stay open for that."""
        self._is_handed_over = True

    def close_handed_over(self) -> None:
        """Close what was handed over, with the usage that was seen by now."""
        self.close(Outcome.CLIENT_LEFT)

    def closed_on_failure(self) -> "ClosedOnFailure":
        """Whatever breaks in here, the books are closed when it passes."""
        return ClosedOnFailure(self)

    @property
    def is_growing(self) -> bool:
        """Whether more is to be held for an answer that is longer than expected."""
        return self._reservation.is_growing

    def top_up(self) -> None:
        """Hold more when the answer has outgrown what was reserved for it."""
        seen = self._seen
        if seen is not None and seen.output_bytes > self._covered_bytes:
            target = self.exchange.attempts[-1].target
            tokens = tokens_in(seen.output_bytes)
            self._keeper.accountant.top_up(self._reservation, target, tokens)
            self._covered_bytes = self._reservation.output_tokens * BYTES_PER_TOKEN

    def _settle(self, outcome: Outcome, status: int | None, error: str | None) -> None:
        exchange, keeper = self.exchange, self._keeper
        exchange.outcome = outcome
        exchange.status = status
        exchange.error = error
        exchange.ended_ns = keeper.monotonic_ns()
        if exchange.attempts and exchange.attempts[-1].ended_ns is None:
            exchange.attempts[-1].ended_ns = exchange.ended_ns
        if self._note is not None:
            exchange.reply_edits = self._note.edits
            self._note.settle(outcome)
        if self._seen is not None and exchange.facts.operation is not Operation.COUNT_TOKENS:
            self._read_reply(self._seen)
        target = exchange.attempts[-1].target if exchange.attempts else None
        exchange.price_known = target is None or keeper.accountant.knows_price(
            self._reservation, target, exchange
        )
        exchange.cost_nano_usd = keeper.accountant.settle(
            self._reservation, target, exchange.usage or Usage()
        )

    def _read_reply(self, seen: ReplyFacts) -> None:
        exchange = self.exchange
        exchange.finish_reason = seen.finish_reason
        exchange.response_id = seen.response_id
        exchange.response_model = seen.response_model
        exchange.service_tier = seen.service_tier
        exchange.vendor_tools = seen.vendor_tools
        exchange.usage, exchange.usage_source = counted_usage(
            seen, exchange.facts.input_tokens_estimate
        )
        # What a vendor keeps of a conversation is billed, but was not in the request.
        is_telling = exchange.facts.continues is None
        if is_telling and exchange.usage_source is UsageSource.VENDOR and exchange.usage:
            self._keeper.estimator.learn(
                exchange.facts.asked_model,
                exchange.facts.input_tokens_estimate,
                exchange.usage.all_input_tokens,
            )


class ClosedOnFailure:
    """Closes books when what it surrounds breaks; what broke passes on."""

    __slots__ = ("_books",)

    def __init__(self, books: Books) -> None:
        self._books = books

    def __enter__(self) -> None:
        """Nothing has broken yet."""

    def __exit__(
        self, kind: type[BaseException] | None, broke: BaseException | None, _: object
    ) -> None:
        """Close as what broke demands, if anything did."""
        if broke is None:
            return
        if isinstance(broke, asyncio.CancelledError):
            self._books.close_interrupted()
        else:
            code = broke.code if isinstance(broke, LedgerUnavailable) else "internal_error"
            self._books.close(Outcome.FAILED, error=code)


def counted_usage(seen: ReplyFacts, input_tokens_estimate: int) -> tuple[Usage | None, UsageSource]:
    """The vendor's figures where the answer came to its end; else what was relayed, counted.

    A cut answer is billed for what was seen: vendors bill it too. Nothing seen costs nothing.
    """
    if seen.usage is not None and seen.is_whole:
        return seen.usage, UsageSource.VENDOR
    counted = tokens_in(seen.output_bytes)
    if seen.usage is not None:
        told = seen.usage
        return (
            Usage(
                told.input_tokens,
                told.cache_read_tokens,
                told.cache_write_5m_tokens,
                told.cache_write_1h_tokens,
                max(told.output_tokens, counted),
                told.reasoning_tokens,
            ),
            UsageSource.COUNTED,
        )
    if counted or seen.is_whole:
        return Usage(input_tokens=input_tokens_estimate, output_tokens=counted), (
            UsageSource.COUNTED
        )
    return None, UsageSource.NONE


def tokens_in(text_bytes: int) -> int:
    """What we count for text nobody counted for us."""
    return math.ceil(text_bytes / BYTES_PER_TOKEN)
