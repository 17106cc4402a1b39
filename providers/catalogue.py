"""What models cost and how much they take: the shipped, dated price book and its overrides."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from providers.base import Target

BOOK = Path(__file__).with_name("price_book.json")

MILLION = 1_000_000

_STANDARD_TIERS = frozenset(("auto", "default", "standard", "unspecified"))
_TOOLS_WITHOUT_FEE = frozenset(("web_fetch",))

_SNAPSHOT = re.compile(r"-(?:20\d{2}-[01]\d-[0-3]\d|20\d{2}[01]\d[0-3]\d)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Nano-USD per million tokens of each class. A class without a price costs as fresh input,
    and what is written for an hour as what is written for five minutes.

    `output_reasoned` is the price of all output of an answer that reasoned, where a vendor
    charges more for it.
    """

    input: int
    output: int
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    output_reasoned: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no price can be. Raises `ValueError`."""
        read_and_written = (self.cache_read, self.cache_write_5m, self.cache_write_1h)
        figures = (self.input, self.output, self.output_reasoned, *read_and_written)
        if any(each is not None and each < 0 for each in figures):
            raise ValueError("a price is not negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier(Rates):
    """Rates of a whole request whose input (cached tokens included) is above a size."""

    above_input_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Price(Rates):
    """What a model costs, and how much it takes where that is known. Tiers are in rising order.

    `has_fees`: the vendor takes fees beside the tokens, for searches that no reply tells of.
    """

    tiers: tuple[Tier, ...] = ()
    context_tokens: int | None = None
    output_tokens: int | None = None
    has_fees: bool = False

    def cost_nano_usd(
        self,
        *,
        input_tokens: int,
        output_tokens: int,
        cache_read_tokens: int = 0,
        cache_write_5m_tokens: int = 0,
        cache_write_1h_tokens: int = 0,
        reasoning_tokens: int = 0,
    ) -> int:
        """What disjoint classes of tokens cost, rounded up to a whole nano-USD.

        `reasoning_tokens` is a part of `output_tokens`, not added to it.
        """
        written = cache_write_5m_tokens + cache_write_1h_tokens
        rates = self._rates(input_tokens + cache_read_tokens + written)
        written_5m = _or(rates.cache_write_5m, rates.input)
        output = rates.output
        if reasoning_tokens and rates.output_reasoned is not None:
            output = rates.output_reasoned
        total = (
            input_tokens * rates.input
            + cache_read_tokens * _or(rates.cache_read, rates.input)
            + cache_write_5m_tokens * written_5m
            + cache_write_1h_tokens * _or(rates.cache_write_1h, written_5m)
            + output_tokens * output
        )
        return -(-total // MILLION)

    def _rates(self, all_input_tokens: int) -> Rates:
        found: Rates = self
        for tier in self.tiers:
            if all_input_tokens > tier.above_input_tokens:
                found = tier
        return found


def _or(rate: int | None, default: int) -> int:
    return default if rate is None else rate


FREE = Price(input=0, output=0)
"""What an engine of our own costs, unless the configuration says otherwise."""


def is_by_tokens_alone(service_tier: str | None, vendor_tools: Iterable[str]) -> bool:
    """Whether prices by the token say all that an answer cost.

    They are those of the standard service; no book here holds another tier's, nor the fees for
    tools that a vendor runs itself.
    """
    is_standard = not service_tier or service_tier.lower() in _STANDARD_TIERS
    return is_standard and _TOOLS_WITHOUT_FEE.issuperset(vendor_tools)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many tokens a model takes in and gives out at most; None where nobody knows."""

    context_tokens: int | None = None
    output_tokens: int | None = None


UNKNOWN = Limits()
"""Nothing is known."""


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Prices by vendor kind and model, as read from `source` on the day that is `version`."""

    version: str
    source: str
    prices: Mapping[str, Mapping[str, Price]]

    def find(self, vendor_kind: str, model: str) -> Price | None:
        """The price of exactly this model; else of the model whose dated snapshot it is.

        A snapshot is the name and a whole date at its end (`-2026-03-05`, `-20260305`): vendors
        charge for it as for the name. There is no other likeness: an unknown model has no price.
        """
        known = self.prices.get(vendor_kind, {})
        return known.get(model) or known.get(_SNAPSHOT.sub("", model))

    def limits(self, vendor_kind: str, model: str) -> Limits:
        """How much the model that `find` finds takes."""
        found = self.find(vendor_kind, model)
        return UNKNOWN if found is None else Limits(found.context_tokens, found.output_tokens)

    def has_price(self, vendor_kind: str, model: str) -> bool:
        """Whether `find` finds one."""
        return self.find(vendor_kind, model) is not None


def load_price_book(path: Path = BOOK) -> PriceBook:
    """Read a price book. Raises `OSError` or `msgspec.DecodeError` when it is none."""
    return msgspec.json.decode(path.read_bytes(), type=PriceBook)


class Figures(Protocol):
    """An overriding price as a configuration holds it: units and gaps as in `Rates`."""

    @property
    def input(self) -> int: ...
    @property
    def output(self) -> int: ...
    @property
    def cache_read(self) -> int | None: ...
    @property
    def cache_write_5m(self) -> int | None: ...
    @property
    def cache_write_1h(self) -> int | None: ...


class Prices:
    """Prices of targets: the configuration's own (by target name) first, then the book."""

    def __init__(self, book: PriceBook, overrides: Mapping[str, Figures]) -> None:
        self.version = book.version
        self._book = book
        self._overrides = {name: _price(each) for name, each in overrides.items()}

    def find(self, target: Target) -> Price | None:
        """What a target costs: nothing in the house, None when nobody knows."""
        overriding = self._overrides.get(target.name)
        if overriding is not None:
            return overriding
        record = target.vendor.record
        return FREE if record.in_house else self._book.find(record.kind, target.upstream_model)


def _price(figures: Figures) -> Price:
    return Price(
        input=figures.input,
        output=figures.output,
        cache_read=figures.cache_read,
        cache_write_5m=figures.cache_write_5m,
        cache_write_1h=figures.cache_write_1h,
    )
