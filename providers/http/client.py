"""Send a request over a kept or fresh connection, and hand its reply over as it comes."""

import asyncio
import ssl

from providers.base import Headers
from providers.errors import ProviderUnavailable
from providers.http.connection import Connection
from providers.http.origin import Endpoint, Origin
from providers.http.pool import Pool
from providers.http.reply import HttpReply, ReplyBody, Timeouts

PLAIN = {
    b"content-encoding": (b"", b"identity"),
    b"transfer-encoding": (b"chunked",),
}
"""What these headers may say of a reply that comes as we asked: uncompressed."""


def default_ssl_context() -> ssl.SSLContext:
    """Certificates and host names verified against the system's authorities, TLS 1.2 or newer."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # some distributions leave it to a file
    context.set_alpn_protocols(["http/1.1"])
    return context


class HttpClient:
    """HTTP/1.1 over TCP, TLS and unix sockets; one event loop.

    It follows no redirect and unpacks no compression. A sweep once a `tick_seconds`, and only
    while connections stand, is all the timers there are: nothing is scheduled per request or read.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        max_idle_per_origin: int = 256,
        idle_seconds: float = 4.0,
        idle_tls_seconds: float = 30.0,
        tick_seconds: float = 1.0,
    ) -> None:
        self._pool = Pool(
            max_idle_per_origin=max_idle_per_origin,
            idle_seconds=idle_seconds,
            idle_tls_seconds=idle_tls_seconds,
        )
        self._ssl_context = ssl_context
        self._tick_seconds = tick_seconds
        self._ticker: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def open_connections(self) -> int:
        """How many connections stand, idle or not."""
        return len(self._pool.open)

    @property
    def idle_connections(self) -> int:
        """How many connections wait for a request."""
        return self._pool.idle_count

    async def request(
        self,
        endpoint: Endpoint,
        headers: Headers,
        body: bytes,
        *,
        timeouts: Timeouts,
        target: str = "",
    ) -> HttpReply:
        """Send, and wait for the reply's head. `target` stands in the errors raised.

        Raises `ProviderUnavailable` (no connection, no HTTP, a compressed reply),
        `ProviderTimeout` (no head in time), `ValueError` (a header that breaks out of its line).
        The body, and an `aclose()` in any case, are the caller's.
        """
        head = endpoint.request_head(headers, len(body))
        reply = await self._ask(endpoint.origin, head, body, timeouts, target)
        received = tuple(reply.headers)
        for name, value in received:
            plain = PLAIN.get(name)
            if plain is not None and value.strip().lower() not in plain:
                await reply.aclose()
                message = "the model's server sent a compressed reply though none was asked for"
                raise ProviderUnavailable(message, target=target)
        return HttpReply(reply.status, received, reply)

    async def _ask(
        self, origin: Origin, head: bytes, body: bytes, timeouts: Timeouts, target: str
    ) -> ReplyBody:
        kept = self._pool.take(origin.name, asyncio.get_running_loop().time())
        if kept is not None:
            try:
                return await kept.ask(head, body, timeouts, target)
            except ProviderUnavailable:
                # The peer closed a kept connection while our request was under way, and not one
                # byte of a reply came: the everyday race of keep-alive. A server that had taken
                # the request would answer or hold on; at worst it died with our request in hand,
                # and then nothing was answered that a second asking could repeat. Once, on a
                # fresh connection; after silence or any byte the caller decides, never we.
                if not kept.hung_up:
                    raise
        fresh = await self._connect(origin, timeouts, target)
        return await fresh.ask(head, body, timeouts, target)

    async def _connect(self, origin: Origin, timeouts: Timeouts, target: str) -> Connection:
        if self._is_closed:
            raise ProviderUnavailable("the client is closed", target=target)
        try:
            async with asyncio.timeout(timeouts.connect_seconds):
                connection = await self._dial(origin)
        except TimeoutError as error:
            limit = f"{timeouts.connect_seconds:g} seconds"
            message = f"no connection to the model's server within {limit}"
            raise ProviderUnavailable(message, target=target) from error
        except ssl.SSLError as error:
            message = f"no safe connection to the model's server: {error.reason or 'TLS failed'}"
            raise ProviderUnavailable(message, target=target) from error
        except OSError as error:
            message = "no connection to the model's server"
            raise ProviderUnavailable(message, target=target) from error
        if connection.is_open:  # it may have been closed before we woke: asking will say so
            self._pool.add(connection)
            self._tick_on()
        return connection

    async def _dial(self, origin: Origin) -> Connection:
        loop = asyncio.get_running_loop()

        def build() -> Connection:
            return Connection(self._pool, origin.name, loop)

        if origin.scheme == "unix":
            _, connection = await loop.create_unix_connection(build, origin.host)
        elif origin.scheme == "https":
            if self._ssl_context is None:
                self._ssl_context = default_ssl_context()
            _, connection = await loop.create_connection(
                build,
                origin.host,
                origin.port,
                ssl=self._ssl_context,
                server_hostname=origin.host,
            )
        else:
            _, connection = await loop.create_connection(build, origin.host, origin.port)
        return connection

    def sweep(self, now: float) -> None:
        """Close what was idle too long, give up on silent peers. `now` is the loop's time."""
        self._pool.sweep(now)

    def _tick_on(self) -> None:
        if self._ticker is None and self._pool.holds_any and not self._is_closed:
            loop = asyncio.get_running_loop()
            self._ticker = loop.call_later(self._tick_seconds, self._tick)

    def _tick(self) -> None:
        self._ticker = None
        self.sweep(asyncio.get_running_loop().time())
        self._tick_on()

    async def aclose(self) -> None:
        """Hang up everywhere; requests after this are refused."""
        self._is_closed = True
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        self._pool.close()
