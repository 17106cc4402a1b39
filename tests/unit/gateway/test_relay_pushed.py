"""A stream that is pushed through says what one that is read says: bytes, order, end and books."""

import asyncio
from collections.abc import Sequence
from itertools import chain, pairwise, repeat

from hypothesis import given
from hypothesis import strategies as st

from gateway.drain import Drains
from gateway.relay import StreamRelay
from gateway.reply import StreamedReply
from providers.base import ByteStream
from providers.errors import ReplyCut
from providers.http.reply import ReplyBody
from tests.fakes.hot_road import (
    BODY,
    CHAT,
    DONE,
    ROLE,
    STOP,
    USAGE,
    Office,
    Upstream,
    gathered,
    joined,
    says,
)
from tests.fakes.ledger import a_target

OPENING = ROLE + says("a")
WORDS = says("b") + says("c") + says("d")
ERROR = b'data: {"error":{"message":"out of memory"}}\n\n'
ENDINGS = (STOP + USAGE + DONE, STOP + DONE, STOP, USAGE, ERROR + DONE, says("half")[:20], b"")


class Line:
    """The connection below a reply; nobody looks at it here."""

    def resume(self) -> None:
        pass

    def abort(self) -> None:
        pass


class Road:
    """One stream under way. `takes` is what `write_now` takes; from then on, everything."""

    def __init__(self, body: ByteStream, takes: Sequence[bool] = ()) -> None:
        self.office = Office()
        self.body = body
        self.pushed: list[bytes] = []
        self.seen: list[bytes] = []
        self._answers = chain(takes, repeat(True))

    async def begins(self) -> None:
        books = await self.office.begun(a_target())
        self.exchange = books.exchange
        observer = CHAT.observer(CHAT.read(BODY).facts, asked_for_usage=True)
        books.observe(observer.facts)
        self.reply = StreamedReply("house/m", (), self.body, observer)
        self.relay = StreamRelay(self.reply, CHAT, books, Drains())
        self.relay.prefer(self.write_now)
        await self.reply.open()

    def write_now(self, piece: bytes) -> bool:
        takes = next(self._answers)
        if takes:
            self.pushed.append(piece)
            self.seen.append(piece)
        return takes

    async def passes(self) -> None:
        try:
            async for piece in self.relay:
                self.seen.append(piece)
        finally:
            await self.relay.aclose()

    def told(self) -> tuple[object, ...]:
        end = self.office.end()
        words = self.reply.observer.facts.output_bytes
        return joined(self.seen), end["outcome"], end.get("error"), self.exchange.reply_bytes, words


async def pushed_road(takes: Sequence[bool] = ()) -> tuple[Road, ReplyBody]:
    """A stream that has begun, and the body its upstream pushes into."""
    body = ReplyBody(Line(), asyncio.get_running_loop(), "house/m")
    arrives(body, OPENING)
    road = Road(body, takes)
    await road.begins()
    return road, body


def arrives(body: ReplyBody, piece: bytes) -> None:
    body.push(piece)
    body.wake()


def ends(body: ReplyBody, failure: ReplyCut | None = None) -> None:
    body.ended = failure is None
    body.failure = failure
    body.wake()


