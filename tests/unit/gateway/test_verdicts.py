"""A verdict holds for its turn, model and configuration, for ten minutes, within bounded memory."""

import asyncio

import pytest
from msgspec.structs import replace

from gateway.errors import LedgerUnavailable
from gateway.exchange import Exchange
from gateway.verdicts import LIFE_NS, PORTION, InProcessVerdicts, Verdict
from policy.types import Deny, Operation
from tests.fakes.ledger import an_exchange

DENY = Deny("model_access", "not for this team", "GET /v1/models lists yours")


class Shelf:
    """Verdicts under a clock that stands still until it is moved, and what ended of them."""

    def __init__(self, **limits: int) -> None:
        self.now_ns = 0
        self.ended: list[Verdict] = []
        self.unwritten = 0
        self.most_unwritten = 0
        self.verdicts = InProcessVerdicts(lambda: self.now_ns, self._write, **limits)

    def _write(self, verdict: Verdict) -> asyncio.Future[None]:
        """Written in the next turn of the loop."""
        self.ended.append(verdict)
        loop = asyncio.get_running_loop()
        written = loop.create_future()
        self.unwritten += 1
        self.most_unwritten = max(self.most_unwritten, self.unwritten)
        loop.call_soon(self._written, written)
        return written

    def _written(self, written: asyncio.Future[None]) -> None:
        self.unwritten -= 1
        written.set_result(None)

    def hold(self, exchange: Exchange, deny: Deny = DENY, *, is_recorded: bool = True) -> None:
        recorded = asyncio.get_running_loop().create_future()
        if is_recorded:
            recorded.set_result(None)
        self.verdicts.hold(exchange, deny, recorded)

    def ask_again(self, exchange: Exchange) -> Verdict | None:
        verdict = self.verdicts.find(exchange)
        if verdict is not None:
            self.verdicts.count(verdict)
        return verdict


@pytest.fixture
async def shelf() -> Shelf:
    return Shelf()


def a_try(turn: str = "5e" * 16, exchange_id: str = "gh-1") -> Exchange:
    exchange = an_exchange(exchange_id)
    exchange.turn_id = turn
    return exchange


async def test_a_turn_that_was_denied_is_known_again(shelf):
    shelf.hold(a_try(exchange_id="gh-1"))
    verdict = shelf.verdicts.find(a_try(exchange_id="gh-2"))
    assert verdict is not None
    assert (verdict.audit_id, verdict.deny) == ("gh-1", DENY)


async def test_another_turn_is_not(shelf):
    shelf.hold(a_try())
    assert shelf.verdicts.find(a_try("00" * 16)) is None


@pytest.mark.parametrize("changed", [{"name": "claude-code"}, {"version": "2.1.329"}])
async def test_the_same_words_of_an_upgraded_or_another_assistant_are_decided_anew(shelf, changed):
    shelf.hold(a_try())
    other = a_try()
    other.assistant = replace(other.assistant, **changed)
    assert shelf.verdicts.find(other) is None
    assert shelf.verdicts.find(a_try()) is not None


async def test_the_same_words_to_another_model_are_decided_anew(shelf):
    shelf.hold(a_try())
    other = a_try()
    other.facts = replace(other.facts, model="small")
    assert shelf.verdicts.find(other) is None


@pytest.mark.parametrize(
    "changed", [{"team": "payments"}, {"roles": frozenset({"developer", "security"})}]
)
async def test_the_same_words_for_another_team_or_with_another_role_are_decided_anew(
    shelf, changed
):
    """Who signs in may ask for several teams, and is given roles, under one and the same token."""
    shelf.hold(a_try())
    asked = a_try()
    asked.identity = replace(asked.identity, **changed)
    assert shelf.ask_again(asked) is None
    assert shelf.ask_again(a_try()) is not None


async def test_a_count_and_an_answer_are_decided_apart(shelf):
    shelf.hold(a_try())
    count = a_try()
    count.facts = replace(count.facts, operation=Operation.COUNT_TOKENS)
    assert shelf.verdicts.find(count) is None


