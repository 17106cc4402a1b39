"""LiteLLM's way out: an httpx transport over our own client, which decides where a request goes.

Address, key and headers come from the vendor's configuration, whatever LiteLLM made of them: it
never sees a key. The reply is read as it passes, so that we know what the vendor itself said.
"""

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass, field

import httpx

from providers.base import Auth, ByteStream, Headers, Target, WireName
from providers.errors import ProviderError, ProviderUnavailable
from providers.http.client import HttpClient
from providers.http.origin import Endpoint, parse_base_url
from providers.http.reply import Timeouts
from providers.translation.departure import Cargo, compare
from providers.translation.hub import Losses
from providers.translation.watch import ReplyTooLarge, ReplyWatch

_ERROR_LIMIT_BYTES = 64 << 10
_KEPT = frozenset({b"content-type", b"accept"})
_OURS: Headers = ((b"accept-encoding", b"identity"), (b"user-agent", b"gatehouse"))


@dataclass(slots=True)
class Errand:
    """One call on its way: where it goes, what it carries, and what came of it."""

    target: Target
    speaks: WireName
    path: str
    cargo: Cargo
    losses: Losses
    watch: ReplyWatch
    timeouts: Timeouts
    streaming: bool = False
    failure: ProviderError | None = None
    has_left: bool = False
    body: ByteStream | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def aclose(self) -> None:
        """Hang up on the vendor unless its reply is complete. Safe to call twice."""
        if self.body is not None:
            await self.body.aclose()


ERRAND: ContextVar[Errand] = ContextVar("errand")
"""The call whose request LiteLLM is about to send."""


class WatchedTransport(httpx.AsyncBaseTransport):
    """Sends the current errand's request, once."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send. Every failure is kept on the errand, and told to LiteLLM as httpx would tell it."""
        errand = ERRAND.get(None)
        if errand is None:
            raise httpx.ConnectError("only a translated call may leave from here")
        try:
            return await self._send(errand, await request.aread(), _kept_headers(request, errand))
        except ProviderError as error:
            errand.failure = errand.failure or error
            raise httpx.ConnectError("the call has failed") from error

    async def _send(self, errand: Errand, body: bytes, headers: Headers) -> httpx.Response:
        name = errand.target.name
        if errand.has_left:
            raise ProviderUnavailable("the model could not be asked in one request", target=name)
        compare(errand.cargo, body, errand.losses)
        errand.has_left = True
        origin, prefix = parse_base_url(errand.target.vendor.base_url)
        endpoint = Endpoint.build("POST", origin, prefix + errand.path)
        reply = await self._client.request(
            endpoint, headers, body, timeouts=errand.timeouts, target=name
        )
        errand.body = reply.body
        watch = errand.watch
        watch.status = reply.status
        watch.headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in reply.headers}
        content_type = watch.headers.get("content-type", "")
        # Not every vendor calls its stream one; a document it sends instead says that it is JSON.
        watch.is_stream = errand.streaming and reply.status == 200 and "json" not in content_type
        limit = None if reply.status < 300 else _ERROR_LIMIT_BYTES
        errand.answered.set()
        return httpx.Response(
            reply.status,
            headers={"content-type": content_type},
            stream=_Watched(errand, reply.body, limit),
        )


def _kept_headers(request: httpx.Request, errand: Errand) -> Headers:
    vendor = errand.target.vendor
    wanted = _KEPT | {each.encode() for each in vendor.record.forwarded_headers}
    kept = [(k.lower(), v) for k, v in request.headers.raw if k.lower() in wanted]
    return (*kept, *_OURS, *_credential(errand))


def _credential(errand: Errand) -> Headers:
    vendor = errand.target.vendor
    auth = vendor.record.auth.get(errand.speaks, Auth.NONE)
    if vendor.api_key is None or auth is Auth.NONE:
        return ()
    key = vendor.api_key.reveal().encode("ascii")
    if auth is Auth.BEARER:
        return ((b"authorization", b"Bearer " + key),)
    return ((auth.value.encode(), key),)


class _Watched(httpx.AsyncByteStream):
    """The reply's body: the watch reads it before LiteLLM does."""

    def __init__(self, errand: Errand, body: ByteStream, limit_bytes: int | None) -> None:
        self._errand = errand
        self._body = body
        self._limit_bytes = limit_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        watch = self._errand.watch
        read_bytes = 0
        try:
            while data := await self._body.read():
                if ready := watch.feed(data):
                    yield ready
                read_bytes += len(data)
                if self._limit_bytes is not None and read_bytes > self._limit_bytes:
                    break
            if rest := watch.finish():
                yield rest
        except ReplyTooLarge as error:
            too_large = ProviderUnavailable(
                "the model's reply is too large", target=self._errand.target.name
            )
            self._errand.failure = too_large
            raise httpx.ReadError("too large") from error
        except ProviderError as error:
            self._errand.failure = error
            raise httpx.ReadError("the reply broke off") from error

    async def aclose(self) -> None:
        await self._body.aclose()
