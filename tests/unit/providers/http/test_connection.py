"""A connection frames replies at any chunking, tells every end apart and stays bounded."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.errors import ProviderError, ProviderTimeout, ProviderUnavailable, ReplyCut
from providers.http.connection import MAX_HEAD_BYTES, Connection
from providers.http.reply import PAUSE_ABOVE_BYTES, ReplyBody, Timeouts
from tests.fakes.transport import FakeTransport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
TEXT = b'data: {"a": 1}\r\n\r\ndata: {"b": 2}\n\n: ping\n\ndata: [DONE]\n\n'


class Keeper:
    def __init__(self) -> None:
        self.free: list[Connection] = []
        self.gone: list[Connection] = []

    def give(self, connection: Connection) -> None:
        self.free.append(connection)

    def forget(self, connection: Connection) -> None:
        self.gone.append(connection)


class Setting:
    """A connection on a fake transport, and the request that waits on it."""

    def __init__(self, *, body: bytes = b"{}", timeouts: Timeouts | None = None) -> None:
        self.keeper = Keeper()
        loop = asyncio.get_running_loop()
        self.connection = Connection(self.keeper, "http://house:80", loop)
        self.transport = FakeTransport(self.connection)
        self.body = body
        self.timeouts = timeouts or Timeouts()
        self.asked: asyncio.Task[ReplyBody] | None = None

    async def ask(self) -> "Setting":
        asking = self.connection.ask(b"HEAD\r\n\r\n", self.body, self.timeouts, "house/m")
        self.asked = asyncio.ensure_future(asking)
        await asyncio.sleep(0)
        return self

    async def reply(self) -> ReplyBody:
        assert self.asked is not None
        return await self.asked

    @property
    def is_free(self) -> bool:
        return self.keeper.free == [self.connection] and not self.transport.is_aborted


async def read_all(reply: ReplyBody) -> bytes:
    found = b""
    while piece := await reply.read():
        found += piece
    return found


async def target_of_end(setting: Setting) -> str:
    """The target named by the reply, or by the error of ours that took its place."""
    try:
        reply = await setting.reply()
        await read_all(reply)
    except ProviderError as error:
        return error.target
    return reply.target


def chunked(body: bytes, sizes: list[int]) -> bytes:
    found, at = b"", 0
    for size in [*sizes, len(body)]:
        piece = body[at : at + size]
        at += size
        found += b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
    return found + b"0\r\n\r\n"


def cut_at(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % len(data) for place in places}), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=12), st.lists(st.integers(0, 4096), max_size=40))
async def test_any_chunking_of_the_bytes_gives_the_same_body(sizes, places):
    setting = await Setting().ask()
    setting.transport.hears(*cut_at(CHUNKED + chunked(TEXT, sizes), places))
    assert await read_all(await setting.reply()) == TEXT
    assert setting.is_free


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([HEAD, b"\r\n", b"1\r\n", b"0\r\n\r\n", b"HTTP/1.1 103 X\r\n"])
        | st.binary()
    )
)
async def test_any_rubbish_at_all_ends_as_a_reply_or_an_error_of_ours(pieces):
    setting = await Setting().ask()
    setting.transport.hears(*[piece for piece in pieces if piece])
    setting.transport.ends()
    assert await target_of_end(setting) == "house/m"
    assert setting.transport.is_aborted


async def test_a_reply_of_single_bytes_is_whole():
    setting = await Setting().ask()
    whole = CHUNKED + chunked(TEXT, [1] * len(TEXT))
    setting.transport.hears(*[whole[at : at + 1] for at in range(len(whole))])
    assert await read_all(await setting.reply()) == TEXT


async def test_everything_that_arrived_is_read_in_one_piece():
    setting = await Setting().ask()
    setting.transport.hears(CHUNKED, b"2\r\nab\r\n", b"1\r\nc\r\n2\r\nde\r\n")
    reply = await setting.reply()
    assert await reply.read() == b"abcde"


async def test_one_read_of_the_socket_wakes_the_reader_once():
    setting = await Setting().ask()
    setting.transport.hears(CHUNKED)
    reply = await setting.reply()
    reading = asyncio.ensure_future(reply.read())
    await asyncio.sleep(0)
    setting.transport.hears(b"".join(b"1\r\n%c\r\n" % byte for byte in b"abcdef"))
    assert await reading == b"abcdef"


async def test_a_small_request_is_one_write_and_a_large_one_all_there():
    small, large = await Setting().ask(), await Setting(body=b"x" * 1_000_000).ask()
    assert small.transport.written == b"HEAD\r\n\r\n{}"
    assert large.transport.written == b"HEAD\r\n\r\n" + b"x" * 1_000_000
    for each in (small, large):
        assert each.asked is not None
        each.asked.cancel()


async def test_a_length_ends_a_reply():
    setting = await Setting().ask()
    setting.transport.hears(HEAD + b"content-length: 3\r\n\r\nab", b"c")
    assert await read_all(await setting.reply()) == b"abc"
    assert setting.is_free


async def test_a_reply_without_content_ends_with_its_head():
    setting = await Setting().ask()
    setting.transport.hears(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert await read_all(await setting.reply()) == b""
    assert setting.is_free


async def test_where_the_end_of_the_connection_ends_the_reply_it_is_a_proper_end():
    setting = await Setting().ask()
    setting.transport.hears(HEAD + b"\r\nabc")
    reply = await setting.reply()
    setting.transport.ends()
    assert await read_all(reply) == b"abc"
    assert not setting.keeper.free


async def test_a_reset_is_never_a_proper_end():
    setting = await Setting().ask()
    setting.transport.hears(HEAD + b"\r\nabc")
    reply = await setting.reply()
    setting.transport.ends(ConnectionResetError())
    assert await reply.read() == b"abc"
    with pytest.raises(ReplyCut):
        await reply.read()


@pytest.mark.parametrize(
    "rest",
    [b"content-length: 10\r\n\r\nabc", b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"],
    ids=["length", "chunked"],
)
async def test_a_reply_that_ends_early_is_cut_after_what_came(rest):
    setting = await Setting().ask()
    setting.transport.hears(HEAD + rest)
    reply = await setting.reply()
    setting.transport.ends()
    assert await reply.read() == b"abc"
    with pytest.raises(ReplyCut) as caught:
        await reply.read()
    assert caught.value.target == "house/m"
    with pytest.raises(ReplyCut):
        await reply.read()


@pytest.mark.parametrize(
    "chunk", [b"0x3\r\nabc\r\n", b"+3\r\nabc\r\n", b"zz\r\n", b"3\r\nabcd\r\n", b"f" * 17 + b"\r\n"]
)
async def test_a_broken_chunk_cuts_the_reply(chunk):
    setting = await Setting().ask()
    setting.transport.hears(CHUNKED + b"1\r\na\r\n", chunk)
    reply = await setting.reply()
    assert await reply.read() in (b"a", b"aabc")
    with pytest.raises(ReplyCut):
        await read_all(reply)
    assert setting.transport.is_aborted


@pytest.mark.parametrize(
    "head",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"<html>hello</html>\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nname : x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_no_answer(head):
    setting = await Setting().ask()
    setting.transport.hears(head)
    with pytest.raises(ProviderUnavailable):
        await setting.reply()
    assert setting.transport.is_aborted


@pytest.mark.parametrize("pieces", [1, 100])
async def test_a_head_over_its_limit_is_refused_however_it_comes(pieces):
    setting = await Setting().ask()
    head = HEAD + b"x-long: " + b"a" * 200_000 + b"\r\ncontent-length: 0\r\n\r\n"
    size = len(head) // pieces + 1
    setting.transport.hears(*[head[at : at + size] for at in range(0, len(head), size)])
    with pytest.raises(ProviderUnavailable, match="64 KB"):
        await setting.reply()
    assert setting.transport.is_aborted


async def test_a_head_just_below_its_limit_is_read():
    setting = await Setting().ask()
    value = b"a" * (MAX_HEAD_BYTES - len(HEAD) - 100)
    setting.transport.hears(HEAD + b"x-long: " + value + b"\r\ncontent-length: 0\r\n\r\n")
    assert (b"x-long", value) in (await setting.reply()).headers


async def test_interim_replies_are_passed_over():
    setting = await Setting().ask()
    early = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    setting.transport.hears(
        b"HTTP/1.1 100 Continue\r\n\r\n" + early, HEAD + b"content-length: 1\r\n\r\na"
    )
    reply = await setting.reply()
    assert (reply.status, dict(reply.headers).get(b"link")) == (200, None)
    assert await read_all(reply) == b"a"
    assert setting.is_free


async def test_endless_interim_replies_are_refused():
    setting = await Setting().ask()
    setting.transport.hears(*[b"HTTP/1.1 103 Early Hints\r\nlink: xxxx\r\n\r\n"] * 4000)
    with pytest.raises(ProviderUnavailable, match="64 KB"):
        await setting.reply()


async def test_a_second_reply_nobody_asked_for_is_never_read():
    setting = await Setting().ask()
    whole = HEAD + b"content-length: 1\r\n\r\na"
    setting.transport.hears(whole + whole)
    assert await read_all(await setting.reply()) == b"a"
    assert setting.transport.is_aborted
    assert not setting.keeper.free


async def test_rubbish_after_a_reply_leaves_the_reply_and_closes_the_connection():
    setting = await Setting().ask()
    setting.transport.hears(CHUNKED + chunked(b"abc", []) + b"rubbish\r\n\r\n")
    assert await read_all(await setting.reply()) == b"abc"
    assert setting.transport.is_aborted
    assert not setting.keeper.free


async def test_bytes_on_a_free_connection_close_it():
    setting = await Setting().ask()
    setting.transport.hears(HEAD + b"content-length: 0\r\n\r\n")
    await setting.reply()
    setting.transport.hears(b"HTTP/1.1 200 OK\r\n")
    assert not setting.connection.is_open
    assert setting.transport.is_aborted


async def test_a_reply_that_says_close_is_not_reused():
    setting = await Setting().ask()
    setting.transport.hears(HEAD + b"connection: close\r\ncontent-length: 1\r\n\r\na")
    assert await read_all(await setting.reply()) == b"a"
    assert not setting.keeper.free


async def test_a_slow_reader_stops_the_peer_and_frees_it_again():
    setting = await Setting().ask()
    setting.transport.hears(HEAD + b"content-length: 10000000\r\n\r\n")
    reply = await setting.reply()
    setting.transport.hears(b"x" * PAUSE_ABOVE_BYTES)
    assert not setting.transport.is_paused
    setting.transport.hears(b"x")
    assert setting.transport.is_paused
    assert len(await reply.read()) == PAUSE_ABOVE_BYTES + 1
    assert not setting.transport.is_paused


async def test_a_connection_given_back_full_reads_on_for_the_next_request():
    setting = await Setting().ask()
    size = PAUSE_ABOVE_BYTES + 10
    setting.transport.hears(HEAD + b"content-length: %d\r\n\r\n" % size + b"x" * (size - 1))
    reply = await setting.reply()
    assert setting.transport.is_paused
    setting.transport.hears(b"x")
    assert not setting.transport.is_paused
    assert setting.is_free
    assert len(await read_all(reply)) == size


async def test_tiny_pieces_cost_bytes_and_not_objects():
    setting = await Setting().ask()
    setting.transport.hears(CHUNKED, b"2\r\nab\r\n" * 100_000)
    reply = await setting.reply()
    assert await reply.read() == b"ab" * 100_000


async def test_a_large_request_waits_for_the_peer_to_take_it():
    setting = Setting(body=b"x" * 1_000_000)
    setting.transport.fills()
    await setting.ask()
    assert setting.transport.written == b"HEAD\r\n\r\n"
    setting.transport.drains()
    await asyncio.sleep(0)
    assert len(setting.transport.written) == 1_000_000 + len(b"HEAD\r\n\r\n")
    setting.transport.hears(HEAD + b"content-length: 0\r\n\r\n")
    assert (await setting.reply()).status == 200


async def test_an_answer_before_the_request_is_out_ends_the_writing():
    setting = Setting(body=b"x" * 1_000_000)
    setting.transport.fills()
    await setting.ask()
    setting.transport.hears(b"HTTP/1.1 413 Too Large\r\ncontent-length: 1\r\n\r\na")
    reply = await setting.reply()
    assert (reply.status, await read_all(reply)) == (413, b"a")
    assert setting.transport.written == b"HEAD\r\n\r\n"
    assert not setting.keeper.free


async def test_a_connection_with_unsent_bytes_is_not_reused():
    setting = await Setting().ask()
    setting.transport.unsent_bytes = 1
    setting.transport.hears(HEAD + b"content-length: 0\r\n\r\n")
    assert (await setting.reply()).ended
    assert not setting.keeper.free


async def test_a_peer_that_takes_no_bytes_is_given_up():
    setting = Setting(body=b"x" * 1_000_000, timeouts=Timeouts(idle_seconds=5))
    setting.transport.fills()
    await setting.ask()
    setting.connection.sweep(1000.0)
    setting.connection.sweep(1004.9)
    assert not setting.transport.is_aborted
    setting.connection.sweep(1005.0)
    with pytest.raises(ProviderTimeout, match="silent for 5 seconds"):
        await setting.reply()


async def test_silence_before_the_head_is_measured_from_the_request():
    setting = await Setting(timeouts=Timeouts(first_byte_seconds=9)).ask()
    now = asyncio.get_running_loop().time()
    setting.connection.sweep(now + 8)
    setting.transport.hears(b"HTTP/1.1 200 OK\r\n")  # a dripping head is no answer
    setting.connection.sweep(now + 8.5)
    setting.connection.sweep(now + 10)
    with pytest.raises(ProviderTimeout, match="silent for 9 seconds"):
        await setting.reply()


async def test_silence_in_the_body_is_measured_from_the_last_byte():
    setting = await Setting(timeouts=Timeouts(idle_seconds=5)).ask()
    setting.transport.hears(CHUNKED)
    reply = await setting.reply()
    reading = asyncio.ensure_future(read_all(reply))
    await asyncio.sleep(0)
    for second in range(20):
        setting.transport.hears(b"1\r\na\r\n")
        await asyncio.sleep(0)
        setting.connection.sweep(1000.0 + second)
    assert not reading.done()
    setting.connection.sweep(1024.0)
    with pytest.raises(ProviderTimeout):
        await reading


async def test_silence_that_nobody_waits_for_is_no_fault():
    setting = await Setting(timeouts=Timeouts(idle_seconds=5)).ask()
    setting.transport.hears(CHUNKED)
    reply = await setting.reply()
    setting.connection.sweep(1000.0)
    setting.connection.sweep(9000.0)
    setting.transport.hears(chunked(b"abc", []))
    assert await read_all(reply) == b"abc"


async def test_closing_a_reply_before_its_end_hangs_up_and_after_it_does_nothing():
    early, late = await Setting().ask(), await Setting().ask()
    early.transport.hears(CHUNKED)
    late.transport.hears(CHUNKED + chunked(b"abc", []))
    for setting in (early, late):
        reply = await setting.reply()
        await reply.aclose()
        await reply.aclose()
    assert early.transport.is_aborted
    assert late.is_free


async def test_closing_a_reply_wakes_whoever_reads_it():
    setting = await Setting().ask()
    setting.transport.hears(CHUNKED)
    reply = await setting.reply()
    reading = asyncio.ensure_future(reply.read())
    await asyncio.sleep(0)
    await reply.aclose()
    with pytest.raises(ReplyCut):
        await reading


async def test_a_cancelled_request_closes_its_connection():
    setting = await Setting().ask()
    assert setting.asked is not None
    setting.asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await setting.asked
    assert setting.transport.is_aborted
    assert setting.keeper.gone


async def test_a_connection_that_ended_before_it_was_asked_refuses_at_once():
    setting = Setting()
    setting.transport.ends()
    with pytest.raises(ProviderUnavailable):
        await setting.connection.ask(b"HEAD\r\n\r\n", b"", Timeouts(), "house/m")
