"""One request on a client's connection: read within limits, answered once, watched throughout."""

import asyncio
import gc

import pytest

import gateway.call
from gateway.call import BODY_NOW, SLICE_BYTES, STREAM_HEADERS, Call, ClientLeft, Interruption
from gateway.errors import RequestTimedOut, RequestTooLarge
from gateway.wire.anthropic_messages import AnthropicCountTokens
from gateway.wire.base import Answer
from gateway.wire.gemini import Action, Gemini
from tests.fakes.hot_road import Connection

HEADERS = ((b"content-type", b"text/event-stream"),)
KEEP_ALIVE = b": keep-alive\n\n"


async def test_a_body_is_its_pieces_in_order() -> None:
    connection = Connection()
    connection.brings(b"one ", b"two ", b"three")
    assert await connection.call().read_body(100) == b"one two three"


async def test_a_call_knows_the_other_end_of_its_connection_where_there_is_one() -> None:
    scope = {"path": "/", "headers": (), "client": ("10.1.2.3", 4711)}
    connection = Connection()
    call = Call(connection.call().wire, scope, connection.receive, connection.send, "gh-1")
    assert call.address == "10.1.2.3"
    assert connection.call().address is None


async def test_a_body_of_exactly_the_limit_is_read() -> None:
    connection = Connection()
    connection.brings(b"12345", b"67890")
    assert await connection.call().read_body(10) == b"1234567890"


async def test_a_body_over_the_limit_is_read_to_its_end_and_refused() -> None:
    connection = Connection()
    connection.brings(b"12345", b"67890", b"!", b"more")
    with pytest.raises(RequestTooLarge, match="10 bytes"):
        await connection.call().read_body(10)
    assert connection.incoming.empty()


async def test_a_limit_above_what_is_thrown_away_is_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gateway.call, "DISCARD_LIMIT_BYTES", 4)
    connection = Connection()
    connection.brings(b"12345", b"67890")
    assert await connection.call().read_body(10) == b"1234567890"


@pytest.mark.parametrize(("declared", "is_read"), [("99999999999", False), ("11", True)])
async def test_a_body_that_says_it_is_beyond_reason_is_refused_unread(
    declared: str, is_read: bool
) -> None:
    connection = Connection()
    connection.brings(b"12345678901")
    scope = connection.scope(headers={"content-length": declared})
    call = Call(connection.call().wire, scope, connection.receive, connection.send, "gh-1")
    with pytest.raises(RequestTooLarge, match="10 bytes"):
        await call.read_body(10)
    assert connection.incoming.empty() is is_read
    assert not call.is_reading


@pytest.mark.parametrize("declared", ["", "many", "-1", "²", "9" * 5000])
async def test_a_size_that_is_none_is_not_gone_by(declared: str) -> None:
    connection = Connection()
    connection.brings(b"12345")
    scope = connection.scope(headers={"content-length": declared})
    call = Call(connection.call().wire, scope, connection.receive, connection.send, "gh-1")
    assert await call.read_body(10) == b"12345"


async def test_a_body_that_is_here_is_taken_at_once() -> None:
    connection = Connection()
    scope = {**connection.scope(), "state": {BODY_NOW: lambda: b"1234567890"}}
    call = Call(connection.call().wire, scope, connection.receive, connection.send, "gh-1")
    assert await call.read_body(10) == b"1234567890"
    with pytest.raises(RequestTooLarge, match="9 bytes"):
        await call.read_body(9)


async def test_a_client_that_leaves_in_its_body_is_no_request() -> None:
    connection = Connection()
    connection.brings(b"12345", more=True)
    connection.hangs_up()
    with pytest.raises(ClientLeft):
        await connection.call().read_body(10)


async def test_a_body_given_up_as_slow_is_an_error_and_the_call_goes_on() -> None:
    connection = Connection()
    connection.brings(b"12345", more=True)
    call = connection.call()
    asyncio.get_running_loop().call_soon(call.interrupt, Interruption.SLOW_BODY)
    with pytest.raises(RequestTimedOut):
        await call.read_body(10)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert not call.is_reading


async def test_a_small_answer_is_one_piece_with_its_length() -> None:
    connection = Connection()
    await connection.call().answer(Answer(400, ((b"a", b"b"),), b"no"), ((b"c", b"d"),))
    start, body = connection.sent
    assert start["headers"] == ((b"a", b"b"), (b"content-length", b"2"), (b"c", b"d"))
    assert (body["body"], body["more_body"]) == (b"no", False)