async def test_another_configuration_decides_anew(shelf):
    shelf.hold(a_try())
    later = a_try()
    later.config_digest = "cd" * 32
    assert shelf.verdicts.find(later) is None


async def test_a_verdict_lives_ten_minutes_and_not_a_moment_longer(shelf):
    shelf.hold(a_try())
    shelf.now_ns = LIFE_NS - 1
    assert shelf.verdicts.find(a_try()) is not None
    shelf.now_ns = LIFE_NS
    assert shelf.verdicts.find(a_try()) is None


async def test_asking_again_does_not_prolong_it(shelf):
    shelf.hold(a_try())
    shelf.now_ns = LIFE_NS - 1
    shelf.ask_again(a_try())
    shelf.now_ns = LIFE_NS
    assert shelf.verdicts.find(a_try()) is None


async def test_a_lapsed_verdict_that_was_given_again_is_told_with_its_count(shelf):
    shelf.hold(a_try())
    shelf.ask_again(a_try())
    shelf.ask_again(a_try())
    shelf.now_ns = LIFE_NS - 1
    shelf.verdicts.sweep()
    assert shelf.ended == []
    shelf.now_ns = LIFE_NS
    shelf.verdicts.sweep()
    assert [each.repeats for each in shelf.ended] == [2]
    assert len(shelf.verdicts) == 0


async def test_one_that_was_never_given_again_ends_in_silence(shelf):
    shelf.hold(a_try())
    shelf.now_ns = LIFE_NS
    shelf.verdicts.sweep()
    assert (len(shelf.verdicts), shelf.ended) == (0, [])


async def test_sweeping_leaves_the_younger_ones(shelf):
    shelf.hold(a_try("00" * 16))
    shelf.now_ns = 1
    shelf.hold(a_try("11" * 16))
    shelf.now_ns = LIFE_NS
    shelf.verdicts.sweep()
    assert shelf.verdicts.find(a_try("11" * 16)) is not None
    assert len(shelf.verdicts) == 1


async def test_a_turn_that_is_denied_anew_begins_a_new_count(shelf):
    shelf.hold(a_try(exchange_id="gh-1"))
    shelf.ask_again(a_try())
    shelf.hold(a_try(exchange_id="gh-2"))
    assert [(each.audit_id, each.repeats) for each in shelf.ended] == [("gh-1", 1)]
    verdict = shelf.verdicts.find(a_try())
    assert verdict is not None
    assert (verdict.audit_id, verdict.repeats) == ("gh-2", 0)


async def test_beyond_the_most_verdicts_the_oldest_ends_and_its_count_is_told():
    shelf = Shelf(most_verdicts=2)
    for turn in ("00" * 16, "11" * 16):
        shelf.hold(a_try(turn))
    shelf.ask_again(a_try("00" * 16))
    shelf.hold(a_try("22" * 16))
    assert shelf.verdicts.find(a_try("00" * 16)) is None
    assert shelf.verdicts.find(a_try("11" * 16)) is not None
    assert [each.turn_id for each in shelf.ended] == ["00" * 16]


async def test_beyond_the_most_text_the_oldest_end_until_it_fits():
    shelf = Shelf(most_text=100)
    shelf.hold(a_try("00" * 16), Deny("r", "x" * 40))
    shelf.hold(a_try("11" * 16), Deny("r", "x" * 30, "y" * 30))
    shelf.hold(a_try("22" * 16), Deny("r", "x" * 40))
    assert shelf.verdicts.find(a_try("00" * 16)) is None
    assert len(shelf.verdicts) == 2


async def test_one_too_long_for_any_memory_is_not_held():
    shelf = Shelf(most_text=10)
    shelf.hold(a_try(), Deny("r", "x" * 11))
    assert shelf.verdicts.find(a_try()) is None


