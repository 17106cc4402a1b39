"""Try targets in turn until one answers. Never after the first byte."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from gateway.bookkeeping import Books
from gateway.drain import Drains
from gateway.egress.headers import outbound_headers
from gateway.errors import GatewayError, UpstreamFailed
from gateway.exchange import Attempt
from gateway.inbound import Inbound, Outbound
from gateway.reply import StreamedReply, WholeReply
from gateway.wire.base import Edited, Observer
from providers.base import Sender, Target, UpstreamCall, UpstreamReply, Via
from providers.errors import (
    ProviderBusy,
    ProviderCredentials,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    ReplyCut,
    UnsupportedFeature,
)
from providers.told import told_in

log = logging.getLogger("gatehouse.dispatch")

ROUTE_REASONS: Mapping[type[ProviderError], str] = {
    ProviderBusy: "busy",
    ProviderCredentials: "credentials",
    ProviderUnavailable: "unavailable",
    ProviderTimeout: "timeout",
    ReplyCut: "cut",
    UnsupportedFeature: "unsupported",
    ProviderRejected: "rejected",
}
"""The stable words for what went wrong at a target, in the ledger and on metrics."""

DROPPED_HEADER = b"x-gatehouse-dropped"


class Dispatch:
    """Knows the senders and which of them reaches a target on a wire."""

    def __init__(
        self, direct: Sender, translator: Sender, built_in: Sender, drains: Drains
    ) -> None:
        self._drains = drains
        self._direct = direct
        self._translator = translator
        self._built_in = built_in

    def sender_for(self, target: Target, inbound: Inbound) -> Sender:
        """Direct where the vendor owns the client's protocol, else through translation."""
        if target.vendor.via is Via.BUILT_IN:
            return self._built_in
        if target.vendor.via is Via.DIRECT and inbound.wire.name in target.vendor.wires:
            return self._direct
        return self._translator

    def can_count(self, target: Target, inbound: Inbound) -> bool:
        """Whether a target counts tokens by itself: translation does not."""
        return self.sender_for(target, inbound) is not self._translator

    async def first_answer(
        self, targets: Sequence[Target], inbound: Inbound, books: Books
    ) -> WholeReply | StreamedReply:
        """The first target's answer that is one, up to its first real event.

        Raises the last target's `ProviderError` when none answers, and at once when the request
        itself was refused; `LedgerUnavailable` when an attempt cannot be recorded.
        """
        reason = "primary"
        failure: ProviderError = ProviderUnavailable("no target is configured")
        for target in targets:
            try:
                return await self._try(target, reason, inbound, books)
            except ProviderError as error:
                word = ROUTE_REASONS[type(error)]
                books.attempt_failed(word, getattr(error, "status", None))
                log.warning(
                    "target_failed",
                    extra={"audit_id": inbound.audit_id, "target": target.name, "error": word},
                )
                failure = error
                reason = f"fallback:{word}"
                if not error.try_next:
                    break
        raise failure

    async def _try(
        self, target: Target, reason: str, inbound: Inbound, books: Books
    ) -> WholeReply | StreamedReply:
        facts = inbound.reading.facts
        edited = inbound.wire.edit(
            inbound.reading, upstream_model=target.upstream_model, ask_for_usage=facts.streaming
        )
        attempt = books.begin_attempt(target, reason, inbound.edits + edited.edits)
        await books.record_attempt(attempt)
        if target.vendor.record.bills_after_cancel:
            return await self._outliving(self._answer(attempt, edited, inbound, books), books)
        return await self._answer(attempt, edited, inbound, books)

    async def _answer(
        self, attempt: Attempt, edited: Edited, inbound: Inbound, books: Books
    ) -> WholeReply | StreamedReply:
        target, facts = attempt.target, inbound.reading.facts
        call = self._call(target, inbound, edited, books)
        upstream = await self.sender_for(target, inbound).send(call)
        books.answered(attempt, upstream.status, _dropped(upstream))
        observer = inbound.wire.observer(facts, asked_for_usage=edited.asked_for_usage)
        books.observe(observer.facts)
        return await _open(target, upstream, observer, streaming=facts.streaming)

    async def _outliving(
        self, answer: Coroutine[Any, Any, WholeReply | StreamedReply], books: Books
    ) -> WholeReply | StreamedReply:
        """Let an answer come to its end although its client leaves: it is billed either way."""
        task = asyncio.get_running_loop().create_task(answer)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if books.must_drain():
                self._drains.adopt_attempt(task, books)
            else:
                task.cancel()
            raise

    def _call(self, target: Target, inbound: Inbound, edited: Edited, books: Books) -> UpstreamCall:
        return UpstreamCall(
            wire=inbound.wire.name,
            target=target,
            body=edited.body,
            headers=outbound_headers(inbound.headers, target.vendor),
            streaming=inbound.reading.facts.streaming,
            counting=inbound.wire.counting,
            account=books.account(target) if target.vendor.via is Via.BUILT_IN else {},
        )


async def _open(
    target: Target, upstream: UpstreamReply, observer: Observer, *, streaming: bool
) -> WholeReply | StreamedReply:
    dropped = _dropped(upstream)
    if not streaming:
        whole = WholeReply(target.name, dropped, upstream.body, observer)
        await whole.read()
        return whole
    streamed = StreamedReply(target.name, dropped, upstream.body, observer)
    opened = False
    try:
        await streamed.open()
        opened = True
    finally:
        if not opened:
            await upstream.body.aclose()
    return streamed


def _dropped(upstream: UpstreamReply) -> tuple[str, ...]:
    for name, value in upstream.headers:
        if name == DROPPED_HEADER:
            return tuple(value.decode("ascii", "replace").split(","))
    return ()


def failure_of(error: ProviderError) -> GatewayError:
    """What the caller is told when no target answered: an error of the gateway's own."""
    target = error.target or "the model's server"
    if isinstance(error, ProviderBusy):
        seconds = None if error.retry_after_seconds is None else int(error.retry_after_seconds) + 1
        return UpstreamFailed(
            f"{target} is at its limit; try again shortly",
            status=429,
            code="upstream_busy",
            retry_after_seconds=seconds or 5,
        )
    if isinstance(error, ProviderTimeout):
        return UpstreamFailed(
            f"{target} did not answer in time", status=504, code="upstream_timeout"
        )
    if isinstance(error, ProviderCredentials):
        return UpstreamFailed(
            f"{target} does not accept the gateway's own credentials; tell your platform team",
            code="upstream_credentials",
        )
    if isinstance(error, UnsupportedFeature):
        return UpstreamFailed(error.message, status=400, code="unsupported_feature")
    if isinstance(error, ProviderRejected):
        return UpstreamFailed(
            f"{target} refused the request: {told_in(error.body) or 'no reason given'}",
            status=error.status,
            code="upstream_rejected",
        )
    told = f" ({error.told})" if error.told else ""
    return UpstreamFailed(f"{target} could not answer: {error.message}{told}")


def rejection_of(error: ProviderRejected) -> Outbound | None:
    """The vendor's own refusal, passed on as it is where it is in the caller's protocol."""
    if not error.same_protocol:
        return None
    return Outbound(error.status, ((b"content-type", b"application/json"),), error.body)
