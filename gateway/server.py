"""uvicorn, set up for long streams and slow strangers."""

import asyncio
import errno
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from types import FrameType

import uvicorn
from starlette.types import ASGIApp
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from gateway.call import ABORT, ANSWER_NOW, BODY_NOW, DEPARTURE, TASK, WRITE_NOW, Told
from providers.base import Headers
from providers.http.origin import render_headers

HEAD_SECONDS = 10.0
REST_SECONDS = 20.0
UNREAD_SECONDS = 120.0
HEAD_LIMIT_BYTES = 1024 * 1024
KEEP_ALIVE_SECONDS = 75  # above the 60 s at which load balancers drop idle connections

TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"connection: close\r\ncontent-length: 0\r\n\r\n"
)


class BoundedHeadProtocol(HttpToolsProtocol):
    """uvicorn bounds neither the time nor the size of a request's head; this does.

    A head over 64 KB but below `HEAD_LIMIT_BYTES` reaches the application, which answers it in
    the caller's protocol; beyond that the connection ends. `head_seconds` for a head to come,
    `rest_seconds` for what is left of a body that was answered early, `unread_seconds` for a
    client to take the last of an answer on a connection that is to end with it.
    """

    head_seconds = HEAD_SECONDS
    rest_seconds = REST_SECONDS
    unread_seconds = UNREAD_SECONDS

    _head_bytes = 0
    _in_head = True
    _deadline: asyncio.TimerHandle | None = None
    _resting_since: float | None = None  # on the loop's clock, while no request is under way
    _is_lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """The first head must come in time."""
        super().connection_made(transport)
        self._told: set[Told] = set()  # who wants to know when this connection is lost
        self._hurry_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more; whoever answers here is told."""
        self._head_arrived()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        super().connection_lost(exc)
        self._is_lost = True
        for told in tuple(self._told):
            told()
        self._told.clear()

    def tell_departure(self, told: Told) -> Told:
        """Have `told` called, once, when the connection is lost (`gateway.call.TellDeparture`)."""
        if self._is_lost:
            return self.loop.call_soon(told).cancel
        self._told.add(told)
        self.flow.resume_reading()  # a connection that is not read is not seen to end
        return partial(self._told.discard, told)

    def write_now(self, piece: bytes) -> bool:
        """One chunk of the answer under way, in one write (`gateway.inbound.WriteNow`).

        Only where `send` would do the same: while the client reads, and the newest request is
        the one that is answered.
        """
        cycle, flow = self.cycle, self.flow
        if flow.write_paused or self.pipeline or cycle.disconnected or cycle.response_complete:
            return False
        if not cycle.chunked_encoding or not piece:
            return False
        self.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        return True

    def body_now(self) -> bytes | None:
        """The body of the newest request (`gateway.call.BodyNow`)."""
        cycle = self.cycle
        if self.pipeline or cycle.more_body or cycle.disconnected:
            return None
        body = bytes(cycle.body)
        cycle.body = bytearray()
        cycle.message_event.clear()
        return body

    def answer_now(self, status: int, headers: Headers, body: bytes) -> bool:
        """A whole answer with its content-length, in one write (`gateway.call.AnswerNow`).

        Only where `send` would do the same: while the client reads, nothing of the answer is out,
        and the newest request is the one that is answered.
        """
        cycle = self.cycle
        if self.flow.write_paused or self.pipeline or cycle.disconnected or cycle.response_started:
            return False
        if not cycle.keep_alive:
            return False
        lines = render_headers((*self.server_state.default_headers, *headers))
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[status], lines, body))
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
        cycle.on_response()
        return True

    def data_received(self, data: bytes) -> None:
        """Count while the head is incomplete; do not take the rest of an answered body for ever."""
        super().data_received(data)
        cycle = self.cycle
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT_BYTES and not self.transport.is_closing():
                self.transport.write(TOO_LARGE)
                self.transport.close()
            elif self._deadline is None:
                self._hurry_head()
        elif cycle is not None and cycle.response_complete and not self._has_deadline():
            self._deadline = self.loop.call_later(self.rest_seconds, self._give_up)

    def on_message_begin(self) -> None:
        """Each further head on this connection must come in time, too."""
        if self._deadline is not None:
            self._head_arrived()
        self._head_bytes = 0
        self._in_head = True  # most heads come whole, in one read: no timer is set for those
        super().on_message_begin()
        state = self.scope["state"]
        state[ABORT] = self.transport.abort
        state[ANSWER_NOW] = self.answer_now
        state[BODY_NOW] = self.body_now
        state[DEPARTURE] = self.tell_departure
        state[WRITE_NOW] = self.write_now

    def on_headers_complete(self) -> None:
        """The head is here; the body has its own clock."""
        self._in_head = False
        if self._deadline is not None:
            self._head_arrived()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole; answered before that, the connection now waits for the next."""
        super().on_message_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._head_arrived()
            self._rest()

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for it; a connection that ends with this answer
        ends also when the client does not take it.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            if self._deadline is None:
                self._deadline = self.loop.call_later(self.unread_seconds, self.transport.abort)
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.cycle.more_body:  # of a client that may send it, or wait until we hang up
            self._deadline = self.loop.call_later(self.rest_seconds, self._give_up)
        else:
            self._rest()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; drop one whose client has not even taken its last answer."""
        self.timeout_keep_alive_task = None
        if self._resting_since is None:
            return
        left_seconds = self._resting_since + self.timeout_keep_alive - self.loop.time()
        if left_seconds > 0:
            self._look_again(left_seconds)
        elif self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)
        cycle.scope["state"][TASK] = task

    def _rest(self) -> None:
        """Wait for the next request. One timer serves many: it is left alone when one comes."""
        self._resting_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_again(self.timeout_keep_alive)

    def _look_again(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _unset_keepalive_if_required(self) -> None:
        self._resting_since = None

    def _has_deadline(self) -> bool:
        return self._deadline is not None or self._resting_since is not None

    def _hurry_head(self) -> None:
        self._deadline = self.loop.call_later(self.head_seconds, self._give_up)

    def _head_arrived(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class GatehouseServer(uvicorn.Server):
    """Tells when it listens and when it begins to drain."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_listening: Callable[[], None],
        on_draining: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._on_listening = on_listening
        self._on_draining = on_draining

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Begin to drain at SIGTERM or Ctrl-C; at the second one, end what still runs.

        uvicorn's own way raises the signal again once it has drained, which would end the
        process before the ledger is closed.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain; the second time, no longer."""
        self.force_exit = self.should_exit
        self.should_exit = True

    def stop_listening(self) -> None:
        """Close the listeners, also when a start broke off half-way. Safe to call twice."""
        for listener in getattr(self, "servers", ()):
            listener.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets=sockets)
        self._on_listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say so, then drain."""
        self._on_draining()
        await super().shutdown(sockets=sockets)


