"""A reply gives everything that came, then its end or its failure."""

import asyncio

import pytest

from providers.errors import ReplyCut
from providers.http.reply import PIECES_BEFORE_JOIN, ReplyBody


class Line:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def resume(self) -> None:
        self.asked.append("resume")

    def abort(self) -> None:
        self.asked.append("abort")


@pytest.fixture
async def reply():
    return ReplyBody(Line(), asyncio.get_running_loop(), "house/m")


async def test_all_that_has_arrived_is_one_piece(reply):
    for piece in (b"a", b"b", b"c"):
        reply.push(piece)
    assert reply.unread_bytes == 3
    assert await reply.read() == b"abc"
    assert reply.unread_bytes == 0


async def test_a_reader_sleeps_until_something_comes(reply):
    reading = asyncio.ensure_future(reply.read())
    await asyncio.sleep(0)
    assert not reading.done()
    reply.wake()  # nothing came: it sleeps on
    await asyncio.sleep(0)
    reply.push(b"a")
    reply.wake()
    assert await reading == b"a"


async def test_the_end_is_told_after_the_last_bytes_and_again(reply):
    reply.push(b"a")
    reply.ended = True
    assert [await reply.read() for _ in range(3)] == [b"a", b"", b""]


async def test_a_failure_is_raised_after_the_last_bytes_and_again(reply):
    reply.push(b"a")
    reply.failure = ReplyCut("cut")
    assert await reply.read() == b"a"
    for _ in range(2):
        with pytest.raises(ReplyCut):
            await reply.read()


async def test_very_many_pieces_are_joined_before_they_are_read(reply):
    for _ in range(10 * PIECES_BEFORE_JOIN):
        reply.push(b"ab")
    assert await reply.read() == b"ab" * 10 * PIECES_BEFORE_JOIN


async def test_a_cancelled_reader_leaves_the_bytes_for_the_next(reply):
    reading = asyncio.ensure_future(reply.read())
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.sleep(0)
    reply.push(b"a")
    reply.wake()
    assert await reply.read() == b"a"


@pytest.mark.parametrize(("ended", "asked"), [(False, ["abort"]), (True, [])])
async def test_closing_hangs_up_only_before_the_end(ended, asked):
    line = Line()
    reply = ReplyBody(line, asyncio.get_running_loop(), "house/m")
    reply.ended = ended
    await reply.aclose()
    assert line.asked == asked


async def test_reading_makes_room_only_while_the_reply_runs(reply):
    line = Line()
    reply = ReplyBody(line, asyncio.get_running_loop(), "house/m")
    reply.push(b"a")
    await reply.read()
    reply.push(b"b")
    reply.ended = True
    await reply.read()
    assert line.asked == ["resume"]
