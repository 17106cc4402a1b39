"""A stream that tells a warning says what upstream said besides: read or pushed, in any pieces."""

import asyncio
from itertools import chain, pairwise, repeat

from hypothesis import given
from hypothesis import strategies as st

from gateway.bookkeeping import Books
from gateway.drain import Drains
from gateway.notes import Note
from gateway.relay import StreamRelay, relay_stream, relay_whole
from gateway.reply import StreamedReply, WholeReply
from gateway.told import InProcessToldSessions, Session
from gateway.wire.note import note_of
from gateway.wire.openai_chat_note import ChatNotes
from gateway.wire.places import quoted
from policy.types import Notice
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

LEAVES = Notice("codex-leaves", "Codex leaves")
SESSION = Session("key_a", "codex", "session-1")
THOUGHT = b'data: {"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}\n\n'
CALL = b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}]}\n\n'
OPENING = ROLE + THOUGHT
ENDINGS = (STOP + USAGE + DONE, STOP + DONE, STOP, says("half")[:20], b"")


class Line:
    """The connection below a reply; nobody looks at it here."""

    def resume(self) -> None:
        pass

    def abort(self) -> None:
        pass


class Road:
    """One stream under way, which is to tell a warning. `write_now` takes everything."""

    def __init__(self, body: ByteStream) -> None:
        self.body = body
        self.office = Office()
        self.told = InProcessToldSessions()
        self.pushed: list[bytes] = []
        self.seen: list[bytes] = []

    async def begins(self) -> None:
        self.books = await self.office.begun(a_target())
        await self.told.claim(SESSION, [LEAVES.rule], 0)
        note = a_note(self.books, self.told)
        observer = CHAT.observer(CHAT.read(BODY).facts, asked_for_usage=True)
        self.books.observe(observer.facts)
        self.reply = StreamedReply("house/m", (), self.body, observer)
        outbound = relay_stream(self.reply, CHAT, self.books, Drains(), note)
        assert isinstance(outbound.body, StreamRelay)
        self.relay = outbound.body
        self.relay.prefer(self.write_now)
        await self.reply.open()

    def write_now(self, piece: bytes) -> bool:
        self.pushed.append(piece)
        self.seen.append(piece)
        return True

    async def passes(self) -> None:
        try:
            async for piece in self.relay:
                self.seen.append(piece)
        finally:
            await self.relay.aclose()

    @property
    def said(self) -> bytes:
        return quoted(note_of([LEAVES], self.books.exchange.id))

    async def is_told(self) -> bool:
        """Whether the session will not be told it again."""
        return not await self.told.claim(SESSION, [LEAVES.rule], 1)


def a_note(books: Books, told: InProcessToldSessions) -> Note:
    note = Note(ChatNotes(), (LEAVES,), books.exchange.id, SESSION, told)
    books.carry(note)
    return note


async def read_road(*pieces: bytes | ReplyCut) -> Road:
    """A stream that is read to its end."""
    road = Road(Upstream(OPENING, *pieces))
    await road.begins()
    await road.passes()
    return road


async def test_the_note_stands_before_the_first_words_and_in_the_books() -> None:
    road = await read_road(says("a"), says("b"), STOP + DONE)
    assert joined(road.seen) == OPENING + says(road.said.decode() + "a") + says("b") + STOP + DONE
    end = road.office.end()
    assert end["outcome"] == "complete"
    (edit,) = end["reply_edits"]
    assert edit == {"kind": "warning", "rule": "codex-leaves", "bytes": edit["bytes"]}
    assert edit["bytes"] == len(note_of([LEAVES], road.books.exchange.id))
    assert road.books.exchange.reply_bytes == len(joined(road.seen)) - len(STOP + DONE)
    assert await road.is_told()


async def test_calls_alone_are_passed_as_they_came_and_the_next_answer_tells() -> None:
    road = await read_road(CALL, STOP + DONE)
    assert joined(road.seen) == OPENING + CALL + STOP + DONE
    assert "reply_edits" not in road.office.end()
    assert not await road.is_told()


