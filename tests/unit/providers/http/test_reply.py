"""A reply gives everything that came, then its end or its failure."""

import asyncio

import pytest

from providers.errors import ReplyCut
from providers.http.reply import PAUSE_ABOVE_BYTES, PIECES_BEFORE_JOIN, ReplyBody

FLOOD = bytes(PAUSE_ABOVE_BYTES + 1)  # so much that the connection was paused


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
    assert line.asked == []
    reply.push(FLOOD)
    await reply.read()
    assert line.asked == ["resume"]
    reply.push(FLOOD)
    reply.ended = True
    await reply.read()
    assert line.asked == ["resume"]


async def pushed_to(reply, take):
    """`reply` being pushed to `take`, as far as a waiting task."""
    pushing = asyncio.ensure_future(reply.push_to(take))
    await asyncio.sleep(0)
    return pushing


def kept_until_more_is_known(reply, piece):
    reply.push(piece)
    reply.wake()


@pytest.fixture(params=[kept_until_more_is_known, ReplyBody.arrive])
def arrives(request):
    """How the connection gives bytes: those that came with an end, and all others."""
    return request.param


async def test_what_arrives_is_handed_over_at_once_and_wakes_nobody(reply, arrives):
    seen = []
    reply.push(b"a")
    pushing = await pushed_to(reply, lambda data: seen.append(data) or True)
    arrives(reply, b"b")
    arrives(reply, b"c")
    assert seen == [b"a", b"b", b"c"]
    await asyncio.sleep(0)
    assert not pushing.done()
    reply.ended = True
    arrives(reply, b"d")
    await pushing
    assert seen[3:] == [b"d"]
    assert await reply.read() == b""


async def test_who_takes_no_more_finds_the_rest_by_reading(reply, arrives):
    seen = []
    pushing = await pushed_to(reply, lambda data: bool(seen.append(data)))
    arrives(reply, b"a")
    arrives(reply, b"b")  # before the task had its turn
    await pushing
    assert seen == [b"a"]
    assert await reply.read() == b"b"


async def test_what_was_there_before_may_be_all_that_is_taken(reply):
    reply.push(b"a")
    await reply.push_to(lambda data: False)
    reply.push(b"b")
    assert await reply.read() == b"b"


async def test_a_body_that_has_ended_is_not_waited_for(reply):
    reply.push(b"a")
    reply.ended = True
    seen = []
    await reply.push_to(lambda data: seen.append(data) or True)
    assert seen == [b"a"]


async def test_a_cut_ends_the_pushing_and_is_told_to_the_reader(reply):
    pushing = await pushed_to(reply, lambda data: True)
    reply.failure = ReplyCut("cut")
    reply.wake()
    await pushing
    with pytest.raises(ReplyCut):
        await reply.read()


async def test_what_the_taker_finds_wrong_is_what_the_reader_learns(reply, arrives):
    def take(data):
        raise ReplyCut("an event without an end")

    pushing = await pushed_to(reply, take)
    arrives(reply, b"a")
    await pushing
    with pytest.raises(ReplyCut, match="without an end"):
        await reply.read()


async def test_bytes_lost_in_a_fault_of_the_taker_have_no_proper_end(reply, arrives):
    def take(data):
        raise RuntimeError("a fault of ours")

    pushing = await pushed_to(reply, take)
    reply.ended = True
    with pytest.raises(RuntimeError):
        arrives(reply, b"a")
    await pushing
    with pytest.raises(ReplyCut):
        await reply.read()


async def test_a_fault_in_the_last_bytes_does_not_hang_up_on_whoever_has_the_line_next(arrives):
    def take(data):
        raise ReplyCut("an event without an end")

    line = Line()
    reply = ReplyBody(line, asyncio.get_running_loop(), "house/m")
    pushing = await pushed_to(reply, take)
    reply.ended = True
    arrives(reply, b"a")
    await pushing
    with pytest.raises(ReplyCut, match="without an end"):
        await reply.read()
    await reply.aclose()
    assert "abort" not in line.asked


async def test_nothing_is_handed_to_one_who_was_cancelled(reply, arrives):
    seen = []
    pushing = await pushed_to(reply, lambda data: seen.append(data) or True)
    pushing.cancel()
    await asyncio.wait([pushing])
    arrives(reply, b"a")
    assert seen == []
    assert await reply.read() == b"a"


async def test_a_flood_that_was_handed_over_leaves_room(arrives):
    line = Line()
    reply = ReplyBody(line, asyncio.get_running_loop(), "house/m")
    pushing = await pushed_to(reply, lambda data: True)
    arrives(reply, FLOOD)
    assert "abort" not in line.asked
    assert reply.unread_bytes == 0
    pushing.cancel()


async def test_a_flood_that_was_kept_is_read_on_once_it_is_handed_over():
    line = Line()
    reply = ReplyBody(line, asyncio.get_running_loop(), "house/m")
    pushing = await pushed_to(reply, lambda data: True)
    reply.push(FLOOD)
    assert line.asked == []
    reply.wake()
    assert line.asked == ["resume"]
    pushing.cancel()
