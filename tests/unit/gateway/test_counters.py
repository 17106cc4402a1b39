"""Caps hold: all or nothing, exactly once, and never above the limit at admission."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from gateway.counters import AccountState, Amounts, Hold, InProcessCounters
from gateway.shortage import Refused
from policy.types import Cap, Unit, Window

ACCOUNT = "team:web"
SECOND = 1_000_000_000


def requests(amount: int) -> Cap:
    return Cap(ACCOUNT, Unit.REQUESTS, amount, Window.MINUTE)


def tokens(amount: int) -> Cap:
    return Cap(ACCOUNT, Unit.TOKENS, amount, Window.MINUTE)


def parallel(amount: int) -> Cap:
    return Cap(ACCOUNT, Unit.PARALLEL, amount, Window.NOW)


def money(amount: int, account: str = ACCOUNT) -> Cap:
    return Cap(account, Unit.NANO_USD, amount, Window.CALENDAR_MONTH_UTC)


class Office:
    """Counters with clocks that move when told."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.utc = datetime(2026, 11, 21, 12, tzinfo=UTC)
        self.counters = InProcessCounters(lambda: self.now_ns, lambda: self.utc)
        self.asked = 0

    async def reserve(self, *caps: Cap, **amounts: int) -> Hold | Refused:
        self.asked += 1
        return await self.counters.reserve(f"gh-{self.asked}", ACCOUNT, caps, Amounts(**amounts))

    async def hold(self, *caps: Cap, **amounts: int) -> Hold:
        held = await self.reserve(*caps, **amounts)
        assert isinstance(held, Hold)
        return held

    async def refused(self, *caps: Cap, **amounts: int) -> Refused:
        refused = await self.reserve(*caps, **amounts)
        assert isinstance(refused, Refused)
        return refused

    def state(self) -> AccountState:
        return self.counters.state(ACCOUNT)


@pytest.fixture
def office() -> Office:
    return Office()


async def test_without_caps_everything_passes(office):
    assert isinstance(await office.reserve(tokens=10**12, nano_usd=10**15), Hold)


async def test_of_a_hundred_at_once_with_a_budget_for_ten_exactly_ten_pass(office):
    asked = [office.reserve(money(1_000), nano_usd=100) for _ in range(100)]
    answers = await asyncio.gather(*asked)
    assert sum(isinstance(each, Hold) for each in answers) == 10
    assert office.state().held_nano_usd == 1_000


async def test_a_burst_of_the_whole_minute_passes_and_the_next_waits(office):
    for _ in range(50):
        await office.hold(requests(50))
    refused = await office.refused(requests(50))
    assert (refused.left, refused.retry_after_seconds) == (0, 2)


async def test_after_the_wait_there_is_room_again(office):
    await office.hold(requests(1))
    refused = await office.refused(requests(1))
    assert refused.retry_after_seconds is not None
    office.now_ns += refused.retry_after_seconds * SECOND
    assert isinstance(await office.reserve(requests(1)), Hold)


async def test_a_request_larger_than_the_whole_minute_can_never_pass(office):
    refused = await office.refused(tokens(100), tokens=101)
    assert (refused.needed, refused.left, refused.retry_after_seconds) == (101, 100, None)


async def test_a_refusal_by_one_cap_takes_nothing_from_the_others(office):
    caps = (requests(1), tokens(100), parallel(1), money(10))
    await office.refused(*caps, tokens=5, nano_usd=11)
    assert office.state() == AccountState()
    assert isinstance(await office.reserve(*caps, tokens=100, nano_usd=10), Hold)


async def test_parallel_counts_what_runs_now(office):
    first = await office.hold(parallel(1))
    refused = await office.refused(parallel(1))
    office.counters.settle(first, tokens=0, nano_usd=0)
    assert refused.retry_after_seconds == 5
    assert isinstance(await office.reserve(parallel(1)), Hold)


async def test_settling_twice_counts_once(office):
    held = await office.hold(parallel(5), money(100), nano_usd=50)
    first = office.counters.settle(held, tokens=0, nano_usd=40)
    second = office.counters.settle(held, tokens=0, nano_usd=40)
    assert (first, second) == (True, False)
    assert office.state() == AccountState(spent_nano_usd=40)


