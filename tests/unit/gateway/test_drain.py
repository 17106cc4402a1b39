"""Answers nobody waits for are read on within bounds, and their books always close."""

import asyncio

from gateway.bookkeeping import Books
from gateway.drain import Drains
from gateway.reply import StreamedReply
from providers.errors import ProviderUnavailable, ReplyCut
from tests.fakes.hot_road import BODY, CHAT, DONE, ROLE, STOP, USAGE, Office, Upstream, says
from tests.fakes.waiting import until


async def begun(upstream: Upstream) -> tuple[Office, Books, StreamedReply]:
    office = Office()
    books = await office.begun()
    observer = CHAT.observer(CHAT.read(BODY).facts, asked_for_usage=True)
    books.observe(observer.facts)
    return office, books, StreamedReply("house/qwen3-coder", (), upstream, observer)


async def until_empty(drains: Drains) -> None:
    await until(lambda: not len(drains))


async def test_a_stream_is_read_to_its_end_and_billed_as_the_vendor_says() -> None:
    upstream = Upstream(ROLE, says("a"), STOP, USAGE, DONE)
    office, books, reply = await begun(upstream)
    drains = Drains()
    drains.adopt_stream(reply, books)
    await until_empty(drains)
    assert office.end()["usage_source"] == "vendor"
    assert office.end()["outcome"] == "client_left"
    assert upstream.closed == 1
    assert office.running() == 0


async def test_until_then_the_books_stay_open() -> None:
    office, books, reply = await begun(Upstream(says("a"), lingers=True))
    drains = Drains()
    drains.adopt_stream(reply, books)
    books.close_interrupted()
    assert "completed" not in office.ledger.kinds()
    assert office.running() == 1
    await drains.end()
    assert office.running() == 0


async def test_a_drain_that_takes_too_long_is_billed_by_what_was_seen() -> None:
    upstream = Upstream(says("word"), lingers=True)
    office, books, reply = await begun(upstream)
    drains = Drains(seconds=0.01)
    drains.adopt_stream(reply, books)
    await until_empty(drains)
    assert office.end()["usage_source"] == "counted"
    assert upstream.closed == 1


async def test_a_drain_that_grows_too_large_is_given_up() -> None:
    upstream = Upstream(*[says("x" * 1000)] * 100)
    office, books, reply = await begun(upstream)
    drains = Drains(limit_bytes=10_000)
    drains.adopt_stream(reply, books)
    await until_empty(drains)
    assert len(upstream.left) > 80
    assert office.end()["outcome"] == "client_left"


async def test_a_stream_that_breaks_while_it_is_drained_closes_its_books() -> None:
    office, books, reply = await begun(Upstream(says("a"), ReplyCut("gone")))
    drains = Drains()
    drains.adopt_stream(reply, books)
    await until_empty(drains)
    assert office.end()["usage_source"] == "counted"


async def test_a_drain_ended_before_it_began_closes_its_books() -> None:
    office, books, reply = await begun(Upstream(lingers=True))
    drains = Drains()
    drains.adopt_stream(reply, books)
    await drains.end()
    assert office.end()["outcome"] == "client_left"
    assert len(drains) == 0


async def test_an_attempt_under_way_is_awaited_and_its_stream_read() -> None:
    upstream = Upstream(says("a"), STOP, USAGE, DONE)
    office, books, reply = await begun(upstream)
    gate = asyncio.Event()

    async def answer() -> StreamedReply:
        await gate.wait()
        return reply

    drains = Drains()
    drains.adopt_attempt(asyncio.create_task(answer()), books)
    await asyncio.sleep(0)
    assert "completed" not in office.ledger.kinds()
    gate.set()
    await until_empty(drains)
    assert office.end()["usage_source"] == "vendor"


async def test_an_attempt_that_fails_closes_its_books() -> None:
    office, books, _ = await begun(Upstream())

    async def answer() -> StreamedReply:
        raise ProviderUnavailable("nobody there")

    drains = Drains()
    drains.adopt_attempt(asyncio.create_task(answer()), books)
    await until_empty(drains)
    assert office.end()["outcome"] == "client_left"
    assert office.end()["usage_source"] == "none"
