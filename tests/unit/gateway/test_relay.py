"""Bytes on, the end held back; the books closed exactly once, also when nothing was ever read."""

import asyncio

import pytest

from gateway.bookkeeping import Books
from gateway.drain import Drains
from gateway.errors import LedgerUnavailable
from gateway.relay import (
    HELD_LIMIT_BYTES,
    StreamRelay,
    header_text,
    relay_stream,
    relay_whole,
    reply_headers,
)
from gateway.reply import StreamedReply, WholeReply
from providers.errors import ReplyCut
from tests.fakes.hot_road import (
    BODY,
    CHAT,
    DONE,
    ROLE,
    STOP,
    USAGE,
    Office,
    Upstream,
    billing,
    gathered,
    joined,
    says,
)
from tests.fakes.ledger import a_target
from tests.fakes.waiting import until


class Road:
    """One stream before its relay."""

    def __init__(self, office: Office, books: Books, upstream: Upstream) -> None:
        self.office = office
        self.books = books
        self.upstream = upstream
        self.drains = Drains()
        observer = CHAT.observer(CHAT.read(BODY).facts, asked_for_usage=True)
        books.observe(observer.facts)
        self.reply = StreamedReply("house/qwen3-coder", ("seed",), upstream, observer)
        self.relay = StreamRelay(self.reply, CHAT, books, self.drains)

    async def all(self) -> bytes:
        await self.reply.open()
        try:
            return joined(await gathered(self.relay))
        finally:
            await self.relay.aclose()


async def a_road(upstream: Upstream, *, bills: bool = False) -> Road:
    office = Office()
    target = billing(a_target()) if bills else a_target()
    return Road(office, await office.begun(target), upstream)


async def test_a_stream_passes_but_for_the_usage_chunk_that_only_we_asked_for() -> None:
    road = await a_road(Upstream(ROLE, says("a"), says("b"), STOP, USAGE, DONE))
    assert await road.all() == ROLE + says("a") + says("b") + STOP + DONE
    end = road.office.end()
    assert (end["outcome"], end["usage_source"]) == ("complete", "vendor")
    assert road.upstream.closed == 1
    assert road.office.running() == 0


async def test_the_end_waits_until_it_is_recorded() -> None:
    road = await a_road(Upstream(ROLE, says("a"), STOP, DONE))
    await road.reply.open()
    pieces = aiter(road.relay)
    assert await anext(pieces) == ROLE + says("a")
    road.office.ledger.waits()
    ending = asyncio.ensure_future(anext(pieces))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not ending.done()
    assert road.office.ledger.kinds()[-1] == "completed"
    road.office.ledger.writes()
    assert await ending == STOP + DONE
    await road.relay.aclose()


async def test_an_end_that_cannot_be_recorded_is_withheld() -> None:
    road = await a_road(Upstream(ROLE, says("a"), STOP, DONE))
    road.office.ledger.refuses = True
    seen = await road.all()
    assert b"finish_reason" not in seen
    assert b"audit_unavailable" in seen
    assert road.office.running() == 0


async def test_a_relay_that_was_never_read_closes_its_books_and_hangs_up() -> None:
    road = await a_road(Upstream(ROLE, says("a")))
    road.office.has_left = True
    await road.relay.aclose()
    await road.relay.aclose()
    assert road.office.end()["outcome"] == "client_left"
    assert road.upstream.closed >= 1
    assert road.office.running() == 0


async def test_a_relay_left_in_the_middle_closes_its_books_and_hangs_up() -> None:
    road = await a_road(Upstream(ROLE, says("a"), says("b"), lingers=True))
    await road.reply.open()
    await anext(aiter(road.relay))
    road.office.has_left = True
    await road.relay.aclose()
    end = road.office.end()
    assert (end["outcome"], end["usage_source"]) == ("client_left", "counted")
    assert road.upstream.closed == 1


async def test_a_shutdown_in_the_middle_is_a_cut() -> None:
    road = await a_road(Upstream(ROLE, says("a"), lingers=True))
    await road.reply.open()
    await anext(aiter(road.relay))
    await road.relay.aclose()
    assert (road.office.end()["outcome"], road.office.end()["error"]) == ("cut", "shutting_down")


