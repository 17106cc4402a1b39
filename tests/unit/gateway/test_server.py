"""Connections are bounded in time and size where the server library bounds neither."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn.server import ServerState

from gateway.call import ANSWER_NOW, BODY_NOW, TASK
from gateway.server import (
    HEAD_LIMIT_BYTES,
    BoundedHeadProtocol,
    CannotListen,
    GatehouseServer,
    SideServer,
    base_url,
    bound,
    listen,
    server_config,
)
from tests.fakes.transport import FakeTransport
from tests.fakes.waiting import until


class Impatient(BoundedHeadProtocol):
    head_seconds = 0.01
    rest_seconds = 0.01
    unread_seconds = 0.01


class Transport(FakeTransport):
    """One that closes politely only once its bytes are taken."""

    is_closed = False

    @property
    def connection(self) -> BoundedHeadProtocol:
        assert isinstance(self._protocol, BoundedHeadProtocol)
        return self._protocol

    @property
    def is_timed(self) -> bool:
        return self.connection._deadline is not None

    @property
    def awaits_idleness(self) -> bool:
        return self.connection.timeout_keep_alive_task is not None

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed or self.is_aborted


async def answers(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers without reading the body."""
    length = (b"content-length", b"2")
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": b"ok"})


def dial(
    application: Callable[..., Any] = answers,
    protocol: type[BoundedHeadProtocol] = BoundedHeadProtocol,
    keep_alive_seconds: float = 75,
) -> Transport:
    config = server_config(application, 5, protocol)  # type: ignore[arg-type]
    config.timeout_keep_alive = keep_alive_seconds  # type: ignore[assignment]
    loop = asyncio.get_running_loop()
    return Transport(protocol(config, ServerState(), {}, loop))


GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n"


async def test_a_head_that_does_not_come_closes_the_connection() -> None:
    transport = dial(protocol=Impatient)
    await until(transport.is_closing)
    assert transport.written == b""


async def test_a_head_that_comes_in_drips_closes_the_connection() -> None:
    transport = dial(protocol=Impatient)
    transport.hears(b"GET / HT", b"TP/1.1\r\nhost")
    await until(transport.is_closing)


