"""Reserve what a request is expected to use, settle what it used, and say what that cost."""

import sys
from collections.abc import Callable, Sequence

import msgspec

from gateway.caps.port import NOTHING_HELD, AccountState, Claim, Counters, Hold
from gateway.caps.windows import is_remembered
from gateway.configuration.build import Configuration
from gateway.exchange import Exchange, Expected, Usage
from gateway.expectations import RecentOutputs, expected_output_tokens, longest_output_tokens
from gateway.routing import route
from gateway.shortage import (
    Refused,
    refusal_of,
    warning_left_out,
    warning_nearly_used_up,
)
from policy.question import team_account
from policy.types import Allow, Cap, Operation, RequestFacts, Unit
from providers.base import Target
from providers.catalogue import FREE, Price, PriceBook, Prices, is_by_tokens_alone

__all__ = ["Accountant", "Refused", "Reservation", "refusal_of"]

_TOP_UP_STEP_TOKENS = 256
"""An answer that outgrows its hold takes this much more at a time, not a token a chunk."""

_GROWING = (Unit.TOKENS, Unit.NANO_USD)


class Reservation(msgspec.Struct):
    """One exchange's hold, and what is needed to let it grow and to end it.

    `allow` is what policy allowed, without the targets whose caps are used up and with what the
    caps warn of. `output_tokens` are held so far: more than any answer has where no cap counts
    them.
    """

    hold: Hold
    allow: Allow
    team: str
    facts: RequestFacts
    prices: Prices
    output_tokens: int
    expected_output_tokens: int = 0
    is_charged: bool = False
    """Whether a window that outlives this process counts what is used."""

    @property
    def is_growing(self) -> bool:
        """Whether a cap counts how long the answer gets."""
        return self.output_tokens < sys.maxsize


class Accountant:
    """Turns facts and prices into claims on the counters.

    Money is reckoned at the dearest of the targets that may be tried, and only where a cap asks for
    it: input estimate at the price of fresh input, output as the last answers of this team and
    model were (p90), within the request's limit. `price_book` is the version of the shipped prices.
    """

    def __init__(self, counters: Counters, book: PriceBook, recent: RecentOutputs) -> None:
        self.price_book = book.version
        self.counters = counters
        self._book = book
        self._recent = recent
        self._priced: tuple[Configuration, Prices] | None = None

    async def reserve(
        self, exchange: Exchange, allow: Allow, configuration: Configuration
    ) -> Reservation | Refused:
        """Take what this exchange is expected to use from every cap, or from none."""
        facts, team = exchange.facts, exchange.identity.team
        prices = self._prices(configuration)
        if not allow.caps:
            return Reservation(NOTHING_HELD, allow, team, facts, prices, sys.maxsize)
        output = 0
        if facts.operation is not Operation.COUNT_TOKENS:  # a count costs a request, nothing else
            output = expected_output_tokens(facts, self._recent.p90(team, facts.model))
        targets = route(allow, configuration.models[facts.model])
        reckoning = _Reckoning(facts, prices, targets, output)
        claims = [reckoning.claim(cap) for cap in allow.caps if cap.counts_any(allow.targets)]
        hold: Hold | Refused = NOTHING_HELD
        if claims:  # else none of the caps counts what may still be tried
            hold = await self.counters.reserve(exchange.id, claims, allow.targets)
        if isinstance(hold, Refused):
            return hold
        grows = any(each.cap.unit in _GROWING for each in hold.claims)
        held = output if grows else sys.maxsize
        charged = any(is_remembered(each.cap.window) for each in hold.claims)
        return Reservation(hold, _narrowed(allow, hold), team, facts, prices, held, output, charged)

    async def states(self) -> list[AccountState]:
        """How every account of a cap stands that is in use."""
        return await self.counters.states()

    def top_up(self, reservation: Reservation, target: Target, output_tokens: int) -> None:
        """Hold more once an answer of this target has outgrown what is held. Never refuses."""
        if output_tokens <= reservation.output_tokens:
            return
        grown = output_tokens + _TOP_UP_STEP_TOKENS
        reservation.output_tokens = grown
        facts = reservation.facts
        tokens = facts.input_tokens_estimate + grown
        price = reservation.prices.find(target) or FREE
        cost = _cost(price, facts, grown)

        def needed(claim: Claim) -> int:
            if not claim.cap.counts(target.name):
                return 0
            wanted = {Unit.TOKENS: tokens, Unit.NANO_USD: cost}.get(claim.cap.unit, 0)
            return min(wanted, claim.units_at_most)

        hold = reservation.hold
        self.counters.raise_to(hold, [needed(claim) for claim in hold.claims])

    def expected(self, reservation: Reservation, target: Target) -> Expected:
        """What an answer of this target is expected to use, and whom it will be charged to."""
        facts, output = reservation.facts, reservation.expected_output_tokens
        price = reservation.prices.find(target) or FREE
        charged = {
            claim.cap.account
            for claim in reservation.hold.claims
            if is_remembered(claim.cap.window) and claim.cap.counts(target.name)
        }
        charged.discard(team_account(reservation.team))
        if facts.operation is Operation.COUNT_TOKENS:
            return Expected(0, 0, 0, tuple(sorted(charged)))
        cost = _cost(price, facts, output)
        return Expected(facts.input_tokens_estimate, output, cost, tuple(sorted(charged)))

    def settle(self, reservation: Reservation, target: Target | None, usage: Usage) -> int:
        """End the reservation with what was used; what it cost in nano-USD. Counts once.

        No target: nothing was sent, and the request is given back too. What is held for targets
        that did not answer is given back. An answer that ended early counts as long as it got for
        what is expected of the next.
        """
        hold = reservation.hold
        if target is None:
            self.counters.settle(hold, _each(hold, lambda cap: 0))
            return 0
        price = reservation.prices.find(target)
        cost = 0 if price is None or price is FREE else usage_cost(price, usage)
        if hold.claims:
            used = {Unit.REQUESTS: 1, Unit.TOKENS: usage.total_tokens, Unit.NANO_USD: cost}

            def counted(cap: Cap) -> int:
                return used.get(cap.unit, 0) if cap.counts(target.name) else 0

            self.counters.settle(hold, _each(hold, counted))
        if usage.output_tokens:
            facts = reservation.facts
            each = usage.output_tokens // max(1, facts.answers)
            self._recent.learn(reservation.team, facts.model, each)
        return cost

    def knows_price(self, reservation: Reservation, target: Target, exchange: Exchange) -> bool:
        """Whether `settle` can say all that the answer of this target cost.

        What runs in the house has no tiers and takes no fees, whatever it says of itself.
        """
        price = reservation.prices.find(target)
        if price is None or price.has_fees:
            return False
        return target.vendor.record.in_house or is_by_tokens_alone(
            exchange.service_tier, exchange.vendor_tools
        )

    def _prices(self, configuration: Configuration) -> Prices:
        """The prices of a configuration; kept until another one is in force."""
        if self._priced is None or self._priced[0] is not configuration:
            self._priced = (configuration, Prices(self._book, configuration.prices))
        return self._priced[1]


