"""Who waits too long is noticed, once a second, for all calls together."""

import asyncio

import pytest

from gateway.call import Call, Interruption
from gateway.calls import Calls, Patience
from policy.types import Identity
from tests.fakes.hot_road import Connection

PATIENCE = Patience()
GONE, GOOD = (
    Identity("ada", "web", frozenset({"developer"}), each) for each in ("key_gone", "key_good")
)
ENDED = [GONE]


class WatchedCall(Call):
    """Says what it would be ended for, instead of ending."""

    reason: Interruption | None = None

    def interrupt(self, reason: Interruption) -> None:
        self.reason = reason


def a_call(connection: Connection) -> WatchedCall:
    base = connection.call()
    return WatchedCall(base.wire, connection.scope(), connection.receive, connection.send, "gh-1")


@pytest.fixture
async def call() -> WatchedCall:
    return a_call(Connection())


def tick(call: WatchedCall, seconds: float) -> Interruption | None:
    calls = Calls(PATIENCE, ENDED.__contains__)
    calls.open(call)
    calls.tick(call.opened + seconds)
    return call.reason


async def test_a_body_may_take_its_time_at_first(call: WatchedCall) -> None:
    call.is_reading = True
    assert tick(call, 19.9) is None


async def test_a_body_of_a_byte_a_second_is_given_up(call: WatchedCall) -> None:
    call.is_reading = True
    call.received_bytes = 21
    assert tick(call, 21) is Interruption.SLOW_BODY


async def test_a_large_body_on_a_thin_line_is_not_given_up(call: WatchedCall) -> None:
    call.is_reading = True
    call.received_bytes = 200 * 1024
    assert tick(call, 120) is None


async def test_a_call_that_is_not_reading_is_not_slow(call: WatchedCall) -> None:
    assert tick(call, 500) is None


async def test_a_client_may_leave_its_answer_unread_for_two_minutes(call: WatchedCall) -> None:
    call.sending_since = call.opened
    assert tick(call, 119.9) is None


async def test_a_client_that_never_reads_is_given_up(call: WatchedCall) -> None:
    call.sending_since = call.opened
    assert tick(call, 120.1) is Interruption.STALLED_READER


@pytest.mark.parametrize("state", ["is_reading", "is_streaming"])
async def test_a_call_whose_key_is_revoked_is_ended(call: WatchedCall, state: str) -> None:
    call.identity = GONE
    setattr(call, state, True)
    assert tick(call, 0) is Interruption.KEY_REVOKED


async def test_a_call_of_another_key_goes_on(call: WatchedCall) -> None:
    call.identity = GOOD
    assert tick(call, 0) is None


async def test_an_answer_whose_books_are_closed_is_sent_to_its_end(call: WatchedCall) -> None:
    call.identity = GONE
    call.started = True
    assert tick(call, 0) is None


async def test_a_client_that_never_reads_is_given_up_also_when_its_key_is_revoked(
    call: WatchedCall,
) -> None:
    call.identity, call.started, call.sending_since = GONE, True, call.opened
    assert tick(call, 120.1) is Interruption.STALLED_READER


async def test_a_silent_stream_is_kept_alive_with_the_exchanges_names() -> None:
    connection = Connection()
    call = a_call(connection)
    call.is_streaming = True
    tick(call, 14.9)
    await asyncio.sleep(0)
    assert connection.sent == []
    tick(call, 15.1)
    await asyncio.sleep(0)
    assert connection.statuses == [200]
    assert (b"x-gatehouse-audit-id", b"gh-1") in connection.sent[0]["headers"]


async def test_a_whole_answer_is_awaited_in_silence() -> None:
    connection = Connection()
    call = a_call(connection)
    tick(call, 500)
    await asyncio.sleep(0)
    assert connection.sent == []


async def test_a_closed_call_is_forgotten(call: WatchedCall) -> None:
    calls = Calls(PATIENCE, ENDED.__contains__)
    calls.open(call)
    assert (len(calls), list(calls)) == (1, [call])
    calls.close(call)
    assert len(calls) == 0


async def test_ending_all_waits_for_each_to_end() -> None:
    calls = Calls(PATIENCE, ENDED.__contains__)
    ended: list[int] = []

    async def serve(number: int) -> None:
        call = Connection().call()
        calls.open(call)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            ended.append(number)

    tasks = [asyncio.create_task(serve(number)) for number in range(3)]
    await asyncio.sleep(0)
    await calls.end_all(1.0)
    assert sorted(ended) == [0, 1, 2]
    assert all(task.done() for task in tasks)


async def test_ending_all_does_not_wait_for_ever() -> None:
    calls = Calls(PATIENCE, ENDED.__contains__)
    gate = asyncio.Event()

    async def serve() -> None:
        calls.open(Connection().call())
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await gate.wait()

    task = asyncio.create_task(serve())
    await asyncio.sleep(0)
    await calls.end_all(0.01)
    assert not task.done()
    gate.set()
    await task


async def test_ending_nothing_takes_no_time() -> None:
    await Calls(PATIENCE, ENDED.__contains__).end_all(1000.0)


async def test_a_stream_that_was_written_at_once_is_not_silent() -> None:
    connection = Connection()
    call = a_call(connection)
    call.is_streaming = True
    assert call.write_now(b"piece")
    tick(call, 15.1)
    tick(call, 30.0)
    await asyncio.sleep(0)
    assert connection.bodies == [b"piece"]
    tick(call, 30.2)
    await asyncio.sleep(0)
    assert connection.bodies == [b"piece", b": keep-alive\n\n"]