async def test_releasing_after_settling_does_nothing(office):
    held = await office.hold(requests(1), parallel(5))
    office.counters.settle(held, tokens=0, nano_usd=0)
    assert not office.counters.release(held, was_sent=False)
    assert office.state().parallel == 0
    assert isinstance(await office.reserve(requests(1)), Refused)


async def test_the_same_exchange_reserves_once(office):
    first = await office.counters.reserve("gh-x", ACCOUNT, (money(10),), Amounts(nano_usd=7))
    again = await office.counters.reserve("gh-x", ACCOUNT, (money(10),), Amounts(nano_usd=7))
    assert again is first
    assert office.state().held_nano_usd == 7


async def test_settling_gives_tokens_back_or_takes_more(office):
    less = await office.hold(tokens(100), tokens=80)
    office.counters.settle(less, tokens=10, nano_usd=0)
    more = await office.hold(tokens(100), tokens=80)
    office.counters.settle(more, tokens=90, nano_usd=0)
    assert (await office.refused(tokens(100), tokens=1)).left == 0


async def test_a_request_that_was_never_sent_is_given_back(office):
    caps = (requests(1), tokens(100), money(10))
    held = await office.hold(*caps, tokens=100, nano_usd=10)
    assert office.counters.release(held, was_sent=False)
    assert isinstance(await office.reserve(*caps, tokens=100, nano_usd=10), Hold)


async def test_a_request_that_failed_after_it_was_sent_still_counts_as_one(office):
    caps = (requests(1), tokens(100), money(10))
    held = await office.hold(*caps, tokens=100, nano_usd=10)
    office.counters.release(held, was_sent=True)
    refused = await office.refused(*caps, tokens=100, nano_usd=10)
    assert refused.cap.unit is Unit.REQUESTS
    assert office.state() == AccountState()


async def test_a_used_up_budget_says_what_is_left_and_when_it_resets(office):
    held = await office.hold(money(100), nano_usd=70)
    office.counters.settle(held, tokens=0, nano_usd=70)
    refused = await office.refused(money(100), nano_usd=31)
    assert (refused.needed, refused.left) == (31, 30)
    assert refused.resets_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert refused.retry_after_seconds is None


async def test_in_december_the_budget_resets_in_the_next_year(office):
    office.utc = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert (await office.refused(money(1), nano_usd=2)).resets_at == datetime(
        2027, 1, 1, tzinfo=UTC
    )


async def test_what_costs_nothing_does_not_wait_for_money(office):
    held = await office.hold(money(10), nano_usd=10)
    office.counters.settle(held, tokens=0, nano_usd=500)
    assert isinstance(await office.reserve(money(10), nano_usd=0), Hold)


async def test_a_new_month_begins_with_nothing_spent_but_what_is_held(office):
    spent = await office.hold(money(100), nano_usd=90)
    office.counters.settle(spent, tokens=0, nano_usd=90)
    running = await office.hold(money(100), nano_usd=10)
    office.utc = datetime(2026, 12, 1, tzinfo=UTC)
    assert (await office.refused(money(100), nano_usd=91)).left == 90
    office.counters.settle(running, tokens=0, nano_usd=8)
    assert office.state().spent_nano_usd == 8


async def test_a_clock_that_steps_back_a_month_forgets_no_spending(office):
    held = await office.hold(money(100), nano_usd=90)
    office.counters.settle(held, tokens=0, nano_usd=90)
    office.utc = datetime(2026, 10, 31, tzinfo=UTC)
    assert isinstance(await office.reserve(money(100), nano_usd=11), Refused)


async def test_spending_is_counted_before_there_is_a_budget(office):
    held = await office.hold()
    office.counters.settle(held, tokens=5, nano_usd=60)
    assert (await office.refused(money(100), nano_usd=41)).left == 40


async def test_spending_is_rebuilt_from_the_ledger(office):
    await office.counters.rebuild({ACCOUNT: 95})
    assert (await office.refused(money(100), nano_usd=6)).left == 5


async def test_topping_up_never_refuses_and_notes_the_overspend(office):
    held = await office.hold(money(100), tokens(10), nano_usd=90, tokens=10)
    office.counters.top_up(held, extra_tokens=90, extra_nano_usd=40)
    assert office.state().held_nano_usd == 130
    assert office.state().overspent_nano_usd == 30
    office.counters.settle(held, tokens=100, nano_usd=125)
    assert office.state() == AccountState(spent_nano_usd=125, overspent_nano_usd=30)