async def test_a_break_is_told_in_the_stream() -> None:
    road = await a_road(Upstream(ROLE, says("a"), ReplyCut("the line went dead")))
    seen = await road.all()
    assert seen.startswith(ROLE + says("a") + b'data: {"error":')
    assert b"the line went dead" in seen
    assert seen.endswith(DONE)
    assert road.office.end()["outcome"] == "cut"


async def test_words_after_the_stop_reason_are_held_with_it() -> None:
    road = await a_road(Upstream(ROLE, says("a"), STOP, says("late"), ReplyCut("gone")))
    seen = await road.all()
    assert seen == ROLE + says("a") + STOP + says("late") + DONE
    assert road.office.end()["outcome"] == "complete"


async def test_a_flood_after_the_stop_reason_is_not_held_for_ever() -> None:
    flood = [b": " + b"x" * 100_000 + b"\n\n"] * 100
    road = await a_road(Upstream(ROLE, says("a"), STOP, *flood))
    seen = await road.all()
    assert seen.endswith(DONE)
    assert len(seen) < 2 * HELD_LIMIT_BYTES
    assert road.upstream.left


async def test_what_is_held_grows_with_the_answer() -> None:
    road = await a_road(Upstream(ROLE, *[says("word " * 400)] * 5, lingers=True))
    await road.reply.open()
    pieces = aiter(road.relay)
    for _ in range(5):
        await anext(pieces)
    assert road.books._reservation.output_tokens > 1_000
    await road.relay.aclose()


async def test_an_answer_billed_anyway_is_drained_before_its_books_are_closed() -> None:
    upstream = Upstream(ROLE, says("a"), STOP, USAGE, DONE)
    road = await a_road(upstream, bills=True)
    await road.reply.open()
    await anext(aiter(road.relay))
    road.office.has_left = True
    await road.relay.aclose()
    assert len(road.drains) == 1
    assert road.office.ledger.kinds()[-1] == "attempted"
    await until(lambda: not len(road.drains))
    end = road.office.end()
    assert (end["outcome"], end["usage_source"]) == ("client_left", "vendor")
    assert upstream.closed == 1


async def test_the_caller_learns_who_answered_and_what_was_dropped() -> None:
    road = await a_road(Upstream())
    outbound = relay_stream(road.reply, CHAT, road.books, road.drains)
    assert outbound.headers == (
        (b"x-gatehouse-target", b"house/qwen3-coder"),
        (b"x-gatehouse-dropped", b"seed"),
    )
    await road.relay.aclose()


async def test_the_caller_learns_what_policy_warns_of() -> None:
    road = await a_road(Upstream())
    headers = reply_headers(road.reply, ("it leaves in July", "b", "c", "d", "e"))
    assert headers[2:] == tuple(
        (b"x-gatehouse-warning", each) for each in (b"it leaves in July", b"b", b"c", b"d")
    )
    await road.relay.aclose()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100% sure", b"100%25 sure"),
        ("sch\u00f6n", b"sch%C3%B6n"),
        ("a\r\nx-evil: 1", b"a%0D%0Ax-evil: 1"),
        ("x" * 1000, b"x" * 300),
    ],
)
def test_a_warning_is_a_safe_header(text: str, value: bytes) -> None:
    assert header_text(text) == value


async def test_a_whole_answer_is_released_once_it_is_recorded() -> None:
    office = Office()
    books = await office.begun()
    observer = CHAT.observer(CHAT.read(BODY).facts, asked_for_usage=False)
    reply = WholeReply("house/qwen3-coder", (), Upstream(), observer)
    office.ledger.waits()
    relaying = asyncio.ensure_future(relay_whole(b"{}", reply, books))
    await asyncio.sleep(0)
    assert not relaying.done()
    office.ledger.writes()
    assert (await relaying).body == b"{}"


async def test_a_whole_answer_that_cannot_be_recorded_is_withheld() -> None:
    office = Office()
    books = await office.begun()
    observer = CHAT.observer(CHAT.read(BODY).facts, asked_for_usage=False)
    office.ledger.refuses = True
    with pytest.raises(LedgerUnavailable):
        await relay_whole(b"{}", WholeReply("t", (), Upstream(), observer), books)
