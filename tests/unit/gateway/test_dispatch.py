"""Targets are tried in turn, each recorded before its first byte, none after the first answer."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.bookkeeping import Books
from gateway.dispatch import Dispatch, failure_of, rejection_of
from gateway.drain import Drains
from gateway.errors import LedgerUnavailable
from gateway.reply import StreamedReply, WholeReply
from providers.base import Target
from providers.errors import (
    ProviderBusy,
    ProviderCredentials,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    ReplyCut,
    UnsupportedFeature,
)
from tests.fakes.hot_road import (
    DONE,
    ROLE,
    STOP,
    USAGE,
    Office,
    ScriptedSender,
    Upstream,
    an_inbound,
    billing,
    says,
)
from tests.fakes.ledger import a_target
from tests.fakes.waiting import until

FIRST, SECOND = a_target("house/one"), a_target("annex/two")


class Desk:
    """A dispatch whose vendors do what the test says."""

    def __init__(self, *answers: Upstream | ProviderError) -> None:
        self.office = Office()
        self.sender = ScriptedSender(*answers)
        self.drains = Drains()
        self.dispatch = Dispatch(self.sender, self.sender, self.sender, self.drains)
        self.books: Books

    async def answer(self, targets: Sequence[Target]) -> WholeReply | StreamedReply:
        self.books = await self.office.open()
        return await self.dispatch.first_answer(targets, an_inbound(), self.books)


async def test_the_first_target_that_answers_is_the_last_one_tried() -> None:
    desk = Desk(Upstream(ROLE, says("a")))
    reply = await desk.answer([FIRST, SECOND])
    assert reply.target_name == "house/one"
    assert [call.target.name for call in desk.sender.calls] == ["house/one"]


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ProviderBusy("x"), "busy"),
        (ProviderCredentials("x"), "credentials"),
        (ProviderUnavailable("x"), "unavailable"),
        (ProviderTimeout("x"), "timeout"),
        (ReplyCut("x"), "cut"),
        (UnsupportedFeature("x"), "unsupported"),
    ],
)
async def test_the_next_target_is_tried_for_what_the_next_may_do_better(
    error: ProviderError, word: str
) -> None:
    desk = Desk(error, Upstream(says("a")))
    reply = await desk.answer([FIRST, SECOND])
    assert reply.target_name == "annex/two"
    reasons = [each.route_reason for each in desk.books.exchange.attempts]
    assert reasons == ["primary", f"fallback:{word}"]
    assert desk.books.exchange.attempts[0].error == word


async def test_a_refused_request_is_not_tried_elsewhere() -> None:
    desk = Desk(ProviderRejected(400, (), b"{}", same_protocol=True))
    with pytest.raises(ProviderRejected):
        await desk.answer([FIRST, SECOND])
    assert len(desk.sender.calls) == 1


async def test_the_last_failure_is_the_one_that_is_told() -> None:
    desk = Desk(ProviderBusy("first"), ProviderTimeout("second"))
    with pytest.raises(ProviderTimeout, match="second"):
        await desk.answer([FIRST, SECOND])


async def test_no_target_is_a_failure_too() -> None:
    with pytest.raises(ProviderUnavailable):
        await Desk().answer([])


async def test_an_attempt_is_durable_before_anything_leaves() -> None:
    desk = Desk(Upstream(says("a")))
    desk.office.ledger.waits()
    asking = asyncio.create_task(desk.answer([FIRST]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert desk.office.ledger.kinds() == ["admitted", "attempted"]
    assert desk.sender.calls == []
    desk.office.ledger.writes()
    await asking
    assert len(desk.sender.calls) == 1


async def test_without_a_ledger_nothing_leaves() -> None:
    desk = Desk(Upstream(says("a")))
    desk.office.ledger.refuses = True
    with pytest.raises(LedgerUnavailable):
        await desk.answer([FIRST, SECOND])
    assert desk.sender.calls == []


async def test_a_stream_given_up_is_hung_up() -> None:
    silent = Upstream(ROLE)
    desk = Desk(silent, Upstream(says("a")))
    await desk.answer([FIRST, SECOND])
    assert silent.closed == 1


async def test_a_client_that_leaves_while_a_stream_opens_hangs_it_up() -> None:
    lingering = Upstream(ROLE, lingers=True)
    desk = Desk(lingering)
    asking = asyncio.create_task(desk.answer([FIRST]))
    await until(lambda: not lingering.left)
    asking.cancel()
    await asyncio.wait([asking])
    assert lingering.closed == 1


async def test_an_attempt_that_is_billed_anyway_outlives_its_client() -> None:
    desk = Desk(Upstream(says("a"), STOP, USAGE, DONE))
    desk.sender.gate = asyncio.Event()
    asking = asyncio.create_task(desk.answer([billing(FIRST)]))
    await until(lambda: desk.sender.calls)
    desk.office.has_left = True
    asking.cancel()
    await asyncio.wait([asking])
    assert len(desk.drains) == 1
    desk.sender.gate.set()
    await until(lambda: not len(desk.drains))
    assert desk.office.end()["usage_source"] == "vendor"


async def test_a_shutdown_ends_also_what_is_billed_anyway() -> None:
    desk = Desk(Upstream(says("a")))
    desk.sender.gate = asyncio.Event()
    asking = asyncio.create_task(desk.answer([billing(FIRST)]))
    await until(lambda: desk.sender.calls)
    asking.cancel()
    await asyncio.wait([asking])
    assert len(desk.drains) == 0


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ProviderBusy("x"), 429, "upstream_busy"),
        (ProviderTimeout("x"), 504, "upstream_timeout"),
        (ProviderCredentials("x"), 502, "upstream_credentials"),
        (ProviderUnavailable("x"), 502, "upstream_failed"),
        (ReplyCut("x"), 502, "upstream_failed"),
        (UnsupportedFeature("x"), 400, "unsupported_feature"),
        (ProviderRejected(422, (), b"", same_protocol=False), 422, "upstream_rejected"),
    ],
)
def test_a_failure_has_a_status_of_the_gateways_own(
    error: ProviderError, status: int, code: str
) -> None:
    failure = failure_of(error)
    assert (failure.status, failure.code) == (status, code)


def test_our_own_bad_credentials_are_never_the_callers() -> None:
    error = ProviderCredentials("the key sk-1 is wrong", target="house/one")
    error.status = 401
    failure = failure_of(error)
    assert failure.status == 502
    assert "sk-1" not in failure.message


def test_a_busy_vendors_wish_is_rounded_up() -> None:
    assert failure_of(ProviderBusy("x", retry_after_seconds=6.2)).retry_after_seconds == 7
    assert failure_of(ProviderBusy("x")).retry_after_seconds == 5


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"error":7}', b'{"error":{}}'])
def test_a_refusal_without_words_says_that_there_were_none(body: bytes) -> None:
    error = ProviderRejected(400, (), body, same_protocol=False, target="house/one")
    assert failure_of(error).message == "house/one refused the request: no reason given"


def test_a_refusal_in_the_callers_protocol_is_passed_on() -> None:
    passed_on = rejection_of(ProviderRejected(400, (), b'{"error":1}', same_protocol=True))
    assert passed_on is not None
    assert (passed_on.status, passed_on.body) == (400, b'{"error":1}')


def test_a_refusal_in_another_protocol_is_not() -> None:
    assert rejection_of(ProviderRejected(400, (), b"{}", same_protocol=False)) is None
