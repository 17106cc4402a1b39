"""Each class of tokens costs its own price: the dated book's, or the operator's, item by item."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accounting import usage_cost
from gateway.configuration.build import PriceOverride
from gateway.exchange import Usage
from providers.base import Target, Vendor
from providers.catalogue import Price, Prices, load_price_book
from providers.vendors import record

BOOK = load_price_book()
NANO_USD_PER_CENT = 10_000_000


def priced(kind: str, model: str, override: PriceOverride | None = None) -> Price | None:
    """The price of a target, as the gateway finds it."""
    given = record(kind)
    vendor = Vendor(kind, given, given.base_url or "", None, frozenset(), given.via)
    overrides = {} if override is None else {f"{kind}/{model}": override}
    return Prices(BOOK, overrides).find(Target(vendor, model))


def cost(kind: str, model: str, usage: Usage, override: PriceOverride | None = None) -> int:
    price = priced(kind, model, override)
    assert price is not None
    return usage_cost(price, usage)


# Worked by hand from the vendors' pages, in nano-USD: tokens times USD per million, class by class.
INVOICES = [
    # claude-sonnet-4-5: 3 in, 0.30 read, 3.75 written for 5 minutes, 6 for an hour, 15 out
    (
        ("anthropic", "claude-sonnet-4-5"),
        Usage(1_000, 20_000, 4_000, 2_000, 500, 300),
        1_000 * 3_000 + 20_000 * 300 + 4_000 * 3_750 + 2_000 * 6_000 + 500 * 15_000,
    ),
    # claude-haiku-4-5: 1 in, 0.10 read, 1.25 and 2 written, 5 out; a snapshot costs the same
    (
        ("anthropic", "claude-haiku-4-5-20251001"),
        Usage(1_000, 20_000, 4_000, 2_000, 500),
        1_000 * 1_000 + 20_000 * 100 + 4_000 * 1_250 + 2_000 * 2_000 + 500 * 5_000,
    ),
    # gpt-5: 1.25 in, 0.125 read, 10 out; reasoning is output and counted once
    (
        ("openai", "gpt-5"),
        Usage(86, 1_920, output_tokens=300, reasoning_tokens=192),
        86 * 1_250 + 1_920 * 125 + 300 * 10_000,
    ),
]


@pytest.mark.parametrize(("target", "usage", "nano_usd"), INVOICES)
def test_an_answer_costs_what_its_invoice_says(target, usage, nano_usd):
    assert cost(*target, usage) == nano_usd


CLASSES = {
    "input": Usage(input_tokens=1_000_000),
    "output": Usage(output_tokens=1_000_000),
    "cache_read": Usage(cache_read_tokens=1_000_000),
    "cache_write_5m": Usage(cache_write_5m_tokens=1_000_000),
    "cache_write_1h": Usage(cache_write_1h_tokens=1_000_000),
}
OVERRIDE = PriceOverride(11, 13, 17, 19, 23)


@pytest.mark.parametrize("name", CLASSES)
def test_an_operators_price_of_a_class_replaces_the_books(name):
    told = cost("anthropic", "claude-sonnet-4-5", CLASSES[name], OVERRIDE)
    assert told == getattr(OVERRIDE, name)


@pytest.mark.parametrize(
    ("name", "nano_usd"), [("cache_read", 11), ("cache_write_5m", 11), ("cache_write_1h", 11)]
)
def test_an_override_without_cache_prices_charges_fresh_input(name, nano_usd):
    assert cost("anthropic", "claude-sonnet-4-5", CLASSES[name], PriceOverride(11, 13)) == nano_usd


def test_what_is_kept_for_an_hour_never_costs_less_than_for_five_minutes():
    override = PriceOverride(11, 13, cache_write_5m=19)
    assert cost("openai", "gpt-5", CLASSES["cache_write_1h"], override) == 19


def test_a_price_of_the_operators_gives_an_unknown_model_one():
    assert priced("openai", "no-such-model") is None
    assert cost("openai", "no-such-model", CLASSES["input"], OVERRIDE) == 11


def test_an_operators_price_holds_for_an_engine_in_the_house_too():
    assert cost("in_house", "qwen3", CLASSES["output"]) == 0
    assert cost("in_house", "qwen3", CLASSES["output"], OVERRIDE) == 13


@pytest.mark.parametrize("kind", sorted(BOOK.prices))
def test_reading_from_a_cache_is_never_dearer_than_fresh_input_in_the_book(kind):
    dearer = [
        model
        for model, price in BOOK.prices[kind].items()
        if price.cache_read is not None and price.cache_read > price.input
    ]
    assert dearer == []


def test_every_price_of_anthropics_has_all_its_classes():
    prices = BOOK.prices["anthropic"].values()
    classes = [(each.cache_read, each.cache_write_5m, each.cache_write_1h) for each in prices]
    assert all(None not in each for each in classes)
    assert all(read < written_5m < written_1h for read, written_5m, written_1h in classes)


TOKENS = st.integers(min_value=0, max_value=2_000_000)


@given(TOKENS, TOKENS, TOKENS, TOKENS, TOKENS)
def test_an_invoice_is_the_sum_of_its_items(fresh, read, written_5m, written_1h, output):
    usage = Usage(fresh, read, written_5m, written_1h, output)
    price = Price(input=3_000, output=15_000, cache_read=300, cache_write_5m=3_750)
    items = [
        fresh * 3_000,
        read * 300,
        written_5m * 3_750,
        written_1h * 3_750,
        output * 15_000,
    ]
    assert usage_cost(price, usage) == -(-sum(items) // 1_000_000)