async def test_a_denial_that_is_being_recorded_is_a_verdict_already(shelf):
    shelf.hold(a_try(), is_recorded=False)
    assert shelf.verdicts.find(a_try()) is not None


async def test_a_denial_that_no_device_took_is_none(shelf):
    recorded = asyncio.get_running_loop().create_future()
    shelf.verdicts.hold(a_try(), DENY, recorded)
    recorded.set_exception(LedgerUnavailable("the disk is full"))
    assert shelf.verdicts.find(a_try()) is None


async def test_when_it_stops_every_count_is_told(shelf):
    shelf.verdicts.start()
    shelf.hold(a_try("00" * 16))
    shelf.hold(a_try("11" * 16))
    shelf.ask_again(a_try("11" * 16))
    await shelf.verdicts.stop()
    assert [each.turn_id for each in shelf.ended] == ["11" * 16]
    assert len(shelf.verdicts) == 0


async def many_asked_again(shelf: Shelf) -> None:
    for number in range(3 * PORTION):
        turn = f"{number:032x}"
        shelf.hold(a_try(turn))
        shelf.ask_again(a_try(turn))


async def test_many_that_lapse_together_do_not_crowd_out_what_requests_write(shelf):
    await many_asked_again(shelf)
    shelf.now_ns = LIFE_NS
    assert [shelf.verdicts.sweep() for _ in range(4)] == [True, True, True, False]
    assert len(shelf.ended) == 3 * PORTION


async def test_nor_do_those_that_end_when_it_stops(shelf):
    await many_asked_again(shelf)
    await shelf.verdicts.stop()
    assert len(shelf.ended) == 3 * PORTION
    assert shelf.most_unwritten == PORTION


async def test_once_policy_may_be_another_a_denied_turn_is_decided_anew(shelf):
    shelf.hold(a_try())
    assert shelf.ask_again(a_try()) is not None
    shelf.verdicts.begin_anew()
    assert shelf.ask_again(a_try()) is None
    shelf.hold(a_try())
    assert shelf.ask_again(a_try()) is not None


async def test_what_was_counted_before_policy_became_another_is_written(shelf):
    shelf.hold(a_try())
    shelf.ask_again(a_try())
    shelf.verdicts.begin_anew()
    shelf.now_ns = LIFE_NS
    shelf.verdicts.sweep()
    assert [each.repeats for each in shelf.ended] == [1]


def turn_away(shelf: Shelf, cause: str = "revoked") -> None:
    recorded = asyncio.get_running_loop().create_future()
    recorded.set_result(None)
    identity = a_try().identity
    shelf.verdicts.hold_turned_away("gh-1", identity, cause, DENY, recorded)


async def test_a_caller_who_was_turned_away_is_known_again_for_the_same_cause_only(shelf):
    turn_away(shelf)
    identity = a_try().identity
    verdict = shelf.verdicts.find_turned_away(identity, "revoked")
    assert verdict is not None
    assert (verdict.audit_id, verdict.turn_id) == ("gh-1", None)
    assert shelf.verdicts.find_turned_away(identity, "expired") is None
    assert shelf.verdicts.find_turned_away(replace(identity, credential_id="k"), "revoked") is None
    assert shelf.verdicts.find(a_try()) is None


async def test_a_new_policy_does_not_forget_who_was_turned_away(shelf):
    turn_away(shelf)
    shelf.verdicts.begin_anew()
    assert shelf.verdicts.find_turned_away(a_try().identity, "revoked") is not None


async def test_after_ten_minutes_a_caller_who_went_on_is_told_with_the_count(shelf):
    turn_away(shelf)
    verdict = shelf.verdicts.find_turned_away(a_try().identity, "revoked")
    assert verdict is not None
    shelf.verdicts.count(verdict)
    shelf.now_ns = LIFE_NS
    assert shelf.verdicts.find_turned_away(a_try().identity, "revoked") is None
    shelf.verdicts.sweep()
    assert [(each.audit_id, each.repeats) for each in shelf.ended] == [("gh-1", 1)]
