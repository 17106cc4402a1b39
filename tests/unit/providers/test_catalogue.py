"""The price book is exact, dated and never guesses."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Target, Vendor
from providers.catalogue import (
    FREE,
    MILLION,
    UNKNOWN,
    Limits,
    Price,
    Prices,
    Rates,
    Tier,
    is_by_tokens_alone,
    load_price_book,
)
from providers.vendors import VENDORS, record

BOOK = load_price_book()
TOKENS = st.integers(min_value=0, max_value=10**9)


def target(kind: str, model: str, name: str | None = None) -> Target:
    return Target(
        Vendor(
            name=name or kind,
            record=record(kind),
            base_url=record(kind).base_url or "",
            api_key=None,
            wires=frozenset(),
            via=record(kind).via,
        ),
        model,
    )


def test_the_shipped_book_names_its_source_and_its_day():
    assert "litellm 1.106.2" in BOOK.source
    assert BOOK.version == "2026-11-21"


def test_the_book_tells_how_much_a_model_and_its_snapshots_take():
    known = Limits(context_tokens=1_047_576, output_tokens=32_768)
    assert BOOK.limits("openai", "gpt-4.1") == known
    assert BOOK.limits("openai", "gpt-4.1-2031-12-25") == known
    assert BOOK.limits("in_house", "gpt-4.1") == UNKNOWN


def test_the_book_prices_every_kind_that_is_not_in_house():
    assert set(BOOK.prices) == {each.kind for each in VENDORS if not each.in_house}


def test_a_model_costs_what_its_vendor_publishes():
    price = BOOK.find("anthropic", "claude-sonnet-4-5")
    assert price is not None
    cost = price.cost_nano_usd(
        input_tokens=MILLION,
        cache_read_tokens=MILLION // 10,
        cache_write_5m_tokens=10_000,
        cache_write_1h_tokens=10_000,
        output_tokens=0,
    )
    assert cost == 3_000_000_000 + 30_000_000 + 37_500_000 + 60_000_000


@pytest.mark.parametrize("suffix", ["-2031-12-25", "-20311225"])
def test_a_dated_snapshot_costs_as_its_model(suffix):
    assert BOOK.find("openai", "gpt-5" + suffix) == BOOK.find("openai", "gpt-5")


@pytest.mark.parametrize(
    "model",
    ["gpt-5-tiny", "GPT-5", "gpt-5-2031", "gpt-5-1225", "gpt-5-2031-99-99", "-20311225", ""],
)
def test_an_unknown_model_has_no_price(model):
    assert BOOK.find("openai", model) is None
    assert not BOOK.has_price("openai", model)


def test_an_unknown_kind_has_no_price():
    assert BOOK.find("nobody", "gpt-5") is None


def test_a_snapshot_listed_by_itself_keeps_its_own_price():
    snapshot = BOOK.find("qwen", "qwen-plus-2025-01-25")
    assert snapshot is BOOK.prices["qwen"]["qwen-plus-2025-01-25"]


def test_a_long_request_is_priced_by_the_tier_of_its_whole_input():
    price = Price(
        input=1_000_000,
        output=2_000_000,
        tiers=(
            Tier(above_input_tokens=100, input=3_000_000, output=4_000_000),
            Tier(above_input_tokens=200, input=5_000_000, output=6_000_000),
        ),
    )
    assert price.cost_nano_usd(input_tokens=100, output_tokens=1) == 102
    assert price.cost_nano_usd(input_tokens=1, cache_read_tokens=100, output_tokens=1) == 307
    assert price.cost_nano_usd(input_tokens=201, output_tokens=1) == 1011


def test_output_of_a_reasoning_answer_costs_its_own_price():
    price = Price(input=0, output=1_000_000, output_reasoned=4_000_000)
    assert price.cost_nano_usd(input_tokens=0, output_tokens=10) == 10
    assert price.cost_nano_usd(input_tokens=0, output_tokens=10, reasoning_tokens=3) == 40


def test_a_class_without_a_price_costs_as_fresh_input():
    price = Price(input=7_000_000, output=0)
    cost = price.cost_nano_usd(
        input_tokens=1,
        cache_read_tokens=1,
        cache_write_5m_tokens=1,
        cache_write_1h_tokens=1,
        output_tokens=1,
    )
    assert cost == 28


@given(TOKENS, TOKENS)
def test_a_cost_is_rounded_up_and_never_by_more_than_one(input_tokens, output_tokens):
    price = Price(input=270_001, output=1_100_003)
    exact = input_tokens * 270_001 + output_tokens * 1_100_003
    cost = price.cost_nano_usd(input_tokens=input_tokens, output_tokens=output_tokens)
    assert 0 <= cost * MILLION - exact < MILLION


def test_an_engine_of_our_own_costs_nothing():
    assert Prices(BOOK, {}).find(target("in_house", "gpt-5")) is FREE
    assert FREE.cost_nano_usd(input_tokens=10**9, output_tokens=10**9) == 0


def test_an_override_holds_over_the_book_and_in_the_house():
    own = Rates(input=270_000_000, output=1_100_000_000, cache_read=70_000_000)
    prices = Prices(BOOK, {"main/deepseek-chat": own, "house/coder": own})
    found = prices.find(target("deepseek", "deepseek-chat", "main"))
    assert found is not None
    assert found.cost_nano_usd(input_tokens=MILLION, output_tokens=MILLION) == 1_370_000_000
    assert prices.find(target("in_house", "coder", "house")) == found
    assert prices.find(target("deepseek", "deepseek-chat", "spare")) == BOOK.find(
        "deepseek", "deepseek-chat"
    )


def test_a_target_nobody_priced_has_no_price():
    assert Prices(BOOK, {}).find(target("deepseek", "deepseek-next")) is None


def test_a_negative_price_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        Rates(input=-1, output=0)


def test_a_book_that_is_none_is_refused(tmp_path: Path):
    book = tmp_path / "book.json"
    book.write_text('{"version": "1", "source": "x", "prices": {"a": {"b": {"input": "free"}}}}')
    with pytest.raises(msgspec.DecodeError):
        load_price_book(book)


def test_tiers_of_the_shipped_book_rise():
    tiers = [price.tiers for prices in BOOK.prices.values() for price in prices.values()]
    sizes = [[tier.above_input_tokens for tier in each] for each in tiers]
    assert any(sizes)
    assert all(each == sorted(each) for each in sizes)


@pytest.mark.parametrize("tier", [None, "", "auto", "default", "STANDARD", "unspecified"])
def test_the_standard_tier_and_tools_without_a_fee_cost_their_tokens_alone(tier):
    assert is_by_tokens_alone(tier, ())
    assert is_by_tokens_alone(tier, {"web_fetch": 3})


@pytest.mark.parametrize("tier", ["flex", "priority", "scale", "batch", "fast", "new-tier"])
def test_any_other_tier_has_a_price_that_is_not_known(tier):
    assert not is_by_tokens_alone(tier, ())


@pytest.mark.parametrize("tool", ["web_search", "file_search", "code_interpreter", "new_tool"])
def test_a_tool_that_the_vendor_runs_has_a_fee_that_is_not_known(tool):
    assert not is_by_tokens_alone(None, {"web_fetch": 1, tool: 1})


def test_searching_models_take_fees_that_no_reply_tells_and_others_do_not():
    with_fees = {
        (vendor, name)
        for vendor, models in BOOK.prices.items()
        for name, price in models.items()
        if price.has_fees
    }
    assert ("openai", "gpt-5-search-api") in with_fees
    assert all("search" in name for _, name in with_fees)
    assert len(with_fees) > 5
