"""Reserve what a request is expected to use, settle what it used, and say what that cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.configuration.build import Configuration
from gateway.counters import Amounts, Counters, Hold
from gateway.exchange import Exchange, Usage
from gateway.expectations import RecentOutputs, expected_output_tokens, longest_output_tokens
from gateway.routing import route
from gateway.shortage import Refused, refusal_of
from policy.question import team_account
from policy.types import Allow, Operation, RequestFacts, Unit
from providers.base import Target
from providers.catalogue import FREE, Price, PriceBook, Prices, is_by_tokens_alone

__all__ = ["Accountant", "Refused", "Reservation", "refusal_of"]

_TOP_UP_STEP_TOKENS = 256
"""An answer that outgrows its hold takes this much more at a time, not a token a chunk."""


@dataclass(slots=True)
class Reservation:
    """One exchange's hold, and what is needed to let it grow and to end it.

    `output_tokens` are held so far; `dearest` is the price that money was reckoned at.
    """

    hold: Hold
    team: str
    facts: RequestFacts
    prices: Prices
    output_tokens: int
    dearest: Price


class Accountant:
    """Turns facts and prices into amounts for the counters.

    Money is reckoned at the dearest of the targets that may be tried, and only where a cap asks for
    it: input estimate at the price of fresh input, output as the last answers of this team and
    model were (p90), within the request's limit. `price_book` is the version of the shipped prices.
    """

    def __init__(self, counters: Counters, book: PriceBook, recent: RecentOutputs) -> None:
        self.price_book = book.version
        self._counters = counters
        self._book = book
        self._recent = recent
        self._priced: tuple[Configuration, Prices] | None = None

    async def reserve(
        self, exchange: Exchange, allow: Allow, configuration: Configuration
    ) -> Reservation | Refused:
        """Take what this exchange is expected to use from every cap, or from none."""
        facts, team = exchange.facts, exchange.identity.team
        prices = self._prices(configuration)
        amounts, output, dearest = Amounts(), 0, FREE
        if facts.operation is not Operation.COUNT_TOKENS:  # a count costs a request, nothing else
            output = expected_output_tokens(facts, self._recent.p90(team, facts.model))
            amounts = Amounts(facts.input_tokens_estimate + output)
            if allow.caps and any(cap.unit is Unit.NANO_USD for cap in allow.caps):
                targets = route(allow, configuration.models[facts.model])
                dearest = _dearest(targets, prices, facts, output)
                amounts = _with_money(amounts, dearest, facts, output)
        hold = await self._counters.reserve(exchange.id, team_account(team), allow.caps, amounts)
        if isinstance(hold, Refused):
            return hold
        return Reservation(hold, team, facts, prices, output, dearest)

    def top_up(self, reservation: Reservation, output_tokens: int) -> None:
        """Hold more once an answer has grown beyond what is held. Never refuses."""
        held = reservation.output_tokens
        if output_tokens <= held:
            return
        grown = output_tokens + _TOP_UP_STEP_TOKENS
        more = _cost(reservation.dearest, reservation.facts, grown) - _cost(
            reservation.dearest, reservation.facts, held
        )
        reservation.output_tokens = grown
        self._counters.top_up(reservation.hold, extra_tokens=grown - held, extra_nano_usd=more)

    def settle(self, reservation: Reservation, target: Target | None, usage: Usage) -> int:
        """End the reservation with what was used; what it cost in nano-USD. Counts once.

        No target: nothing was sent, and the request is given back too. An answer that ended early
        counts as long as it got for what is expected of the next.
        """
        if target is None:
            self._counters.release(reservation.hold, was_sent=False)
            return 0
        price = reservation.prices.find(target)
        cost = 0 if price is None or price is FREE else usage_cost(price, usage)
        self._counters.settle(reservation.hold, tokens=usage.total_tokens, nano_usd=cost)
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


def _dearest(
    targets: Sequence[Target], prices: Prices, facts: RequestFacts, output_tokens: int
) -> Price:
    """The price at which this request costs most.

    A target without a known price is none of them: where there is a budget, policy refused it.
    """
    known = [found for each in targets if (found := prices.find(each)) is not None]
    return max(known, key=lambda price: _cost(price, facts, output_tokens), default=FREE)


def _with_money(amounts: Amounts, price: Price, facts: RequestFacts, output_tokens: int) -> Amounts:
    longest = longest_output_tokens(facts, price)
    return Amounts(
        amounts.tokens,
        _cost(price, facts, output_tokens),
        _cost(price, facts, longest),
    )


def _cost(price: Price, facts: RequestFacts, output_tokens: int) -> int:
    """What a request may cost: fresh input, and answers that reason where that costs more."""
    return price.cost_nano_usd(
        input_tokens=facts.input_tokens_estimate,
        output_tokens=output_tokens,
        reasoning_tokens=output_tokens,
    )