async def turns(number: int) -> None:
    """Let every task that can go on do so."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_words_are_passed_on_in_the_moment_they_arrive() -> None:
    road, body = await pushed_road()
    passing = asyncio.ensure_future(road.passes())
    await turns(3)
    assert (road.seen, road.pushed) == ([OPENING], [])
    arrives(body, says("b"))
    arrives(body, says("c"))
    assert road.pushed == [says("b"), says("c")]
    arrives(body, STOP + DONE)
    assert road.pushed == [says("b"), says("c")]
    await passing
    assert road.seen[3:] == [STOP + DONE]
    assert road.exchange.reply_bytes == len(OPENING + says("b") + says("c"))


async def test_words_like_those_before_are_recognised_only_where_an_event_begins() -> None:
    road, body = await pushed_road()
    passing = asyncio.ensure_future(road.passes())
    await turns(3)
    arrives(body, says("b"))
    facts = road.reply.observer.facts
    words = facts.output_bytes
    arrives(body, b": ")
    arrives(body, says("a comment, not words"))
    assert (facts.output_bytes, road.pushed[1:]) == (words, [b": " + says("a comment, not words")])
    arrives(body, says("four"))
    assert facts.output_bytes == words + len("four")
    arrives(body, STOP + DONE)
    await passing


async def test_the_end_of_a_pushed_stream_waits_until_it_is_recorded() -> None:
    road, body = await pushed_road()
    passing = asyncio.ensure_future(road.passes())
    await turns(3)
    road.office.ledger.waits()
    arrives(body, says("b") + STOP + DONE)
    await turns(5)
    assert joined(road.seen) == OPENING + says("b")
    assert road.office.ledger.kinds()[-1] == "completed"
    road.office.ledger.writes()
    await passing
    assert joined(road.seen) == OPENING + says("b") + STOP + DONE


async def test_what_a_slow_client_does_not_take_comes_next_and_nothing_overtakes_it() -> None:
    road, body = await pushed_road(takes=(False, True))
    passing = asyncio.ensure_future(road.passes())
    await turns(3)
    arrives(body, says("b"))
    arrives(body, says("c"))  # before the relay had its turn
    assert road.pushed == []
    await turns(5)
    arrives(body, says("d"))
    ends(body)
    await passing
    assert joined(road.seen).startswith(OPENING + says("b") + says("c") + says("d"))
    assert road.pushed == [says("c"), says("d")]


async def test_what_is_held_of_a_cap_grows_with_a_pushed_answer() -> None:
    road, body = await pushed_road()
    passing = asyncio.ensure_future(road.passes())
    await turns(3)
    arrives(body, says("word " * 2_000))
    assert road.office.counters.state("team:web").parallel == 1
    assert road.relay._books._reservation.output_tokens > 1_000
    ends(body)
    await passing


async def test_an_event_without_an_end_cuts_a_pushed_stream() -> None:
    road, body = await pushed_road()
    road.reply.splitter._most_event_bytes = 1_000
    passing = asyncio.ensure_future(road.passes())
    await turns(3)
    arrives(body, b"data: " + b"x" * 1_001)
    await passing
    assert b"an event of more than 1000 bytes" in joined(road.seen)
    assert road.office.end()["outcome"] == "cut"


async def test_a_pushed_stream_that_is_left_takes_no_more() -> None:
    road, body = await pushed_road()
    passing = asyncio.ensure_future(road.passes())
    await turns(3)
    road.office.has_left = True
    passing.cancel()
    await asyncio.wait([passing])
    arrives(body, says("b"))
    assert road.pushed == []
    assert road.office.end()["outcome"] == "client_left"
    assert road.office.running() == 0


@given(
    ending=st.sampled_from(ENDINGS),
    cuts=st.lists(st.integers(0, 400), max_size=8),
    takes=st.lists(st.booleans(), max_size=8),
    pauses=st.lists(st.integers(0, 4), max_size=10),
    is_cut=st.booleans(),
)
def test_a_pushed_stream_says_what_a_read_one_says(
    ending: bytes, cuts: list[int], takes: list[bool], pauses: list[int], is_cut: bool
) -> None:
    data = WORDS + ending
    at = sorted({0, len(data), *[cut for cut in cuts if cut < len(data)]})
    pieces = [data[start:end] for start, end in pairwise(at)]
    failure = ReplyCut("the line went dead") if is_cut else None

    async def read() -> tuple[object, ...]:
        road = Road(Upstream(OPENING, *pieces, *([failure] if failure else [])))
        await road.begins()
        assert road.relay._pushing is None
        await road.passes()
        return road.told()

    async def pushed() -> tuple[object, ...]:
        road, body = await pushed_road(takes)
        passing = asyncio.ensure_future(road.passes())
        for piece, pause in zip(pieces, chain(pauses, repeat(3)), strict=False):
            await turns(pause)
            arrives(body, piece)
        ends(body, failure)
        await passing
        return road.told()

    assert asyncio.run(pushed()) == asyncio.run(read())


async def test_a_body_that_cannot_push_is_read() -> None:
    road = Road(Upstream(OPENING, STOP, DONE))
    await road.begins()
    assert joined(await gathered(road.relay)) == OPENING + STOP + DONE
    assert road.pushed == []
    await road.relay.aclose()
