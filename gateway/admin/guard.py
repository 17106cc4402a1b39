"""Stands before the admin API: right host, no page of elsewhere, a bounded body, a good key."""

import logging
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.admin.access import CALLER, Caller
from gateway.admin.problems import Problem, of_gateway
from gateway.errors import GatewayError, NotAuthenticated
from policy.types import Identity
from providers.base import Headers

log = logging.getLogger(__name__)

ROOT: Final = "/admin/v1"
OPEN_PATHS: Final = frozenset({f"{ROOT}/openapi.json", f"{ROOT}/docs"})
"""What is said to everybody who can connect: how the API is asked."""

MOST_BODY_BYTES: Final = 64 * 1024
_WILDCARDS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
)

Identify = Callable[[Headers, str | None], Awaitable[Identity]]


class Guard:
    """`identify` says whose key a request brings, with the connection's other end; `hosts` by which
    names it may be asked besides `listen_host`.
    """

    def __init__(
        self,
        application: ASGIApp,
        identify: Identify,
        listen_host: str,
        hosts: Callable[[], frozenset[str]],
    ) -> None:
        self._application = application
        self._identify = identify
        self._listen_host = listen_host.lower()
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        assert scope["type"] == "http"
        headers: Headers = tuple(scope["headers"])

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        try:
            self._check_host(headers)
            _refuse_other_origins(headers)
            if scope["path"] not in OPEN_PATHS:
                scope[CALLER] = Caller(await self._identified(headers, scope))
            body = await _whole_body(headers, receive)
        except Problem as problem:
            await problem.response({"connection": "close"})(scope, receive, send_guarded)
            return
        await self._application(scope, body, send_guarded)

    async def _identified(self, headers: Headers, scope: Scope) -> Identity:
        path, peer = scope["path"], scope.get("client")
        try:
            return await self._identify(headers, peer[0] if peer else None)
        except GatewayError as error:
            if isinstance(error, NotAuthenticated):
                whose = None if error.identity is None else error.identity.credential_id
                facts = {"cause": error.cause, "credential_id": whose, "path": path[:200]}
                log.warning("admin_caller_refused", extra=facts)
            raise of_gateway(error) from error

    def _check_host(self, headers: Headers) -> None:
        """A page of elsewhere whose name was made to lead here (DNS rebinding) says that name."""
        given = [value for name, value in headers if name == b"host"]
        host = _host_of(given[0]) if len(given) == 1 else ""
        if not self._is_ours(host):
            raise Problem(
                421,
                "host_not_ours",
                "this is not a name of the admin API: ask it by the address it listens on, or add "
                "the name to admin.hosts in gatehouse.yaml",
            )

    def _is_ours(self, host: str) -> bool:
        if host in ("localhost", self._listen_host) or host in self._hosts():
            return True
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return address.is_loopback or self._listen_host in _WILDCARDS


def _host_of(header: bytes) -> str:
    """The host without its port; empty where the header is none."""
    text = header.decode("latin-1").strip().lower()
    if text.startswith("["):
        address, bracket, _ = text[1:].partition("]")
        return address if bracket else ""
    host, colon, port = text.rpartition(":")
    if not colon:
        return text
    return host if port.isdigit() else ""


def _refuse_other_origins(headers: Headers) -> None:
    """A browser says on whose behalf it asks. Only pages of this listener itself may."""
    named = dict(headers)
    origin = named.get(b"origin")
    if origin is not None:
        is_ours = origin.partition(b"://")[2].lower() == named.get(b"host", b"").lower()
    else:
        is_ours = named.get(b"sec-fetch-site", b"none") in (b"none", b"same-origin")
    if not is_ours:
        raise Problem(
            403, "cross_origin", "pages of other sites may not ask here, whatever key they hold"
        )


async def _whole_body(headers: Headers, receive: Receive) -> Receive:
    """Read the body, which is small or refused; gives it out again."""
    length = dict(headers).get(b"content-length", b"0")
    if length.isdigit() and int(length) > MOST_BODY_BYTES:
        raise _too_large()
    pieces: list[bytes] = []
    held = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return _again(message)
        pieces.append(message.get("body", b""))
        held += len(pieces[-1])
        if held > MOST_BODY_BYTES:
            raise _too_large()
        if not message.get("more_body", False):
            break
    whole = {"type": "http.request", "body": b"".join(pieces), "more_body": False}
    return _first(whole, receive)


def _too_large() -> Problem:
    return Problem(413, "body_too_large", f"a body here has {MOST_BODY_BYTES} bytes at most")


def _again(message: Message) -> Receive:
    async def receive() -> Message:
        return message

    return receive


def _first(message: Message, then: Receive) -> Receive:
    waiting = [message]

    async def receive() -> Message:
        return waiting.pop() if waiting else await then()

    return receive