async def test_an_answer_that_breaks_off_tells_it_and_so_does_its_repeat() -> None:
    road = await read_road(says("a"), ReplyCut("the line went dead"))
    assert road.said in joined(road.seen)
    assert road.office.end()["outcome"] == "cut"
    assert road.office.end()["reply_edits"]
    assert not await road.is_told()


async def test_who_leaves_before_the_first_words_is_told_the_next_time() -> None:
    road = Road(Upstream(OPENING, lingers=True))
    await road.begins()
    await anext(aiter(road.relay))
    road.office.has_left = True
    await road.relay.aclose()
    assert road.office.end()["outcome"] == "client_left"
    assert not await road.is_told()


async def test_once_it_is_told_words_are_pushed_on_as_they_are() -> None:
    body = ReplyBody(Line(), asyncio.get_running_loop(), "house/m")
    arrives(body, OPENING)
    road = Road(body)
    await road.begins()
    passing = asyncio.ensure_future(road.passes())
    await turns(3)
    arrives(body, says("a"))
    assert road.pushed == [says(road.said.decode() + "a")]
    assert road.relay._note is None
    words = says("b")
    arrives(body, words)
    assert road.pushed[-1] is words
    arrives(body, STOP + DONE)
    await passing


async def test_a_whole_answer_is_counted_as_it_was_sent() -> None:
    office, told = Office(), InProcessToldSessions()
    books = await office.begun(a_target())
    note = a_note(books, told)
    document = b'{"choices":[{"message":{"role":"assistant","content":"Hi"}}]}'
    observer = CHAT.observer(CHAT.read(BODY).facts, asked_for_usage=False)
    reply = WholeReply("house/m", (), Upstream(document), observer)
    await reply.read()
    books.observe(observer.facts)
    answer = await relay_whole(reply.document, reply, books, note)
    assert isinstance(answer.body, bytes)
    said = quoted(note_of([LEAVES], books.exchange.id))
    assert answer.body == document.replace(b"Hi", said + b"Hi")
    assert office.end()["reply_bytes"] == len(answer.body)
    assert office.end()["reply_edits"]


@given(
    ending=st.sampled_from(ENDINGS),
    cuts=st.lists(st.integers(0, 400), max_size=8),
    pauses=st.lists(st.integers(0, 4), max_size=10),
)
def test_with_the_note_taken_out_it_is_the_upstreams_answer(
    ending: bytes, cuts: list[int], pauses: list[int]
) -> None:
    data = THOUGHT + says("a") + says("b") + CALL + says("c") + ending
    at = sorted({0, len(data), *[cut for cut in cuts if cut < len(data)]})
    pieces = [data[start:end] for start, end in pairwise(at)]

    async def plain() -> bytes:
        road = Road(Upstream(OPENING, *pieces))
        await road.begins()
        relay = StreamRelay(road.reply, CHAT, road.books, Drains())
        return joined(await gathered(relay))

    async def pushed() -> bytes:
        body = ReplyBody(Line(), asyncio.get_running_loop(), "house/m")
        arrives(body, OPENING)
        road = Road(body)
        await road.begins()
        passing = asyncio.ensure_future(road.passes())
        for piece, pause in zip(pieces, chain(pauses, repeat(3)), strict=False):
            await turns(pause)
            arrives(body, piece)
        body.ended = True
        body.wake()
        await passing
        assert joined(road.seen).count(road.said) == 1
        return joined(road.seen).replace(road.said, b"")

    async def read() -> bytes:
        road = await read_road(*pieces)
        return joined(road.seen).replace(road.said, b"")

    assert asyncio.run(pushed()) == asyncio.run(read()) == asyncio.run(plain())


def arrives(body: ReplyBody, piece: bytes) -> None:
    body.push(piece)
    body.wake()


async def turns(number: int) -> None:
    """Let every task that can go on do so."""
    for _ in range(number):
        await asyncio.sleep(0)
