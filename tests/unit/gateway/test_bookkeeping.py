"""The books of an exchange: durable before anything leaves, closed exactly once."""

import asyncio
import dataclasses

import msgspec
import pytest

from gateway.bookkeeping import Books, counted_usage
from gateway.errors import LedgerUnavailable
from gateway.exchange import Attempt, Edit, Outcome, Usage, UsageSource
from gateway.wire.base import ReplyFacts
from policy.types import Operation
from providers.base import Target
from tests.fakes.configurations import configured
from tests.fakes.road import Road

TOLD = Usage(100, 20, 3, 2, 50, 10)


@pytest.fixture
def road(tmp_path) -> Road:
    return Road(configured(tmp_path))


def target_of(road: Road, vendor: str, *, bills_after_cancel: bool = False) -> Target:
    found = road.configuration.models["coder"]
    target = next(each for each in found if each.vendor.name == vendor)
    record = dataclasses.replace(target.vendor.record, bills_after_cancel=bills_after_cancel)
    return dataclasses.replace(target, vendor=dataclasses.replace(target.vendor, record=record))


async def tried(books: Books, target: Target, seen: ReplyFacts | None = None) -> Attempt:
    """One attempt that was answered, and what its reply said."""
    attempt = books.begin_attempt(target, "primary", (Edit("model", "model_name", 5, 13),))
    await books.record_attempt(attempt)
    books.answered(attempt, 200, ())
    if seen is not None:
        books.observe(seen)
    return attempt


def whole(usage: Usage | None = TOLD) -> ReplyFacts:
    return ReplyFacts(usage, "stop", "c1", "m1", is_whole=True, output_bytes=280)


async def test_an_attempt_is_reported_durable_only_when_admitted_is_durable_too(road):
    road.ledger.holds = {"admitted", "attempted"}
    books = await road.books()
    attempt = books.begin_attempt(target_of(road, "house"), "primary", ())
    waiting = asyncio.ensure_future(books.record_attempt(attempt))
    await asyncio.wait([waiting], timeout=0)
    road.ledger.commits("attempted")
    await asyncio.wait([waiting], timeout=0)
    assert not waiting.done()
    road.ledger.commits("admitted")
    await waiting


async def test_opening_does_not_wait_for_the_disk(road):
    road.ledger.holds = {"admitted"}
    await road.books()
    assert road.ledger.kinds == ["admitted"]


@pytest.mark.parametrize("kind", ["admitted", "attempted"])
async def test_an_attempt_is_refused_when_either_record_was_not_taken(road, kind):
    road.ledger.refuses = {kind}
    books = await road.books()
    attempt = books.begin_attempt(target_of(road, "house"), "primary", ())
    with pytest.raises(LedgerUnavailable):
        await books.record_attempt(attempt)


async def test_the_second_close_changes_nothing(road):
    books = await road.books()
    await tried(books, target_of(road, "deepseek"), whole())
    first = books.close(Outcome.COMPLETE, status=200)
    spent = road.counters.state("team:web")
    page = road.metrics.render()
    assert books.close(Outcome.FAILED, status=502, error="upstream_failed") is first
    assert road.ledger.kinds == ["admitted", "attempted", "completed"]
    assert (books.exchange.outcome, books.exchange.status) == (Outcome.COMPLETE, 200)
    assert books.exchange.error is None
    assert road.counters.state("team:web") == spent
    assert road.metrics.render() == page


async def test_a_closed_exchange_is_settled_with_what_was_used(road):
    books = await road.books()
    held = road.counters.state("team:web")
    assert held.parallel == 1
    assert held.held_nano_usd > 0
    await tried(books, target_of(road, "deepseek"), whole())
    await books.close(Outcome.COMPLETE, status=200)
    settled = road.counters.state("team:web")
    assert (settled.parallel, settled.held_nano_usd) == (0, 0)
    assert settled.spent_nano_usd == books.exchange.cost_nano_usd > 0
    assert road.ledger.bodies[-1]["cost_nano_usd"] == settled.spent_nano_usd


async def test_an_answer_of_another_tier_with_a_paid_tool_is_not_told_as_priced(road):
    books = await road.books()
    seen = whole()
    seen.service_tier, seen.vendor_tools = "flex", {"web_search": 2}
    await tried(books, target_of(road, "deepseek"), seen)
    await books.close(Outcome.COMPLETE, status=200)
    end = road.ledger.bodies[-1]
    assert (end["service_tier"], end["vendor_tools"]) == ("flex", {"web_search": 2})
    assert end["price_known"] is False
    assert road.counters.state("team:web").spent_nano_usd == end["cost_nano_usd"] > 0


