"""Caps hold in any order of reserving, growing, ending and passing time, against a model."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from gateway.caps.port import Hold
from policy.types import Period, Unit, Window
from tests.fakes.counters import DAY_MS, Office, money, parallel, tokens
from tests.fakes.valkey import SharedOffice

T = TypeVar("T")

MONEY, TOKENS, PARALLEL, VENDOR = 1_000, 500, 4, 300
DAILY = Window(Period.DAY)
CAPS = (
    parallel(PARALLEL),
    money(MONEY),
    tokens(TOKENS, DAILY),
    money(VENDOR, "vendor:a", DAILY, targets=("a/x",)),
)


class Caps(RuleBasedStateMachine):
    """The model: what is spent this month, used today, and held by each exchange that runs."""

    holds = Bundle("holds")
    make: ClassVar[Callable[[], Office]] = staticmethod(Office)

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.office = self.runs(self.open())
        self.spent = self.tokens = self.vendor = 0
        self.model: dict[str, tuple[Hold, int, int]] = {}

    async def open(self) -> Office:
        office = type(self).make()
        await office.open()
        return office

    def runs(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def held(self, at: int, scoped: bool = False) -> int:
        return sum(each[at] for each in self.model.values() if not scoped or not each[0].left_out)

    @rule(target=holds, cost=st.integers(0, 400), words=st.integers(0, 200))
    def reserve(self, cost: int, words: int) -> Hold | None:
        answer = self.runs(self.office.reserve(*CAPS, nano_usd=cost, tokens=words))
        fits = (
            (cost == 0 or self.spent + self.held(1) + cost <= MONEY)
            and (words == 0 or self.tokens + self.held(2) + words <= TOKENS)
            and len(self.model) < PARALLEL
        )
        assert isinstance(answer, Hold) == fits
        if not isinstance(answer, Hold):
            return None
        vendor_fits = cost == 0 or self.vendor + self.held(1, scoped=True) + cost <= VENDOR
        assert answer.left_out == (frozenset() if vendor_fits else {"a/x"})
        self.model[answer.exchange_id] = (answer, cost, words)
        return answer

    @rule(hold=holds, cost=st.integers(0, 450))
    def grow(self, hold: Hold | None, cost: int) -> None:
        if hold is not None:
            self.office.raise_to(hold, nano_usd=cost)
            if hold.exchange_id in self.model:
                _, held, words = self.model[hold.exchange_id]
                self.model[hold.exchange_id] = (hold, max(held, cost), words)

    @rule(hold=holds, cost=st.integers(0, 400), words=st.integers(0, 200), is_a=st.booleans())
    def settle(self, hold: Hold | None, cost: int, words: int, is_a: bool) -> None:
        if hold is not None:
            by = "a/x" if is_a and not hold.left_out else "b/y"
            ended = self.office.settle(hold, nano_usd=cost, tokens=words, by=by)
            assert ended == (self.model.pop(hold.exchange_id, None) is not None)
            if ended:
                self.spent += cost
                self.tokens += words
                self.vendor += cost if by == "a/x" else 0

    @rule(hold=consumes(holds))
    def release(self, hold: Hold | None) -> None:
        if hold is not None:
            ended = self.office.release(hold)
            assert ended == (self.model.pop(hold.exchange_id, None) is not None)

    @rule(days=st.integers(1, 12))
    def days_pass(self, days: int) -> None:
        before = self.office.utc()
        self.runs(self.office.passes(days * DAY_MS))
        self.tokens = self.vendor = 0
        if self.office.utc().month != before.month:
            self.spent = 0

    @invariant()
    def the_books_agree(self) -> None:
        spent = self.runs(self.office.state())
        used = self.runs(self.office.state(Unit.TOKENS))
        vendor = self.runs(self.office.state(account="vendor:a"))
        running = self.runs(self.office.state(Unit.PARALLEL))
        assert (spent.used, spent.held) == (self.spent, self.held(1))
        assert (used.used, used.held) == (self.tokens, self.held(2))
        assert (vendor.used, vendor.held) == (self.vendor, self.held(1, scoped=True))
        assert running.held == len(self.model)

    def teardown(self) -> None:
        for hold, _, _ in self.model.values():
            self.office.release(hold)
        assert self.runs(self.office.counted())[1:] == (0, 0)
        self.runs(self.office.close())
        self.runner.close()


def test_caps_hold_in_this_process():
    often = settings(max_examples=60, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(Caps, settings=often)


def test_caps_hold_in_a_store(valkey):
    class SharedCaps(Caps):
        make = staticmethod(lambda: SharedOffice(valkey.url))

    seldom = settings(max_examples=25, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(SharedCaps, settings=seldom)