async def test_topping_up_after_the_end_does_nothing(office):
    held = await office.hold(money(100), nano_usd=10)
    office.counters.settle(held, tokens=0, nano_usd=10)
    office.counters.top_up(held, extra_tokens=5, extra_nano_usd=50)
    assert office.state().held_nano_usd == 0


async def test_what_running_answers_can_still_cost_is_a_number(office):
    await office.hold(money(100), nano_usd=10, nano_usd_at_most=70)
    grown = await office.hold(money(100), nano_usd=10, nano_usd_at_most=30)
    office.counters.top_up(grown, extra_tokens=0, extra_nano_usd=5)
    assert office.state().at_risk_nano_usd == 60 + 15


async def test_accounts_do_not_share(office):
    await office.hold(money(10, "team:other"), nano_usd=10)
    assert isinstance(await office.reserve(money(10), nano_usd=10), Hold)


async def test_a_lower_limit_after_a_reload_counts_what_is_already_used(office):
    await office.hold(requests(10), parallel(10))
    assert isinstance(await office.reserve(requests(10), parallel(1)), Refused)
    assert isinstance(await office.reserve(requests(1), parallel(10)), Refused)


LIMITS = {"money": 1_000, "parallel": 4}


class Caps(RuleBasedStateMachine):
    """Any order of reserving, growing, ending, restarting and passing months, against a model."""

    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.office = Office()
        self.spent = 0
        self.model: dict[str, int] = {}

    @rule(target=holds, amount=st.integers(0, 400))
    def reserve(self, amount: int) -> Hold | None:
        caps = (parallel(LIMITS["parallel"]), money(LIMITS["money"]))
        taken = sum(self.model.values())
        fits = amount == 0 or self.spent + taken + amount <= LIMITS["money"]
        answer = asyncio.run(self.office.reserve(*caps, nano_usd=amount))
        assert isinstance(answer, Hold) == (fits and len(self.model) < LIMITS["parallel"])
        if isinstance(answer, Refused):
            return None
        self.model[answer.exchange_id] = amount
        assert amount == 0 or self.spent + sum(self.model.values()) <= LIMITS["money"]
        return answer

    @rule(hold=holds, extra=st.integers(0, 50))
    def top_up(self, hold: Hold | None, extra: int) -> None:
        if hold is not None:
            self.office.counters.top_up(hold, extra_tokens=0, extra_nano_usd=extra)
            if hold.exchange_id in self.model:
                self.model[hold.exchange_id] += extra

    @rule(hold=holds, cost=st.integers(0, 400))
    def settle(self, hold: Hold | None, cost: int) -> None:
        if hold is not None:
            ended = self.office.counters.settle(hold, tokens=0, nano_usd=cost)
            assert ended == (self.model.pop(hold.exchange_id, None) is not None)
            self.spent += cost if ended else 0

    @rule(hold=consumes(holds), was_sent=st.booleans())
    def release(self, hold: Hold | None, was_sent: bool) -> None:
        if hold is not None:
            ended = self.office.counters.release(hold, was_sent=was_sent)
            assert ended == (self.model.pop(hold.exchange_id, None) is not None)

    @rule()
    def crash(self) -> None:
        asked, utc = self.office.asked, self.office.utc
        self.office = Office()
        self.office.asked, self.office.utc = asked, utc
        asyncio.run(self.office.counters.rebuild({ACCOUNT: self.spent}))
        self.model.clear()

    @rule()
    def next_month(self) -> None:
        month = self.office.utc.year * 12 + self.office.utc.month
        self.office.utc = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        self.spent = 0

    @invariant()
    def the_books_agree(self) -> None:
        state = self.office.state()
        assert state.spent_nano_usd == self.spent
        assert state.held_nano_usd == sum(self.model.values())
        assert state.parallel == len(self.model)

    def teardown(self) -> None:
        for exchange_id in list(self.model):
            hold = Hold(exchange_id, ACCOUNT, (parallel(4), money(1_000)), Amounts())
            self.office.counters.settle(hold, tokens=0, nano_usd=0)
        assert self.office.state().held_nano_usd == 0
        assert self.office.state().parallel == 0


TestCaps = Caps.TestCase
TestCaps.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
