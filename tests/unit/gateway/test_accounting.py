"""Amounts come from facts and prices; what was used replaces what was expected."""

import pytest
from msgspec.structs import replace

from gateway.accounting import Accountant, Refused, Reservation
from gateway.caps.port import NOTHING_HELD
from gateway.configuration.build import Configuration
from gateway.exchange import Assistant, Exchange, Expected, Usage
from gateway.expectations import RecentOutputs
from policy.types import Allow, Operation, RequestFacts, Unit
from providers.base import WireName
from providers.catalogue import Price, PriceBook
from tests.fakes.configurations import GOOD, configured, write
from tests.fakes.counters import StillCounters
from tests.fakes.policy_facts import NOON, an_identity, some_facts

USD = 1_000_000_000

# USD 1 a million tokens in, 2 out, 0.1 from the cache
BOOK = PriceBook(
    "2026-11-21",
    "a test",
    {
        "deepseek": {
            "deepseek-chat": Price(input=USD, output=2 * USD, cache_read=USD // 10),
            "search": Price(input=USD, output=2 * USD, has_fees=True),
        }
    },
)

BUDGET = "usd_per_month: 5000"


def an_exchange(facts: RequestFacts, team: str = "web", audit_id: str = "gh-1") -> Exchange:
    return Exchange(
        id=audit_id,
        wire=WireName.OPENAI_CHAT,
        path="/v1/chat/completions",
        identity=an_identity(team),
        assistant=Assistant(),
        facts=facts,
        turn_id="5e" * 16,
        config_digest="",
        started_unix_ns=0,
        started_ns=0,
    )


class Office:
    """An accountant with a configuration, for requests to model coder."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.counters = StillCounters()
        self.accountant = Accountant(self.counters, BOOK, RecentOutputs())
        self.asked = 0

    def target(self, name: str):
        return next(each for each in self.configuration.models["coder"] if each.name == name)

    async def claimed(self, unit: Unit, facts: RequestFacts) -> int:
        """What a request takes from the team's cap on this unit."""
        reservation = await self.reserve(facts)
        return sum(each.units for each in reservation.hold.claims if each.cap.unit is unit)

    async def ask(self, facts: RequestFacts, team: str = "web") -> Reservation | Refused:
        self.asked += 1
        allow = self.configuration.policy.decide(an_identity(team), facts, NOON)
        assert isinstance(allow, Allow)
        exchange = an_exchange(facts, team, f"gh-{self.asked}")
        return await self.accountant.reserve(exchange, allow, self.configuration)

    async def reserve(self, facts: RequestFacts, team: str = "web") -> Reservation:
        reservation = await self.ask(facts, team)
        assert isinstance(reservation, Reservation)
        return reservation

    def held(self) -> int:
        return self.counters.state("team:web").held_nano_usd

    def spent(self) -> int:
        return self.counters.state("team:web").spent_nano_usd


@pytest.fixture
def office(tmp_path) -> Office:
    return Office(configured(tmp_path))


async def test_money_is_reckoned_at_the_dearest_target_allowed(office):
    await office.reserve(some_facts(input_tokens=300, output_limit=1_000))
    assert office.held() == 300 * 1_000 + 1_000 * 2_000


async def test_a_team_that_may_only_use_the_house_reserves_no_money(office):
    reservation = await office.reserve(some_facts(), "payments")
    assert reservation.hold.claims == ()


async def test_tokens_are_the_input_and_the_expected_answers(office):
    taken = await office.claimed(Unit.TOKENS, some_facts(input_tokens=300, answers=2))
    assert taken == 300 + 2 * 1_024


async def test_what_the_longest_answer_costs_is_known_beforehand(office):
    await office.reserve(some_facts(input_tokens=0, output_limit=10_000))
    at_risk = office.counters.state("team:web").at_risk_nano_usd
    assert at_risk == (10_000 - 4_096) * 2_000


async def test_an_answer_settles_what_it_used_at_the_price_of_the_target_that_answered(office):
    reservation = await office.reserve(some_facts())
    usage = Usage(input_tokens=100, cache_read_tokens=1_000, output_tokens=50)
    cost = office.accountant.settle(reservation, office.target("deepseek/deepseek-chat"), usage)
    assert cost == 100 * 1_000 + 1_000 * 100 + 50 * 2_000
    assert (office.held(), office.spent()) == (0, cost)


async def test_an_answer_of_the_house_costs_nothing(office):
    reservation = await office.reserve(some_facts())
    usage = Usage(input_tokens=100, output_tokens=50)
    assert office.accountant.settle(reservation, office.target("house/qwen3-coder"), usage) == 0
    assert office.spent() == 0


async def test_the_configurations_own_price_comes_first(tmp_path):
    text = GOOD.replace("prices: {}", "prices: { house/qwen3-coder: { input: 3, output: 4 } }")
    office = Office(configured(tmp_path, text))
    reservation = await office.reserve(some_facts())
    usage = Usage(input_tokens=10, output_tokens=10)
    cost = office.accountant.settle(reservation, office.target("house/qwen3-coder"), usage)
    assert cost == 10 * 3_000 + 10 * 4_000


async def test_what_has_begun_is_settled_at_the_prices_it_began_with(tmp_path):
    office = Office(configured(tmp_path))
    reservation = await office.reserve(some_facts())
    dearer = "prices: { deepseek/deepseek-chat: { input: 900, output: 900 } }"
    office.configuration = configured(tmp_path, GOOD.replace("prices: {}", dearer))
    later = await office.reserve(some_facts())
    target, usage = office.target("deepseek/deepseek-chat"), Usage(input_tokens=1)
    assert office.accountant.settle(reservation, target, usage) == 1_000
    assert office.accountant.settle(later, target, usage) == 900_000


async def test_nothing_sent_gives_everything_back(tmp_path):
    text = GOOD.replace("requests_per_minute: 600", "requests_per_minute: 1")
    office = Office(configured(tmp_path, text))
    reservation = await office.reserve(some_facts())
    assert office.accountant.settle(reservation, None, Usage()) == 0
    await office.reserve(some_facts())


async def test_a_failed_attempt_costs_nothing_but_counts_as_a_request(tmp_path):
    text = GOOD.replace("requests_per_minute: 600", "requests_per_minute: 1")
    office = Office(configured(tmp_path, text))
    reservation = await office.reserve(some_facts())
    office.accountant.settle(reservation, office.target("house/qwen3-coder"), Usage())
    assert isinstance(await office.ask(some_facts()), Refused)
    assert (office.held(), office.spent()) == (0, 0)


async def test_settling_twice_spends_once(office):
    reservation = await office.reserve(some_facts())
    target, usage = office.target("deepseek/deepseek-chat"), Usage(input_tokens=100)
    costs = [office.accountant.settle(reservation, target, usage) for _ in range(2)]
    assert costs == [100_000, 100_000]
    assert office.spent() == 100_000


async def test_an_answer_within_what_is_held_holds_no_more(office):
    reservation = await office.reserve(some_facts())
    before = office.held()
    office.accountant.top_up(reservation, office.target("deepseek/deepseek-chat"), 1_024)
    assert office.held() == before


async def test_an_answer_that_outgrows_its_hold_takes_more_in_steps(office):
    reservation = await office.reserve(some_facts())
    before = office.held()
    office.accountant.top_up(reservation, office.target("deepseek/deepseek-chat"), 1_025)
    office.accountant.top_up(reservation, office.target("deepseek/deepseek-chat"), 1_100)
    assert office.held() - before == (1 + 256) * 2_000


async def test_no_more_is_held_than_the_longest_answer_takes(office):
    reservation = await office.reserve(some_facts(output_limit=5_000))
    office.accountant.top_up(reservation, office.target(DEEPSEEK), 50_000)
    assert office.held() == 300 * 1_000 + 5_000 * 2_000
    assert office.counters.state("team:web").at_risk_nano_usd == 0


async def test_the_next_answer_is_expected_to_be_as_long_as_the_last(office):
    target = office.target("deepseek/deepseek-chat")
    first = await office.reserve(some_facts(answers=2))
    office.accountant.settle(first, target, Usage(output_tokens=80))
    assert await office.claimed(Unit.TOKENS, some_facts(input_tokens=0)) == 40


async def test_counting_tokens_costs_a_request_and_nothing_else(office):
    counting = some_facts(operation=Operation.COUNT_TOKENS)
    assert await office.claimed(Unit.TOKENS, counting) == 0
    assert (await office.claimed(Unit.REQUESTS, counting), office.held()) == (1, 0)


async def test_a_request_that_may_cost_more_than_is_left_is_refused(tmp_path):
    office = Office(configured(tmp_path, GOOD.replace(BUDGET, "usd_per_month: 0.001")))
    refused = await office.ask(some_facts(input_tokens=1_000_000))
    assert isinstance(refused, Refused)
    assert office.held() == 0


def test_the_price_book_is_named(office):
    assert office.accountant.price_book == "2026-11-21"


async def test_a_target_whose_price_nobody_knows_is_told_apart_from_a_free_one(tmp_path):
    office = Office(configured(tmp_path, GOOD.replace("/deepseek-chat]", "/unpriced]")))
    reservation = await office.reserve(some_facts())
    unpriced, free = office.target("deepseek/unpriced"), office.target("house/qwen3-coder")
    exchange = an_exchange(some_facts())
    assert not office.accountant.knows_price(reservation, unpriced, exchange)
    assert office.accountant.knows_price(reservation, free, exchange)
    assert office.accountant.settle(reservation, unpriced, Usage(output_tokens=50)) == 0


async def test_a_model_that_takes_fees_is_counted_by_tokens_and_not_told_as_priced(tmp_path):
    office = Office(configured(tmp_path, GOOD.replace("/deepseek-chat]", "/search]")))
    reservation = await office.reserve(some_facts())
    searching = office.target("deepseek/search")
    assert not office.accountant.knows_price(reservation, searching, an_exchange(some_facts()))
    assert office.accountant.settle(reservation, searching, Usage(output_tokens=50)) == 100_000


@pytest.mark.parametrize(
    ("tier", "tools", "is_known"),
    [
        (None, {}, True),
        ("default", {"web_fetch": 1}, True),
        ("flex", {}, False),
        ("default", {"web_search": 1}, False),
    ],
)
async def test_a_price_is_known_where_tokens_are_all_that_costs(office, tier, tools, is_known):
    reservation = await office.reserve(some_facts())
    exchange = an_exchange(some_facts())
    exchange.service_tier, exchange.vendor_tools = tier, tools
    vendor, house = office.target("deepseek/deepseek-chat"), office.target("house/qwen3-coder")
    assert office.accountant.knows_price(reservation, vendor, exchange) is is_known
    assert office.accountant.knows_price(reservation, house, exchange)


DEEPSEEK = "deepseek/deepseek-chat"


class NobodyAsks(StillCounters):
    """Counters in a store that is away: it would be found out by whoever asks."""

    async def reserve(self, exchange_id, claims, targets):
        raise AssertionError("nothing is counted here")


VENDOR_RULES = """\
rules:
  - id: few-dollars
    effect: cap
    match: { vendors: [deepseek] }
    cap: { per: [user, vendor], usd_per_day: 0.01, requests_per_day: 5 }
"""


def with_rules(folder, rules: str) -> Office:
    write(folder, rules, "rules.yaml")
    return Office(configured(folder, GOOD + "policy: [rules.yaml]\n"))


def states(office: Office) -> dict[str, int]:
    return {
        f"{each.account} {each.unit}": each.used
        for each in office.counters.states_now()
        if "rule" in each.account
    }


async def test_a_vendor_whose_cap_is_used_up_is_left_out_and_the_others_stay(tmp_path):
    office = with_rules(tmp_path, VENDOR_RULES)
    spent = await office.reserve(some_facts())
    usage = Usage(output_tokens=4_900)
    office.accountant.settle(spent, office.target(DEEPSEEK), usage)
    reservation = await office.reserve(some_facts())
    assert reservation.allow.targets == ("house/qwen3-coder",)
    assert reservation.allow.warnings == (
        "deepseek/deepseek-chat left out: user ada, vendor deepseek (rule few-dollars) has used up "
        "its $0.01 today; it resets on 2026-11-22 00:00 UTC",
    )


async def test_where_no_cap_counts_what_may_be_tried_nobody_is_asked(tmp_path):
    office = with_rules(tmp_path, VENDOR_RULES)
    allow = office.configuration.policy.decide(an_identity(), some_facts(), NOON)
    assert isinstance(allow, Allow)
    of_the_vendor = tuple(each for each in allow.caps if each.targets)
    in_house = replace(allow, targets=("house/qwen3-coder",), caps=of_the_vendor)
    exchange = an_exchange(some_facts())
    reservation = await Accountant(NobodyAsks(), BOOK, RecentOutputs()).reserve(
        exchange, in_house, office.configuration
    )
    assert isinstance(reservation, Reservation)
    assert (reservation.hold, reservation.allow) == (NOTHING_HELD, in_house)


async def test_only_the_vendor_that_answered_is_charged(tmp_path):
    office = with_rules(tmp_path, VENDOR_RULES)
    usage = Usage(output_tokens=50)
    by_the_house = await office.reserve(some_facts())
    office.accountant.settle(by_the_house, office.target("house/qwen3-coder"), usage)
    assert set(states(office).values()) == {0}
    by_the_vendor = await office.reserve(some_facts())
    office.accountant.settle(by_the_vendor, office.target(DEEPSEEK), usage)
    account = "user:ada vendor:deepseek (rule few-dollars)"
    assert states(office) == {f"{account} nano_usd": 100_000, f"{account} requests": 1}


async def test_a_strict_cap_has_the_longest_answer_reserved(tmp_path):
    strict = GOOD.replace(BUDGET, "usd_per_month: 5000, strict: true")
    office = Office(configured(tmp_path, strict))
    await office.reserve(some_facts(input_tokens=300, output_limit=10_000))
    assert office.held() == 300 * 1_000 + 10_000 * 2_000
    assert office.counters.state("team:web").at_risk_nano_usd == 0


async def test_when_four_fifths_of_a_budget_are_used_the_caller_is_told(tmp_path):
    office = Office(configured(tmp_path, GOOD.replace(BUDGET, "usd_per_month: 0.01")))
    reservation = await office.reserve(some_facts(input_tokens=0, output_limit=4_000))
    assert reservation.allow.warnings == (
        "team web has used more than 80 % of its $0.01 this month; "
        "it resets on 2026-12-01 00:00 UTC",
    )


async def test_an_answer_of_a_team_without_caps_is_never_topped_up(office):
    reservation = await office.reserve(some_facts(), "payments")
    office.accountant.top_up(reservation, office.target("house/qwen3-coder"), 10**9)
    assert reservation.output_tokens > 10**9


async def test_what_an_attempt_is_expected_to_use_is_told_for_its_own_target(tmp_path):
    office = with_rules(tmp_path, VENDOR_RULES)
    reservation = await office.reserve(some_facts(input_tokens=300, output_limit=1_000))
    assert reservation.is_charged
    account = "user:ada vendor:deepseek (rule few-dollars)"
    assert office.accountant.expected(reservation, office.target(DEEPSEEK)) == Expected(
        300, 1_000, 300 * 1_000 + 1_000 * 2_000, (account,)
    )
    by_the_house = office.accountant.expected(reservation, office.target("house/qwen3-coder"))
    assert by_the_house == Expected(300, 1_000, 0)


async def test_nothing_is_expected_where_no_cap_outlives_the_process(office):
    assert not (await office.reserve(some_facts(), "payments")).is_charged
