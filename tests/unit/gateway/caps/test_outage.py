"""While the store is away a replica keeps to its part, and says so in the cap's own words."""

from datetime import UTC, datetime

from gateway.caps.outage import Outage, OutagePlan
from gateway.caps.port import Claim, Hold
from gateway.shortage import Refused
from policy.types import Cap, Period, Unit, Window
from tests.fakes.counters import NOON_MS, Past, money, parallel, requests, sliding, tokens

DAY = Window(Period.DAY)


class Replica:
    def __init__(self, replicas: int = 4, allowed: int = 0) -> None:
        self.past = Past()
        self.outage = Outage(
            OutagePlan(replicas, allowed), self.past, lambda: 0, lambda: NOON_MS // 1_000
        )
        self.asked = 0

    async def reserve(self, cap: Cap, units: int = 1) -> Hold | Refused:
        self.asked += 1
        claims = [Claim(cap, units, units)]
        return await self.outage.reserve(f"gh-{self.asked}", claims, ("a/x", "b/y"))

    async def room(self, cap: Cap) -> int:
        """How many units pass one by one."""
        passed = 0
        while passed < 1_000 and isinstance(await self.reserve(cap), Hold):
            passed += 1
        return passed


async def test_each_cap_is_divided_among_the_replicas():
    replica = Replica()
    replica.past.spent(datetime(2026, 11, 21, 9, tzinfo=UTC), 0, tokens=40)
    assert await replica.room(requests(40)) == 10
    assert await replica.room(parallel(8)) == 2
    assert await replica.room(tokens(200, DAY)) == (200 - 40) // 4
    assert await replica.room(tokens(100, sliding(Period.DAY))) == (100 - 40) // 4


async def test_money_passes_as_far_as_the_plan_allows():
    assert await Replica().room(money(1_000)) == 0
    assert await Replica(allowed=100).room(money(1_000)) == 25
    assert await Replica(allowed=10_000).room(money(1_000)) == 250
    assert await Replica(allowed=100).room(money(1_000, window=Window(Period.MINUTE))) == 25


async def test_a_refusal_is_told_in_the_words_of_the_cap_itself():
    replica = Replica()
    await replica.room(parallel(8))
    refused = await replica.reserve(parallel(8))
    assert isinstance(refused, Refused)
    assert (refused.cap, refused.is_unknown) == (parallel(8), False)
    refused = await replica.reserve(money(1_000), 5)
    assert isinstance(refused, Refused)
    assert (refused.cap, refused.needed, refused.is_unknown) == (money(1_000), 5, True)


async def test_a_hold_names_the_caps_themselves():
    replica = Replica()
    hold = await replica.reserve(requests(40))
    assert isinstance(hold, Hold)
    assert [each.cap for each in hold.claims] == [requests(40)]
    assert replica.outage.settle(hold, [0])
    assert not replica.outage.settle(hold, [0])


async def test_an_answer_that_grows_takes_from_this_replicas_part():
    replica = Replica(replicas=1)
    hold = await replica.reserve(tokens(100, DAY), 10)
    assert isinstance(hold, Hold)
    replica.outage.raise_to(hold, [90])
    (state,) = replica.outage.states_now()
    assert (state.unit, state.held) == (Unit.TOKENS, 90)


async def test_what_is_left_is_looked_up_once():
    replica = Replica()
    for _ in range(3):
        await replica.reserve(tokens(100, DAY))
    assert replica.past.asked == ["team:web"]
