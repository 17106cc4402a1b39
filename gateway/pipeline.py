"""The road of a request, one step a line. Values flow down; nothing calls back up."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from gateway.accounting import Refused, Reservation
from gateway.assistant import recognise
from gateway.bookkeeping import Bookkeeper, Books
from gateway.callers import Callers, Unverified
from gateway.configuration.build import Configuration
from gateway.continuation import Held, Origins, held_to_origin, only_at
from gateway.counting import count_tokens
from gateway.dispatch import Dispatch, failure_of, rejection_of
from gateway.drain import Drains
from gateway.errors import GatewayError, NotAuthenticated, WrongNetwork
from gateway.exchange import Exchange, Outcome
from gateway.inbound import Inbound, Outbound
from gateway.notes import Note, Notes
from gateway.refusal import Head, Refusals
from gateway.relay import relay_stream, relay_whole
from gateway.reply import StreamedReply
from gateway.roles import Permission, permits
from gateway.routing import route
from gateway.turn import TurnIds
from gateway.wire.base import Answer
from policy.break_glass import BreakGlass
from policy.lifting import lifted
from policy.rules.key_scope import displaced_key
from policy.types import Allow, Deny, Identity
from providers.base import Headers, Target
from providers.errors import ProviderError, ProviderRejected


class InForce:
    """The configuration in force, less what is lifted of its policy.

    A reload replaces it; what has begun keeps its own.
    """

    def __init__(self, configuration: Configuration, since_unix_seconds: int) -> None:
        self.configuration = configuration
        self.since_unix_seconds = since_unix_seconds
        self._written = configuration
        self._lifted: tuple[BreakGlass, ...] = ()

    def replace(self, configuration: Configuration, since_unix_seconds: int) -> None:
        """Requests that begin from now on run by this one; what is lifted stays lifted."""
        self._written = configuration
        self.since_unix_seconds = since_unix_seconds
        self.lift(self._lifted)

    def lift(self, opened: tuple[BreakGlass, ...]) -> None:
        """Requests that begin from now on are decided with these exceptions, and no others."""
        self._lifted, written = opened, self._written
        self.configuration = (
            replace(written, policy=lifted(written.policy, opened)) if opened else written
        )


@dataclass(frozen=True, slots=True)
class Pipeline:
    """identify, decide, reserve, route, record, dispatch, relay, close."""

    in_force: InForce
    callers: Callers
    bookkeeper: Bookkeeper
    refusals: Refusals
    dispatch: Dispatch
    drains: Drains
    unix_ns: Callable[[], int]
    origins: Origins
    turns: TurnIds
    notes: Notes

    async def serve(self, inbound: Inbound) -> Outbound:
        """One request, from its facts to closed books.

        Raises `GatewayError` where the gateway itself must fail it.
        """
        configuration = self.in_force.configuration
        exchange = self.open(inbound, configuration)
        verdict = self.refusals.held_against(exchange)
        if verdict is not None:
            return await self.refusals.repeat(inbound.wire, exchange, verdict)
        decision = self.decide(exchange, configuration)
        if isinstance(decision, Allow) and exchange.facts.continues is not None:
            decision = await self.hold_to_origin(exchange, decision, configuration)
        if isinstance(decision, Deny):
            return await self.refusals.refuse(inbound.wire, exchange, decision)
        if configuration.policy.shows_notices or self.notes.told.is_in_use:
            inbound = self.without_notes(inbound)
        reservation = await self.reserve(exchange, decision, configuration)
        if isinstance(reservation, Refused):
            return await self.refusals.refuse(inbound.wire, exchange, reservation)
        allow = exchange.decision = reservation.allow
        targets = route(allow, configuration.models[exchange.facts.model])
        books = self.bookkeeper.open(
            exchange, allow, reservation, inbound.client_left, inbound.why_cut
        )
        with books.closed_on_failure():
            return await self.answer(targets, inbound, books)

    def identify(self, headers: Headers) -> Identity | Unverified:
        """Who asks models, from memory; of a token that is new, what `verify` says whose it is.

        Raises `NotAuthenticated`; `MalformedRequest` for two different credentials.
        """
        caller = self.callers.identify(headers)
        if isinstance(caller, Unverified):
            return caller
        return permitted(Permission.USE_MODELS, caller)

    async def verify(self, caller: Unverified) -> Identity:
        """Who asks models with a new token. Raises `NotAuthenticated`, `IdentityUnavailable`."""
        return permitted(Permission.USE_MODELS, await self.callers.verify(caller))

    async def identify_for(
        self, permission: Permission, headers: Headers, peer: str | None
    ) -> Identity:
        """Who is asking, when that takes a permission; off the hot road. Raises as `caller`."""
        return permitted(permission, await self.caller(headers, peer))

    async def caller(self, headers: Headers, peer: str | None) -> Identity:
        """Who is asking, whatever they may do; off the hot road.

        `peer` is the connection's other end. Raises `NotAuthenticated`, `MalformedRequest`,
        `IdentityUnavailable`, or `WrongNetwork`: there a key is good for nothing, as in policy.
        """
        caller = self.callers.identify(headers)
        if isinstance(caller, Unverified):
            return await self.callers.verify(caller)
        denied = displaced_key(caller, self.address(headers, peer))
        if denied is not None:
            told = f"Gatehouse: {denied.reason}; {denied.alternative} (rule {denied.rule})"
            raise WrongNetwork(told, is_recorded=False)
        return caller

    def address(self, headers: Headers, peer: str | None) -> str | None:
        """Where a request came from, whoever connected."""
        proxies = self.in_force.configuration.proxies
        return peer if proxies is None else proxies.caller(peer, headers)

    def body_limit(self) -> int:
        """How many bytes of body are worth reading: the most that any team may send."""
        return self.in_force.configuration.policy.max_request_bytes

    def open(self, inbound: Inbound, configuration: Configuration) -> Exchange:
        """Begin the running record of this request."""
        assistant, proxies = recognise(inbound.headers), configuration.proxies
        address = inbound.address
        if proxies is not None:
            address = proxies.caller(address, inbound.headers)
        return Exchange(
            id=inbound.audit_id,
            wire=inbound.wire.name,
            path=inbound.path,
            identity=inbound.identity,
            assistant=assistant,
            facts=configuration.under_its_model(inbound.reading.facts),
            turn_id=self.turns.id_of(inbound.identity, assistant, inbound.reading),
            config_digest=configuration.digest,
            started_unix_ns=self.unix_ns(),
            started_ns=self.bookkeeper.monotonic_ns(),
            address=address,
        )

    def decide(self, exchange: Exchange, configuration: Configuration) -> Allow | Deny:
        """Ask policy, which sees facts only."""
        decision = configuration.policy.decide(
            exchange.identity, exchange.facts, exchange.circumstances
        )
        exchange.decision = decision
        return decision

    async def hold_to_origin(
        self, exchange: Exchange, allow: Allow, configuration: Configuration
    ) -> Allow | Deny:
        """Keep a conversation that a vendor holds with that vendor, which bills all of it.

        Policy is asked once more about a conversation that is longer than what came.
        """
        assert exchange.facts.continues is not None
        held = await held_to_origin(
            self.origins, exchange.facts.continues, exchange.identity, allow
        )
        decision = held if isinstance(held, Deny) else held.allow
        if isinstance(held, Held) and held.kept_tokens:
            exchange.facts = exchange.facts.after(held.kept_tokens)
            again = self.decide(exchange, configuration)
            decision = again if isinstance(again, Deny) else only_at(held.target, again)
        exchange.decision = decision
        return decision

    def reserve(
        self, exchange: Exchange, allow: Allow, configuration: Configuration
    ) -> Awaitable[Reservation | Refused]:
        """Take what this request is expected to use from every cap, or from none."""
        return self.bookkeeper.accountant.reserve(exchange, allow, configuration)

    async def answer(self, targets: Sequence[Target], inbound: Inbound, books: Books) -> Outbound:
        """Dispatch, then relay what comes back. Raises `GatewayError`."""
        if inbound.wire.counting:
            return await count_tokens(
                targets, inbound, books, self.dispatch, self.bookkeeper.estimator
            )
        note = await self.note(inbound, books) if books.allow.notices else None
        try:
            reply = await self.dispatch.first_answer(targets, inbound, books)
        except ProviderError as error:
            return await self.fail(error, books)
        books.first_byte()
        if isinstance(reply, StreamedReply):
            return relay_stream(reply, inbound.wire, books, self.drains, note)
        return await relay_whole(reply.document, reply, books, note)

    async def note(self, inbound: Inbound, books: Books) -> Note | None:
        """The warnings that this answer is to tell inside, if somebody reads it."""
        note = await self.notes.begin(books.exchange, books.allow, inbound.reading, inbound.headers)
        if note is not None:
            books.carry(note)
        return note

    def without_notes(self, inbound: Inbound) -> Inbound:
        """The request as the models are to see it: without what we have told its user."""
        reading, edits = self.notes.taken_out(inbound.wire.name, inbound.reading)
        return structs.replace(inbound, reading=reading, edits=edits) if edits else inbound

    async def fail(self, error: ProviderError, books: Books) -> Outbound:
        """No target answered: close the books, then say so. Raises `GatewayError`."""
        failure = failure_of(error)
        passed_on = rejection_of(error) if isinstance(error, ProviderRejected) else None
        status = passed_on.status if passed_on else failure.status
        await books.close(Outcome.FAILED, status=status, error=failure.code)
        if passed_on is None:
            raise failure from error
        return passed_on

    async def refuse_unread(self, head: Head, identity: Identity, error: GatewayError) -> Answer:
        """The caller is known, but its body could not be read."""
        digest = self.in_force.configuration.digest
        return await self.refusals.refuse_unread(head, identity, error, digest)

    async def note_stranger(self, head: Head, error: NotAuthenticated) -> str:
        """The caller is not known, or not any more; returns the audit id of that."""
        return await self.refusals.note_stranger(head, error, self.in_force.configuration.digest)


def permitted(permission: Permission, identity: Identity) -> Identity:
    """The identity, when its roles have the permission. Raises `NotAuthenticated`."""
    if not permits(identity.roles, permission):
        raise NotAuthenticated.wrong_kind(identity)
    return identity