class SideServer(uvicorn.Server):
    """A server beside the `GatehouseServer`, on its event loop: that one hears the signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._is_listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """None of them."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then let whoever waits go on."""
        await super().startup(sockets=sockets)
        self._is_listening.set()

    @asynccontextmanager
    async def serving(self, listener: socket.socket) -> AsyncGenerator[None]:
        """Serve from here on to the end of the block, and let what runs then end in time."""
        running = asyncio.create_task(self.serve(sockets=[listener]), name="side-server")
        listening = asyncio.create_task(self._is_listening.wait())
        try:
            await asyncio.wait((running, listening), return_when=asyncio.FIRST_COMPLETED)
            listening.cancel()
            yield
        finally:
            self.should_exit = True
            await asyncio.wait([running])


def server_config(
    application: ASGIApp,
    grace_seconds: int,
    protocol: type[BoundedHeadProtocol] = BoundedHeadProtocol,
) -> uvicorn.Config:
    """One process, HTTP/1.1, no access log (the ledger is one), drained within `grace_seconds`."""
    return uvicorn.Config(
        application,
        interface="asgi3",
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=grace_seconds,
    )


class CannotListen(Exception):
    """The address cannot be had; the message says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Bind before anything else starts: a taken port is told at once. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(False)
    return listener


def bound(host: str, port: int, advice: str, host_advice: str | None = None) -> socket.socket:
    """`listen`, in words for an operator. Raises `CannotListen`, with this advice.

    `host_advice` is for an address that is no port's matter: it is not here, or has no meaning.
    """
    try:
        return listen(host, port)
    except OSError as error:
        if host_advice and (
            isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
        ):
            advice = host_advice
        raise CannotListen(
            f"cannot listen on {host}:{port}: {error.strerror or error}; {advice}"
        ) from error


def base_url(listener: socket.socket) -> str:
    """How this machine reaches what listens there."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - read, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