async def test_an_answer_of_the_standard_tier_is_priced(road):
    books = await road.books()
    seen = whole()
    seen.service_tier = "default"
    await tried(books, target_of(road, "deepseek"), seen)
    await books.close(Outcome.COMPLETE, status=200)
    end = road.ledger.bodies[-1]
    assert end["service_tier"] == "default"
    assert {"price_known", "vendor_tools"} & set(end) == set()


async def test_books_that_nothing_was_sent_for_give_everything_back(road):
    books = await road.books()
    await books.close(Outcome.FAILED, error="internal_error")
    state = road.counters.state("team:web")
    assert (state.parallel, state.held_nano_usd, state.spent_nano_usd) == (0, 0, 0)
    assert books.exchange.cost_nano_usd == 0


async def test_an_end_that_the_ledger_refuses_is_told_and_still_settled_and_counted(road):
    road.ledger.refuses = {"completed"}
    books = await road.books()
    await tried(books, target_of(road, "house"), whole())
    with pytest.raises(LedgerUnavailable):
        await books.close(Outcome.COMPLETE, status=200)
    assert road.counters.state("team:web").parallel == 0
    assert b'gatehouse_upstream_attempts_total{result="ok",vendor="house"} 1.0' in (
        road.metrics.render()
    )


async def test_the_last_attempt_ends_with_its_exchange(road):
    books = await road.books()
    attempt = await tried(books, target_of(road, "house"), whole())
    await books.close(Outcome.COMPLETE, status=200)
    assert attempt.ended_ns == books.exchange.ended_ns


async def test_what_a_failed_attempt_had_said_is_not_the_answer(road):
    books = await road.books()
    await tried(books, target_of(road, "deepseek"), whole())
    books.attempt_failed("cut", None)
    await books.close(Outcome.FAILED, error="upstream_failed")
    assert books.exchange.usage is None
    assert books.exchange.response_id is None
    assert books.exchange.cost_nano_usd == 0
    assert road.ledger.bodies[-1]["attempts"][0]["error"] == "cut"


@pytest.mark.parametrize(
    ("seen", "usage", "source"),
    [
        (whole(), TOLD, UsageSource.VENDOR),
        (whole(None), Usage(input_tokens=70, output_tokens=100), UsageSource.COUNTED),
        (
            ReplyFacts(None, output_bytes=28),
            Usage(input_tokens=70, output_tokens=10),
            UsageSource.COUNTED,
        ),
        (
            ReplyFacts(TOLD, output_bytes=2_799),
            msgspec.structs.replace(TOLD, output_tokens=1_000),
            UsageSource.COUNTED,
        ),
        (ReplyFacts(TOLD, output_bytes=28), TOLD, UsageSource.COUNTED),
        (ReplyFacts(), None, UsageSource.NONE),
    ],
    ids=["told", "untold", "cut", "cut-with-an-early-figure", "cut-told-more", "nothing-seen"],
)
def test_an_answer_is_billed_as_told_when_whole_and_as_seen_when_not(seen, usage, source):
    assert counted_usage(seen, 70) == (usage, source)


async def test_nothing_seen_costs_nothing(road):
    books = await road.books()
    await tried(books, target_of(road, "deepseek"), ReplyFacts())
    await books.close(Outcome.CLIENT_LEFT)
    assert (books.exchange.usage, books.exchange.cost_nano_usd) == (None, 0)
    assert "usage" not in road.ledger.bodies[-1]


@pytest.mark.parametrize(
    ("seen", "is_learnt"), [(whole(), True), (whole(None), False), (ReplyFacts(TOLD), False)]
)
async def test_only_the_vendors_figures_of_whole_answers_teach(road, seen, is_learnt):
    before = road.estimator.estimate("coder", 10_000)
    books = await road.books()
    await tried(books, target_of(road, "house"), seen)
    await books.close(Outcome.COMPLETE, status=200)
    assert (road.estimator.estimate("coder", 10_000) != before) is is_learnt


async def test_a_count_uses_no_tokens_and_teaches_nothing(road):
    before = road.estimator.estimate("coder", 10_000)
    books = await road.books()
    facts = msgspec.structs.replace(books.exchange.facts, operation=Operation.COUNT_TOKENS)
    books.exchange.facts = facts
    await tried(books, target_of(road, "deepseek"), whole())
    await books.close(Outcome.COMPLETE, status=200)
    assert (books.exchange.usage, books.exchange.cost_nano_usd) == (None, 0)
    assert road.estimator.estimate("coder", 10_000) == before


