"""Say no: record the refusal, then phrase it as this client shows it, once."""

import asyncio
from dataclasses import dataclass

import msgspec

from gateway.accounting import Refused, refusal_of
from gateway.assistant import recognise
from gateway.audit.record import UnreadRequest
from gateway.bookkeeping import Bookkeeper
from gateway.errors import GatewayError, NotAuthenticated, RequestTooLarge
from gateway.exchange import Exchange, Outcome
from gateway.inbound import Outbound
from gateway.verdicts import Verdict, Verdicts
from gateway.wire.base import Answer, Denial, Wire
from policy.types import Deny, Identity
from providers.base import Headers

NO_STORE = (b"cache-control", b"no-store")


class Head(msgspec.Struct, frozen=True):
    """A request of which only the head is known."""

    audit_id: str
    wire: Wire
    path: str
    headers: Headers


@dataclass(frozen=True, slots=True)
class Refusals:
    """Every way the gateway refuses a request, each in the ledger before its answer leaves."""

    bookkeeper: Bookkeeper
    verdicts: Verdicts

    async def refuse(self, wire: Wire, exchange: Exchange, refusal: Deny | Refused) -> Outbound:
        """Policy or a cap said no; held against the turn where that lasts.

        Raises `LedgerUnavailable`.
        """
        deny, retry_after_seconds = (
            refusal_of(refusal) if isinstance(refusal, Refused) else (refusal, None)
        )
        answer = wire.phrase_denial(
            denial_of(deny, exchange.id, retry_after_seconds), exchange.assistant
        )
        exchange.decision = deny
        exchange.outcome = Outcome.DENIED
        exchange.status = answer.status
        exchange.ended_ns = self.bookkeeper.monotonic_ns()
        self.bookkeeper.metrics.observe_exchange(exchange)
        record = self.bookkeeper.records.denied(exchange, deny, answer.status)
        recorded = self.bookkeeper.ledger.append(record)
        if deny.lasts:
            self.verdicts.hold(exchange, deny, recorded)
        await asyncio.shield(recorded)  # others may wait for it, too
        return Outbound(answer.status, (*answer.headers, NO_STORE), answer.body)

    def held_against(self, exchange: Exchange) -> Verdict | None:
        """The verdict on this turn, where it was denied before and still is."""
        return self.verdicts.find(exchange)

    async def repeat(self, wire: Wire, exchange: Exchange, verdict: Verdict) -> Outbound:
        """A denied turn is asked again: the first answer once more, counted and not recorded.

        In the form that this client shows; its audit id is the first one's. Raises
        `LedgerUnavailable` where the first was not recorded.
        """
        self.verdicts.count(verdict)
        self.bookkeeper.metrics.observe_repeat(exchange.identity.team, verdict.deny.rule)
        denial = denial_of(verdict.deny, verdict.audit_id, None)
        answer = wire.phrase_denial(denial, exchange.assistant)
        await asyncio.shield(verdict.recorded)
        headers = (*answer.headers, NO_STORE)
        return Outbound(answer.status, headers, answer.body, verdict.audit_id)

    async def refuse_unread(
        self, head: Head, identity: Identity, error: GatewayError, config_digest: str
    ) -> Answer:
        """The body could not be read, or not to its end. Raises `LedgerUnavailable`."""
        if isinstance(error, RequestTooLarge):
            deny = Deny("request_size", error.message, code=error.code)
            answer = head.wire.phrase_denial(
                denial_of(deny, head.audit_id, None), recognise(head.headers)
            )
        else:
            deny = Deny("readable_request", error.message, code=error.code)
            answer = head.wire.phrase_error(error, head.audit_id)
        unread = _unread(head, config_digest, identity)
        await self.bookkeeper.ledger.append(
            self.bookkeeper.records.denied_unread(unread, deny, answer.status)
        )
        return answer

    async def note_stranger(self, head: Head, error: NotAuthenticated, config_digest: str) -> str:
        """Count a caller without a valid key; one whose key we know is recorded too.

        Who goes on with such a key is counted, and recorded once: else they could fill the
        ledger. Returns the audit id that it is on record under. Raises `LedgerUnavailable`.
        """
        self.bookkeeper.metrics.auth_failure(error.cause)
        identity = error.identity
        if identity is None:
            return head.audit_id
        verdict = self.verdicts.find_turned_away(identity, error.cause)
        if verdict is not None:
            self.verdicts.count(verdict)
            await asyncio.shield(verdict.recorded)
            return verdict.audit_id
        deny = Deny("authentication", error.reason, code=error.code)
        unread = _unread(head, config_digest, identity)
        recorded = self.bookkeeper.ledger.append(
            self.bookkeeper.records.denied_unread(unread, deny, error.status)
        )
        self.verdicts.hold_turned_away(head.audit_id, identity, error.cause, deny, recorded)
        await asyncio.shield(recorded)
        return head.audit_id


def _unread(head: Head, config_digest: str, identity: Identity) -> UnreadRequest:
    return UnreadRequest(
        exchange_id=head.audit_id,
        wire=head.wire.name,
        path=head.path,
        assistant=recognise(head.headers),
        config_digest=config_digest,
        identity=identity,
        credential_id=identity.credential_id,
    )


def denial_of(deny: Deny, audit_id: str, retry_after_seconds: int | None) -> Denial:
    """The words of a refusal: the reason first, then what to do, then how to find it again."""
    alternative = f"; {deny.alternative}" if deny.alternative else ""
    message = f"Gatehouse: {deny.reason}{alternative} (rule {deny.rule}, audit id {audit_id})"
    return Denial(deny.rule, deny.code, message, audit_id, retry_after_seconds)
