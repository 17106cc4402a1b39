"""Take bytes to an upstream that owns the client's protocol, and say what its answer means."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from providers.base import Auth, ByteStream, Headers, UpstreamCall, UpstreamReply, Vendor, WireName
from providers.errors import (
    ProviderBusy,
    ProviderCredentials,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    ReplyCut,
)
from providers.http.client import HttpClient
from providers.http.origin import Endpoint, parse_base_url
from providers.http.reply import HttpReply, Timeouts
from providers.told import refuses_key, told_in

OURS = b"x-gatehouse-"
ERROR_BODY_BYTES = 64 * 1024
LAST_WORDS_SECONDS = 2.0
RETRY_AFTER_LIMIT_SECONDS = 86_400.0
ROUTES_KEPT = 1024

STREAMED = Timeouts(first_byte_seconds=120.0, idle_seconds=120.0)
WHOLE = Timeouts(first_byte_seconds=600.0, idle_seconds=120.0)
"""A whole answer is silent until it is finished; official SDKs wait ten minutes for it."""

OWN_HEADERS = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"authorization",
        b"connection",
        b"content-length",
        b"content-type",
        b"cookie",
        b"host",
        b"transfer-encoding",
        b"user-agent",
        b"x-api-key",
        b"x-goog-api-key",
    }
)
"""Ours to set: nothing a caller hands on replaces or doubles them."""

KEY_HEADERS = {
    Auth.BEARER: (b"authorization", b"Bearer "),
    Auth.X_API_KEY: (b"x-api-key", b""),
    Auth.X_GOOG_API_KEY: (b"x-goog-api-key", b""),
}
COUNT_PATHS = {WireName.ANTHROPIC_MESSAGES: "/count_tokens"}
KEY_REFUSED = "the model's server does not accept the gateway's key"
ANSWER_TYPES = (b"application/json", b"text/event-stream")


@dataclass(frozen=True, slots=True)
class Route:
    """What requests to one endpoint of one vendor have in common."""

    vendor: Vendor
    endpoint: Endpoint
    key: bytes


class Passthrough:
    """The sender for direct targets: the body goes out as it is, the reply comes back as it is.

    `unix_seconds` is the clock that a Retry-After date is compared with.
    """

    def __init__(
        self,
        client: HttpClient,
        *,
        version: str,
        streamed: Timeouts = STREAMED,
        whole: Timeouts = WHOLE,
        unix_seconds: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._user_agent = b"gatehouse/" + version.encode("ascii")
        self._streamed = streamed
        self._whole = whole
        self._unix_seconds = unix_seconds
        self._routes: dict[tuple[int, WireName, bool, bool, str], Route] = {}

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        """Send and wait for the reply's head (`providers.base.Sender`).

        The reply's headers are the upstream's, but for names that are ours. Raises every
        `ProviderError` but `UnsupportedFeature`.
        """
        route = self._route(call)
        headers = call.headers
        if headers:
            headers = tuple([pair for pair in headers if pair[0] not in OWN_HEADERS])
        timeouts = self._streamed if call.streaming else self._whole
        name = call.target.name
        reply = await self._client.request(
            route.endpoint, headers, call.body, timeouts=timeouts, target=name
        )
        if 200 <= reply.status < 300 and _is_answer(reply.headers):
            # Our own names speak for translation only: an upstream must not write them.
            told = tuple([pair for pair in reply.headers if not pair[0].startswith(OURS)])
            return UpstreamReply(reply.status, told, reply.body)
        try:
            error = await self._failure(reply, route.key, name)
        finally:
            await reply.body.aclose()
        error.status = reply.status
        raise error

    async def _failure(self, reply: HttpReply, key: bytes, target: str) -> ProviderError:
        status = reply.status
        if status in (401, 403):
            return ProviderCredentials(KEY_REFUSED, target=target)
        if status in (429, 529):
            seconds = retry_after_seconds(reply.headers, self._unix_seconds())
            message = f"the model's server is at its limit ({status})"
            return ProviderBusy(message, retry_after_seconds=seconds, target=target)
        if status == 408:
            return ProviderTimeout("the model's server gave up waiting (408)", target=target)
        if 400 <= status < 500:
            return await _rejected(reply, key, target)
        if 200 <= status < 300:
            message = f"the model's server answered {status} with something that is no answer"
        elif 300 <= status < 400:
            message = f"the model's server redirects ({status}): redirects are not followed"
        else:
            message = f"the model's server answered {status}"
        failure = ProviderUnavailable(message, target=target)
        failure.told = await _told(reply, key) if status >= 500 else ""
        return failure

    def _route(self, call: UpstreamCall) -> Route:
        vendor = call.target.vendor
        model = call.target.upstream_model if "{" in vendor.record.paths[call.wire] else ""
        at = (id(vendor), call.wire, call.streaming, call.counting, model)
        route = self._routes.get(at)
        # An id may be used again after a reload: the vendor itself must be the same.
        if route is None or route.vendor is not vendor:
            if len(self._routes) >= ROUTES_KEPT:
                self._routes.clear()
            route = self._routes[at] = self._build_route(call)
        return route

    def _build_route(self, call: UpstreamCall) -> Route:
        vendor, name = call.target.vendor, call.target.name
        key = _key_of(vendor, name)
        headers: list[tuple[bytes, bytes]] = [
            (b"user-agent", self._user_agent),
            (b"content-type", b"application/json"),
            (b"accept", b"text/event-stream" if call.streaming else b"application/json"),
            (b"accept-encoding", b"identity"),
        ]
        shown = KEY_HEADERS.get(vendor.record.auth[call.wire])
        if key and shown is not None:
            headers.append((shown[0], shown[1] + key))
        try:
            origin, prefix = parse_base_url(vendor.base_url)
            endpoint = Endpoint.build("POST", origin, prefix + path_of(call), tuple(headers))
        except ValueError as error:
            message = f"vendor {vendor.name} cannot be addressed: {error}"
            raise ProviderUnavailable(message, target=name) from error
        return Route(vendor, endpoint, key)


def path_of(call: UpstreamCall) -> str:
    """The path below the base URL. Raises `KeyError` for a wire the vendor does not speak."""
    path = call.target.vendor.record.paths[call.wire]
    if call.counting:
        path += COUNT_PATHS.get(call.wire, "")
    if "{" not in path:
        return path
    action = "streamGenerateContent?alt=sse" if call.streaming else "generateContent"
    return path.format(
        model=quote(call.target.upstream_model, safe=""),
        action="countTokens" if call.counting else action,
    )


def _key_of(vendor: Vendor, target: str) -> bytes:
    key = "" if vendor.api_key is None else vendor.api_key.reveal()
    if not key.isascii() or not (key.isprintable() and key == key.strip()):
        # The key itself must not stand in the message, nor in a cause.
        message = f"the key of vendor {vendor.name} holds characters that no header can carry"
        raise ProviderCredentials(message, target=target)
    return key.encode("ascii")


def _is_answer(headers: Headers) -> bool:
    kind, length = _header(headers, b"content-type"), _header(headers, b"content-length")
    if length == b"0":
        return False
    return kind in ANSWER_TYPES or kind.split(b";", 1)[0].strip().lower() in ANSWER_TYPES


def _header(headers: Headers, wanted: bytes) -> bytes:
    for name, value in headers:
        if name == wanted:
            return value
    return b""


async def _rejected(reply: HttpReply, key: bytes, target: str) -> ProviderError:
    """The vendor's own refusal. Only whole JSON is handed on: HTML is nobody's protocol."""
    media_type = _header(reply.headers, b"content-type").split(b";", 1)[0].strip().lower()
    body = await _read_whole(reply.body) if media_type == b"application/json" else None
    if body is not None and refuses_key(body):
        return ProviderCredentials(KEY_REFUSED, target=target)
    headers = tuple((name, mask(value, key)) for name, value in reply.headers)
    return ProviderRejected(
        reply.status,
        headers,
        mask(body or b"", key),
        same_protocol=body is not None,
        target=target,
    )


async def _told(reply: HttpReply, key: bytes) -> str:
    """What a failing server says of it. Nobody waits for it: another target may be tried."""
    try:
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            body = await _read_whole(reply.body)
    except TimeoutError:
        return ""
    return told_in(mask(body or b"", key))


async def _read_whole(body: ByteStream) -> bytes | None:
    """A body to its end; None when it is over `ERROR_BODY_BYTES` or breaks off."""
    found = b""
    try:
        while piece := await body.read():
            found += piece
            if len(found) > ERROR_BODY_BYTES:
                return None
    except (ReplyCut, ProviderTimeout):
        return None  # the status has said what matters
    return found


def mask(data: bytes, key: bytes) -> bytes:
    """`data` without our key, should the vendor repeat it (also with JSON's escaped slashes)."""
    if not key:
        return data
    return data.replace(key, b"***").replace(key.replace(b"/", b"\\/"), b"***")


def retry_after_seconds(headers: Headers, unix_now: float) -> float | None:
    """How long a vendor asks us to wait: `retry-after-ms`, else `retry-after` in seconds or as a
    date. None when it does not say, or says nonsense; never negative, at most a day."""
    milliseconds = _number(_header(headers, b"retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    value = _header(headers, b"retry-after")
    seconds = _number(value)
    if seconds is not None:
        return _bounded(seconds)
    try:
        moment = parsedate_to_datetime(value.decode("ascii"))
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _bounded(moment.timestamp() - unix_now)


def _number(value: bytes) -> float | None:
    text = value.strip()
    if not text or len(text) > 16 or not text.replace(b".", b"", 1).isdigit():
        return None
    return float(text)


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT_SECONDS)