def usage_cost(price: Price, usage: Usage) -> int:
    """What an answer cost, in nano-USD."""
    return price.cost_nano_usd(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_5m_tokens=usage.cache_write_5m_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        reasoning_tokens=usage.reasoning_tokens,
    )


class _Reckoning:
    """What one request is expected to use, and may use at most, of whatever a cap counts."""

    def __init__(
        self, facts: RequestFacts, prices: Prices, targets: Sequence[Target], output_tokens: int
    ) -> None:
        self._facts = facts
        self._prices = prices
        self._targets = targets
        self._output = output_tokens
        self._costs: dict[tuple[str, ...], tuple[int, int]] = {}

    def claim(self, cap: Cap) -> Claim:
        """What to take from a cap; the most at once where it is strict."""
        units, at_most = self._units(cap)
        return Claim(cap, at_most if cap.is_strict else units, at_most)

    def _units(self, cap: Cap) -> tuple[int, int]:
        if cap.unit is Unit.REQUESTS or cap.unit is Unit.PARALLEL:
            return 1, 1
        facts = self._facts
        if facts.operation is Operation.COUNT_TOKENS:
            return 0, 0
        if cap.unit is Unit.TOKENS:
            longest = max(
                [longest_output_tokens(facts, self._price(each)) for each in self._counted(cap)]
            )
            needed = facts.input_tokens_estimate
            return needed + self._output, needed + max(self._output, longest)
        costs = self._costs.get(cap.targets)
        if costs is None:
            costs = self._costs[cap.targets] = self._dearest(cap)
        return costs

    def _dearest(self, cap: Cap) -> tuple[int, int]:
        """Each for the target at which it is most.

        A target without a known price is none of them: where money is limited, policy refused it.
        """
        facts, costs, longest = self._facts, [0], [0]
        for target in self._counted(cap):
            price = self._price(target)
            costs.append(_cost(price, facts, self._output))
            longest.append(_most(price, facts, longest_output_tokens(facts, price)))
        return max(costs), max(*costs, *longest)

    def _counted(self, cap: Cap) -> Sequence[Target]:
        return [each for each in self._targets if cap.counts(each.name)]

    def _price(self, target: Target) -> Price:
        return self._prices.find(target) or FREE


def _narrowed(allow: Allow, hold: Hold) -> Allow:
    """What is left of a permission, and what its caps warn of."""
    if not (hold.used_up or hold.near):
        return allow
    warnings = [warning_left_out(each) for each in hold.used_up]
    warnings += [warning_nearly_used_up(each.cap, each.resets_at) for each in hold.near]
    targets = tuple([name for name in allow.targets if name not in hold.left_out])
    return msgspec.structs.replace(allow, targets=targets, warnings=(*allow.warnings, *warnings))


def _each(hold: Hold, units: Callable[[Cap], int]) -> list[int]:
    return [units(claim.cap) for claim in hold.claims]


def _cost(price: Price, facts: RequestFacts, output_tokens: int) -> int:
    """What a request may cost: fresh input, and answers that reason where that costs more."""
    return price.cost_nano_usd(
        input_tokens=facts.input_tokens_estimate,
        output_tokens=output_tokens,
        reasoning_tokens=output_tokens,
    )


def _most(price: Price, facts: RequestFacts, output_tokens: int) -> int:
    """The same where all input is written to the vendor's cache, which may cost more."""
    tokens, output = facts.input_tokens_estimate, output_tokens
    return max(
        _cost(price, facts, output),
        price.cost_nano_usd(
            input_tokens=0,
            output_tokens=output,
            cache_write_5m_tokens=tokens,
            reasoning_tokens=output,
        ),
        price.cost_nano_usd(
            input_tokens=0,
            output_tokens=output,
            cache_write_1h_tokens=tokens,
            reasoning_tokens=output,
        ),
    )