@pytest.mark.parametrize(
    ("client_left", "outcome", "error"),
    [(True, Outcome.CLIENT_LEFT, None), (False, Outcome.CUT, "shutting_down")],
)
async def test_an_interrupted_exchange_says_who_ended_it(road, client_left, outcome, error):
    books = await road.books(client_left=client_left)
    with pytest.raises(asyncio.CancelledError), books.closed_on_failure():
        raise asyncio.CancelledError
    assert (books.exchange.outcome, books.exchange.error) == (outcome, error)
    assert road.ledger.kinds == ["admitted", "completed"]


async def test_an_interruption_after_the_close_changes_nothing(road):
    books = await road.books(client_left=True)
    await books.close(Outcome.COMPLETE, status=200)
    books.close_interrupted()
    assert books.exchange.outcome is Outcome.COMPLETE
    assert road.ledger.kinds == ["admitted", "completed"]


@pytest.mark.parametrize(
    ("failure", "code"),
    [(LedgerUnavailable("full"), "audit_unavailable"), (ZeroDivisionError(), "internal_error")],
)
async def test_whatever_breaks_passes_on_and_leaves_closed_books(road, failure, code):
    books = await road.books()
    with pytest.raises(type(failure)), books.closed_on_failure():
        raise failure
    assert (books.exchange.outcome, books.exchange.error) == (Outcome.FAILED, code)
    assert road.ledger.kinds == ["admitted", "completed"]


async def test_a_failure_that_was_already_closed_keeps_its_own_words(road):
    books = await road.books()
    await books.close(Outcome.FAILED, status=504, error="upstream_timeout")
    with pytest.raises(ZeroDivisionError), books.closed_on_failure():
        raise ZeroDivisionError
    assert books.exchange.error == "upstream_timeout"


async def test_books_stay_open_when_nothing_breaks(road):
    books = await road.books()
    with books.closed_on_failure():
        pass
    assert books.exchange.outcome is None
    assert road.ledger.kinds == ["admitted"]


@pytest.mark.parametrize("client_left", [True, False])
@pytest.mark.parametrize("bills", [True, False])
async def test_only_an_answer_that_is_billed_to_its_end_is_drained(road, client_left, bills):
    books = await road.books(client_left=client_left)
    await tried(books, target_of(road, "deepseek", bills_after_cancel=bills))
    assert books.must_drain() is (client_left and bills)
    await books.close(Outcome.COMPLETE, status=200)
    assert not books.must_drain()


async def test_books_handed_over_are_closed_by_who_took_them_and_by_nobody_else(road):
    books = await road.books(client_left=True)
    seen = ReplyFacts()
    await tried(books, target_of(road, "deepseek", bills_after_cancel=True), seen)
    books.hand_over()
    books.close_interrupted()
    assert not books.must_drain()
    assert road.ledger.kinds == ["admitted", "attempted"]
    seen.usage, seen.is_whole = TOLD, True
    books.close_handed_over()
    assert (books.exchange.outcome, books.exchange.usage) == (Outcome.CLIENT_LEFT, TOLD)
    assert road.ledger.kinds == ["admitted", "attempted", "completed"]


async def test_an_answer_that_outgrows_what_was_held_holds_more(road):
    books = await road.books(output_tokens_limit=100_000)
    held = road.counters.state("team:web").held_nano_usd
    seen = ReplyFacts()
    await tried(books, target_of(road, "deepseek"), seen)
    books.top_up()
    assert road.counters.state("team:web").held_nano_usd == held
    seen.output_bytes = 100_000
    books.top_up()
    assert road.counters.state("team:web").held_nano_usd > held


async def test_the_account_tells_what_was_decided_and_where_it_went(road):
    books = await road.books()
    target = target_of(road, "house")
    books.begin_attempt(target, "fallback:busy", (Edit("model", "model_name", 5, 13),))
    account = books.account(target)
    assert account["route"] == "house/qwen3-coder (fallback:busy)"
    assert account["data class"] == "internal"
    assert account["edits"] == "model (model_name)"
    assert account["policy"] == "allowed, targets: house/qwen3-coder, deepseek/deepseek-chat"
    assert account["audit id"] == books.exchange.id