async def test_a_large_answer_is_sliced_so_that_its_clients_reading_is_noticed() -> None:
    connection = Connection()
    whole = bytes(range(256)) * (SLICE_BYTES // 256) * 2 + b"end"
    await connection.call().answer(Answer(200, (), whole))
    assert connection.body == whole
    assert [len(each) for each in connection.bodies] == [SLICE_BYTES, SLICE_BYTES, 3]


async def test_a_client_that_takes_nothing_is_seen_to_take_nothing() -> None:
    connection = Connection()
    connection.reads.clear()
    call = connection.call()
    answering = asyncio.create_task(call.answer(Answer(200, (), b"hello")))
    await asyncio.sleep(0)
    assert call.sending_since is not None
    connection.reads.set()
    await answering
    assert call.sending_since is None


async def test_a_keep_alive_begins_the_stream_once() -> None:
    connection = Connection()
    call = connection.call()
    call.keep_alive(HEADERS)
    await call.start_stream(HEADERS)
    await call.write(b"first")
    await call.finish(b"last")
    assert connection.statuses == [200]
    assert connection.bodies == [KEEP_ALIVE, b"first", b"last"]


async def test_a_second_keep_alive_follows_when_the_silence_lasts() -> None:
    connection = Connection()
    call = connection.call()
    for _ in range(3):
        call.keep_alive(HEADERS)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert connection.bodies == [KEEP_ALIVE] * 3
    assert connection.statuses == [200]


async def test_keep_alives_do_not_pile_up_before_a_client_that_does_not_read() -> None:
    connection = Connection()
    connection.reads.clear()
    call = connection.call()
    call.keep_alive(HEADERS)
    await asyncio.sleep(0)
    call.keep_alive(HEADERS)
    connection.reads.set()
    await call.finish()
    assert connection.bodies == [KEEP_ALIVE, b""]


async def test_a_piece_waits_for_the_keep_alive_before_it() -> None:
    connection = Connection()
    connection.reads.clear()
    call = connection.call()
    call.keep_alive(HEADERS)
    await asyncio.sleep(0)
    writing = asyncio.create_task(call.write(b"piece"))
    await asyncio.sleep(0)
    connection.reads.set()
    await writing
    assert connection.bodies == [KEEP_ALIVE, b"piece"]


async def test_a_piece_goes_out_at_once_while_the_client_reads() -> None:
    connection = Connection()
    call = connection.call()
    await call.start_stream(HEADERS)
    assert call.write_now(b"first")
    assert call.has_just_sent
    connection.reads.clear()
    assert not call.write_now(b"second")
    assert connection.bodies == [b"first"]


async def test_no_piece_goes_out_at_once_before_a_keep_alive_under_way() -> None:
    connection = Connection()
    connection.reads.clear()
    call = connection.call()
    call.keep_alive(HEADERS)
    await asyncio.sleep(0)
    connection.reads.set()
    assert not call.write_now(b"piece")
    await call.write(b"piece")
    assert connection.bodies == [KEEP_ALIVE, b"piece"]
    assert call.write_now(b"next")


async def test_another_server_writes_nothing_at_once() -> None:
    connection = Connection(tells_departures=False)
    assert not connection.call().write_now(b"piece")
    assert connection.sent == []


async def test_no_keep_alive_cuts_into_a_piece() -> None:
    connection = Connection()
    connection.reads.clear()
    call = connection.call()
    starting = asyncio.create_task(call.start_stream(HEADERS))
    await asyncio.sleep(0)
    call.keep_alive(HEADERS)
    connection.reads.set()
    await starting
    await call.finish(b"piece")
    assert connection.bodies == [b"piece"]


async def test_an_answer_given_up_before_its_head_has_not_started() -> None:
    connection = Connection()
    connection.reads.clear()
    call = connection.call()
    call.keep_alive(HEADERS)
    await asyncio.sleep(0)
    asking = asyncio.create_task(call.has_started())
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    assert not await call.has_started()


async def test_a_protocol_without_keep_alives_gets_none() -> None:
    connection = Connection()
    wire = AnthropicCountTokens(lambda model, size: size)
    connection.call(wire).keep_alive(HEADERS)
    await asyncio.sleep(0)
    assert connection.sent == []


@pytest.mark.parametrize("tells_departures", [True, False])
async def test_a_departure_ends_the_call_and_says_why(tells_departures: bool) -> None:
    connection = Connection(tells_departures=tells_departures)

    async def serve() -> Interruption | None:
        call = connection.call()
        call.watch()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return call.interruption
        return None

    serving = asyncio.create_task(serve())
    await asyncio.sleep(0)
    connection.hangs_up()
    assert await serving is Interruption.CLIENT_LEFT


async def test_the_first_reason_to_end_a_call_holds() -> None:
    async def serve() -> Interruption | None:
        call = Connection().call()
        call.interrupt(Interruption.STALLED_READER)
        call.interrupt(Interruption.CLIENT_LEFT)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert call.has_left()
        return call.interruption

    assert await asyncio.create_task(serve()) is Interruption.STALLED_READER


@pytest.mark.parametrize("tells_departures", [True, False])
async def test_a_closed_call_is_not_ended_by_its_own_completion(tells_departures: bool) -> None:
    connection = Connection(tells_departures=tells_departures)
    call = connection.call()
    call.watch()
    call.close()
    connection.hangs_up()
    await asyncio.sleep(0)
    assert call.interruption is None


async def test_hanging_up_drops_the_connection_and_sees_it_go() -> None:
    connection = Connection()
    call = connection.call()
    call.watch()
    call.interruption = Interruption.STALLED_READER
    await call.hang_up()
    assert connection.aborted


@pytest.mark.parametrize("tells_departures", [True, False])
async def test_a_closed_call_is_freed_without_the_collector(tells_departures: bool) -> None:
    gc.collect()
    gc.disable()
    try:
        before = calls_alive()
        call = Connection(tells_departures=tells_departures).call()
        call.watch()
        await asyncio.sleep(0)
        call.close()
        del call
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert calls_alive() == before
    finally:
        gc.enable()


def calls_alive() -> int:
    return sum(type(each) is Call for each in gc.get_objects())


ARRAY = Gemini(lambda model, size: size, "coder", Action.STREAM)


async def test_a_stream_that_is_an_array_is_framed_to_its_end() -> None:
    connection = Connection()
    call = connection.call(ARRAY)
    await call.start_stream(call.stream_headers())
    await call.write(b'data: {"a":1}\n\ndata: {"b":2}\n\n')
    await call.finish(b'data: {"c":3}\n\n')
    assert connection.body == b'[{"a":1},\r\n{"b":2},\r\n{"c":3}]'
    assert (b"content-type", b"application/json; charset=utf-8") in connection.sent[0]["headers"]


async def test_every_other_stream_is_made_of_events() -> None:
    assert Connection().call().stream_headers() == STREAM_HEADERS