async def test_the_application_is_not_hurried_once_the_head_is_there() -> None:
    gate = asyncio.Event()

    async def thinks(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()
        await answers(scope, receive, send)

    transport = dial(thinks, Impatient)
    transport.hears(GET)
    assert not transport.is_timed
    gate.set()
    await until(lambda: transport.written.endswith(b"ok"))


async def test_a_body_that_comes_later_is_waited_for() -> None:
    bodies: list[bytes] = []

    async def reads(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["more_body"]:
            bodies.append(message["body"])
        bodies.append(message["body"])
        await answers(scope, receive, send)

    transport = dial(reads)
    transport.hears(POST + b"01234")
    await asyncio.sleep(0)
    assert bodies == [b"01234"]
    transport.hears(b"56789")
    await until(lambda: transport.written.endswith(b"ok"))
    assert bodies == [b"01234", b"56789"]


async def test_a_head_of_a_megabyte_is_refused_by_the_server() -> None:
    transport = dial()
    line = b"x-a: " + b"a" * 10_000 + b"\r\n"
    transport.hears(b"GET / HTTP/1.1\r\n", *[line] * (HEAD_LIMIT_BYTES // len(line) + 1))
    assert transport.written.startswith(b"HTTP/1.1 431 ")
    assert transport.is_closed


async def test_a_large_body_is_no_large_head() -> None:
    transport = dial()
    transport.hears(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2000000\r\n\r\n")
    transport.hears(*[b"x" * 100_000] * 20)
    assert b"431" not in transport.written


async def test_the_rest_of_an_answered_body_may_come_for_a_while_only() -> None:
    transport = dial(protocol=Impatient)
    transport.hears(POST + b"12345")
    await until(lambda: transport.written.endswith(b"ok"))
    transport.hears(b"6")
    await until(transport.is_closing)


async def test_an_answered_body_of_which_nothing_comes_is_given_the_same_while() -> None:
    patient, impatient = dial(), dial(protocol=Impatient)
    for transport in (patient, impatient):
        transport.hears(POST)
    await until(lambda: patient.written.endswith(b"ok"))
    assert patient.is_timed
    assert not patient.is_closing()
    await until(impatient.is_closing)


async def test_a_body_finished_after_its_answer_keeps_the_connection() -> None:
    transport = dial()
    transport.hears(POST + b"12345")
    await until(lambda: transport.written.endswith(b"ok"))
    transport.hears(b"6")
    assert transport.is_timed
    transport.hears(b"7890")
    assert not transport.is_timed
    transport.hears(GET)
    await until(lambda: transport.written.count(b"200 OK") == 2)


async def test_empty_lines_between_requests_do_not_keep_a_connection() -> None:
    transport = dial(protocol=Impatient)
    transport.hears(GET)
    await until(lambda: transport.written.endswith(b"ok"))
    transport.hears(b"\r\n")
    await until(transport.is_closing)


async def test_a_closing_connection_whose_client_takes_nothing_is_dropped() -> None:
    transport = dial(protocol=Impatient)
    transport.unsent_bytes = 100
    transport.hears(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    await until(lambda: transport.is_aborted)


async def test_an_idle_connection_is_closed_and_a_stuck_one_dropped() -> None:
    idle, stuck = dial(keep_alive_seconds=0.01), dial(keep_alive_seconds=0.01)
    stuck.unsent_bytes = 100
    idle.hears(GET)
    stuck.hears(GET)
    await until(lambda: idle.is_closing() and stuck.is_closing())
    assert (idle.is_closed, idle.is_aborted) == (True, False)
    assert stuck.is_aborted


async def test_a_connection_is_not_idle_while_a_request_is_answered() -> None:
    gates = [asyncio.Event() for _ in range(2)]
    opening = iter(gates)

    async def thinks(scope: Any, receive: Any, send: Any) -> None:
        await next(opening).wait()
        await answers(scope, receive, send)

    transport = dial(thinks, keep_alive_seconds=60)
    transport.hears(GET)
    gates[0].set()
    await until(lambda: transport.awaits_idleness)
    transport.connection.timeout_keep_alive = 0.01  # type: ignore[assignment]
    transport.hears(GET)
    await until(lambda: not transport.awaits_idleness)
    assert not transport.is_closing()
    gates[1].set()
    await until(lambda: transport.written.count(b"200 OK") == 2)
    await until(transport.is_closing)


async def test_what_is_idle_since_a_moment_is_left_alone_by_the_timer_of_earlier() -> None:
    transport = dial(keep_alive_seconds=60)
    transport.hears(GET)
    await until(lambda: transport.awaits_idleness)
    transport.connection.timeout_keep_alive_handler()
    assert transport.awaits_idleness
    assert not transport.is_closing()


async def test_a_lost_connection_leaves_no_timer() -> None:
    transport = dial(keep_alive_seconds=60)
    transport.hears(GET)
    await until(lambda: transport.awaits_idleness)
    transport.ends(ConnectionResetError())
    assert not transport.awaits_idleness


async def test_an_application_may_drop_its_connection() -> None:
    async def drops(scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["abort_connection"]()
        await answers(scope, receive, send)

    transport = dial(drops)
    transport.hears(GET)
    await until(lambda: transport.is_aborted)


async def bodies_of(*heard: bytes) -> list[bytes | None]:
    """What an application is given at once, and again, and what it then receives."""
    given: list[bytes | None] = []

    async def takes(scope: Any, receive: Any, send: Any) -> None:
        given.append(scope["state"][BODY_NOW]())
        if given[-1] is None:
            given.append((await receive())["body"])
        else:
            given.append(scope["state"][BODY_NOW]())
        await answers(scope, receive, send)

    transport = dial(takes)
    transport.hears(*heard[:1])
    await asyncio.sleep(0)
    transport.hears(*heard[1:])
    await until(lambda: transport.written.endswith(b"ok"))
    return given[:2]


async def test_a_body_that_is_here_is_given_at_once_and_once() -> None:
    assert await bodies_of(POST + b"0123456789") == [b"0123456789", b""]


async def test_a_body_that_has_yet_to_come_is_not_given_at_once() -> None:
    assert await bodies_of(POST + b"01234", b"56789") == [None, b"01234"]


async def test_a_body_before_another_request_is_received_as_ever() -> None:
    assert await bodies_of(POST + b"0123456789" + GET) == [None, b"0123456789"]


async def test_the_body_of_a_client_that_left_is_not_given() -> None:
    given: list[bytes | None] = []

    async def takes(scope: Any, receive: Any, send: Any) -> None:
        given.append(scope["state"][BODY_NOW]())

    transport = dial(takes)
    transport.hears(POST + b"0123456789")
    transport.ends()
    await until(lambda: given)
    assert given == [None]


async def test_the_task_that_answers_is_told() -> None:
    told: list[object] = []

    async def asks(scope: Any, receive: Any, send: Any) -> None:
        told.append(scope["state"][TASK] is asyncio.current_task())

    transport = dial(asks)
    transport.hears(GET)
    await until(lambda: told)
    assert told == [True]


OK = ((b"content-type", b"text/plain"), (b"content-length", b"2"))


async def answers_now(scope: Any, receive: Any, send: Any) -> None:
    assert scope["state"][ANSWER_NOW](200, OK, b"ok")


async def answers_in_messages(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": OK})
    await send({"type": "http.response.body", "body": b"ok"})


async def written_by(application: Callable[..., Any]) -> bytes:
    """What goes out for two requests on one connection, the second after the first's answer."""
    transport = dial(application)
    transport.hears(POST, b"0123456789")
    await until(lambda: transport.written.endswith(b"ok"))
    transport.hears(GET)
    await until(lambda: transport.written.count(b"HTTP/1.1 200 OK") == 2)
    assert not transport.is_closing()
    return transport.written


async def test_an_answer_in_one_write_is_the_same_answer() -> None:
    assert await written_by(answers_now) == await written_by(answers_in_messages)


@pytest.mark.parametrize(
    "heard",
    [
        GET + GET,
        b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
    ],
    ids=["another request waits behind it", "the last of its connection", "of an old client"],
)
async def test_an_answer_that_more_must_be_said_with_is_not_sent_in_one_write(heard: bytes) -> None:
    said: list[bool] = []

    async def tries(scope: Any, receive: Any, send: Any) -> None:
        said.append(scope["state"][ANSWER_NOW](200, OK, b"ok"))

    transport = dial(tries)
    transport.hears(heard)
    await until(lambda: said)
    assert said[0] is False
    assert b"ok" not in transport.written


async def test_an_answer_is_not_added_to_another_nor_pressed_on_a_client_that_does_not_read() -> (
    None
):
    said: list[bool] = []

    async def tries(scope: Any, receive: Any, send: Any) -> None:
        transport.fills()
        said.append(scope["state"][ANSWER_NOW](200, OK, b"ok"))
        transport.drains()
        said.append(scope["state"][ANSWER_NOW](200, OK, b"ok"))
        said.append(scope["state"][ANSWER_NOW](200, OK, b"ok"))

    transport = dial(tries)
    transport.hears(GET)
    await until(lambda: len(said) == 3)
    assert said == [False, True, False]


async def test_no_header_breaks_out_of_an_answer_in_one_write() -> None:
    raised: list[Exception] = []

    async def tries(scope: Any, receive: Any, send: Any) -> None:
        try:
            scope["state"][ANSWER_NOW](200, (*OK, (b"x", b"a\r\nb: c")), b"ok")
        except ValueError as error:
            raised.append(error)

    transport = dial(tries)
    transport.hears(GET)
    await until(lambda: raised)
    assert b"b: c" not in transport.written


async def test_a_head_in_one_read_sets_no_timer() -> None:
    gate = asyncio.Event()

    async def thinks(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()

    transport = dial(thinks)
    transport.hears(GET)
    assert not transport.is_timed
    transport.hears(b"GET / HT")
    assert transport.is_timed
    gate.set()


async def test_an_application_is_told_once_when_its_connection_is_lost() -> None:
    told: list[str] = []

    async def listens(scope: Any, receive: Any, send: Any) -> None:
        tell_departure = scope["state"]["tell_departure"]
        tell_departure(lambda: told.append("wanted"))
        tell_departure(lambda: told.append("taken back"))()
        await asyncio.Event().wait()

    transport = dial(listens)
    transport.hears(GET)
    await asyncio.sleep(0)
    assert told == []
    transport._protocol.connection_lost(None)
    transport._protocol.connection_lost(None)
    assert told == ["wanted"]


async def test_who_asks_after_the_connection_was_lost_is_told_soon() -> None:
    told = asyncio.Event()
    transport = dial()
    transport.hears(GET)
    transport._protocol.connection_lost(None)
    transport._protocol.tell_departure(told.set)  # type: ignore[attr-defined]
    assert not told.is_set()
    await told.wait()


async def test_a_connection_is_read_on_so_that_its_loss_is_noticed() -> None:
    async def listens(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        scope["state"]["tell_departure"](lambda: None)
        await asyncio.Event().wait()

    transport = dial(listens)
    transport.hears(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n", b"x" * 100_000)
    assert transport.is_paused
    await until(lambda: not transport.is_paused)


async def test_a_lost_connection_waits_for_nothing() -> None:
    transport = dial(protocol=Impatient)
    transport.hears(b"GET")
    assert transport.is_timed
    transport._protocol.connection_lost(None)
    assert not transport.is_timed


async def test_the_server_says_neither_its_name_nor_whom_it_serves() -> None:
    config = server_config(answers, 5)  # type: ignore[arg-type]
    assert (config.server_header, config.access_log, config.proxy_headers) == (False,) * 3
    assert config.timeout_graceful_shutdown == 5


async def test_the_first_signal_drains_and_the_second_does_not_wait() -> None:
    server = GatehouseServer(server_config(answers, 5), lambda: None, lambda: None)  # type: ignore[arg-type]
    server.handle_exit(signal.SIGTERM, None)
    assert (server.should_exit, server.force_exit) == (True, False)
    server.handle_exit(signal.SIGTERM, None)
    assert (server.should_exit, server.force_exit) == (True, True)


async def test_a_server_says_when_it_listens_and_when_it_drains() -> None:
    said: list[str] = []
    with listen("127.0.0.1", 0) as listener:
        server = GatehouseServer(
            server_config(answers, 5),  # type: ignore[arg-type]
            lambda: said.append("listening"),
            lambda: said.append("draining"),
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: said)
        server.should_exit = True
        await serving
    assert said == ["listening", "draining"]


def test_a_taken_port_is_told_at_once() -> None:
    with listen("127.0.0.1", 0) as first:
        first.listen()
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", first.getsockname()[1])


def test_a_started_program_does_not_inherit_the_listener() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert not listener.get_inheritable()


class Streaming:
    """An application that begins a stream and leaves the rest to the test."""

    def __init__(self, *headers: tuple[bytes, bytes]) -> None:
        self.headers = list(headers)
        self.writers: list[Callable[[bytes], bool]] = []
        self.ends = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.writers.append(scope["state"]["write_now"])
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        await self.ends.wait()
        self.ends.clear()
        await send({"type": "http.response.body", "body": b"end", "more_body": False})


async def test_a_piece_written_at_once_is_a_chunk_of_the_answer() -> None:
    streaming = Streaming()
    transport = dial(streaming)
    transport.hears(GET)
    await until(lambda: b"\r\n\r\n" in transport.written)
    assert streaming.writers[0](b"x" * 26)
    assert not streaming.writers[0](b"")  # that would be the end
    streaming.ends.set()
    await until(lambda: transport.written.endswith(b"0\r\n\r\n"))
    _, _, body = transport.written.partition(b"\r\n\r\n")
    assert body == b"1a\r\n" + b"x" * 26 + b"\r\n3\r\nend\r\n0\r\n\r\n"
    assert not streaming.writers[0](b"late")


async def test_nothing_is_written_at_once_to_a_client_that_does_not_read() -> None:
    streaming = Streaming()
    transport = dial(streaming)
    transport.hears(GET)
    await until(lambda: b"\r\n\r\n" in transport.written)
    transport.fills()
    assert not streaming.writers[0](b"piece")
    transport.drains()
    assert streaming.writers[0](b"piece")
    transport._protocol.connection_lost(None)
    assert not streaming.writers[0](b"piece")
    assert transport.written.count(b"piece") == 1


async def test_nothing_is_written_at_once_before_the_head_nor_into_a_counted_body() -> None:
    streaming = Streaming((b"content-length", b"3"))
    transport = dial(streaming)
    transport.hears(GET)
    early = transport._protocol.scope["state"]["write_now"]  # type: ignore[attr-defined]
    assert not early(b"piece")
    await until(lambda: b"\r\n\r\n" in transport.written)
    assert not streaming.writers[0](b"end")
    assert transport.written.endswith(b"\r\n\r\n")


async def test_a_request_behind_a_stream_leaves_its_writing_to_the_slower_way() -> None:
    streaming = Streaming()
    transport = dial(streaming)
    transport.hears(GET)
    await until(lambda: b"\r\n\r\n" in transport.written)
    transport.hears(GET)
    assert not streaming.writers[0](b"piece")
    streaming.ends.set()
    await until(lambda: len(streaming.writers) == 2)
    await until(lambda: transport.written.count(b"200 OK") == 2)
    assert streaming.writers[1](b"piece")
    assert transport.written.endswith(b"\r\n\r\n5\r\npiece\r\n")


async def test_a_side_server_serves_within_its_block_and_leaves_the_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with bound("127.0.0.1", 0, "") as listener:
        port = listener.getsockname()[1]
        async with SideServer(server_config(answers, 1)).serving(listener):
            assert signal.getsignal(signal.SIGTERM) == before
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            writer.close()
            await writer.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_an_address_that_cannot_be_had_is_said_with_what_to_do() -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"cannot listen on 127.0.0.1:{port}.*; go away"):
            bound("127.0.0.1", port, "go away")


async def test_what_listens_everywhere_is_reached_on_this_machine() -> None:
    with listen("0.0.0.0", 0) as everywhere, listen("127.0.0.1", 0) as here:
        assert base_url(everywhere).startswith("http://127.0.0.1:")
        assert base_url(here) == f"http://127.0.0.1:{here.getsockname()[1]}"
