"""The hot road's door: a plain ASGI callable before FastAPI, for the model endpoints only."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing

from gateway.call import Call, ClientLeft, Interruption, Receive, Scope, Send
from gateway.callers import Unverified
from gateway.calls import Calls
from gateway.errors import (
    GatewayError,
    HeadersTooLarge,
    NotAuthenticated,
    ShuttingDown,
    UnsupportedMediaType,
)
from gateway.identity import with_query_key
from gateway.inbound import Inbound, Outbound
from gateway.pipeline import Pipeline
from gateway.refusal import Head
from gateway.wire.base import Answer, Reading, Wire, WireFamily
from providers.base import Headers
from providers.told import told_in

log = logging.getLogger("gatehouse.front")

ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
HEADER_LIMIT_BYTES = 64 * 1024
LAST_WORDS_SECONDS = 5.0
"""How long a client may take to read why its answer ends."""


class Front:
    """Takes POSTs to a wire's path; hands everything else to `app`."""

    def __init__(
        self,
        wires: Iterable[Wire],
        pipeline: Pipeline,
        calls: Calls,
        new_audit_id: Callable[[], str],
        families: Iterable[WireFamily] = (),
        last_words_seconds: float = LAST_WORDS_SECONDS,
    ) -> None:
        self._wires = {wire.path: wire for wire in wires}
        self._families = tuple(families)
        self._pipeline = pipeline
        self._calls = calls
        self._new_audit_id = new_audit_id
        self._last_words_seconds = last_words_seconds

    def wire_at(self, scope: Scope) -> Wire | None:
        """The wire this request speaks, if it is one for the hot road."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        wire = self._wires.get(scope["path"])
        return wire or self._wire_of_family(scope)

    def _wire_of_family(self, scope: Scope) -> Wire | None:
        path, query = scope["path"], scope.get("query_string", b"")
        made = (family.wire_at(path, query) for family in self._families)
        return next((wire for wire in made if wire is not None), None)

    async def serve(self, wire: Wire, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens. The one edge that catches everything."""
        if wire.path not in self._wires:
            query = scope.get("query_string", b"")
            scope["headers"] = with_query_key(tuple(scope["headers"]), query)
        call = Call(wire, scope, receive, send, self._new_audit_id())
        self._calls.open(call)
        try:
            await self._answer_or_fail(call)
        except asyncio.CancelledError:
            await self._end_interrupted(call)
        finally:
            self._calls.close(call)

    async def _answer_or_fail(self, call: Call) -> None:
        try:
            await self._answer(call)
        except GatewayError as error:
            await self._fail(call, error)
        except ClientLeft:
            log.info("client_left_while_sending", extra={"audit_id": call.audit_id})
        except Exception:
            log.exception("unexpected", extra={"audit_id": call.audit_id})
            await self._fail(
                call, GatewayError(f"the gateway failed; tell your platform team: {call.audit_id}")
            )

    async def _answer(self, call: Call) -> None:
        head = Head(call.audit_id, call.wire, call.path, call.headers)
        try:
            identity = self._pipeline.identify(call.headers)
            if isinstance(identity, Unverified):
                identity = await self._pipeline.verify(identity)
        except NotAuthenticated as error:
            call.audit_id = await self._pipeline.note_stranger(head, error)
            raise
        call.identity = identity
        try:
            reading = await self._read(call)
        except GatewayError as error:
            answer = await self._pipeline.refuse_unread(head, identity, error)
            await call.answer(answer, call.identifying_headers())
            return
        call.watch()
        call.is_streaming = reading.facts.streaming
        inbound = Inbound(
            audit_id=call.audit_id,
            wire=call.wire,
            path=call.path,
            headers=call.headers,
            identity=identity,
            reading=reading,
            client_left=call.has_left,
            why_cut=call.why_cut,
            address=call.address,
        )
        await self._deliver(call, await self._pipeline.serve(inbound))

    async def _read(self, call: Call) -> Reading:
        check_headers(call.headers)
        body = await call.read_body(self._pipeline.body_limit())
        return call.wire.read(body)

    async def _deliver(self, call: Call, outbound: Outbound) -> None:
        if outbound.audit_id is not None:
            call.audit_id = outbound.audit_id
        if isinstance(outbound.body, bytes):
            answer = Answer(outbound.status, outbound.headers, outbound.body)
            await self._send_whole(call, answer)
            return
        async with aclosing(outbound.body) as stream:
            await call.start_stream(
                (*call.stream_headers(), *outbound.headers, *call.identifying_headers())
            )
            stream.prefer(call.write_now)
            async for piece in stream:
                await call.write(piece)
        await call.finish()

    async def _fail(self, call: Call, error: GatewayError) -> None:
        answer = call.wire.phrase_error(error, call.audit_id)
        await self._send_whole(call, answer, cut=(error.code, error.message))

    async def _send_whole(
        self, call: Call, answer: Answer, cut: tuple[str, str] | None = None
    ) -> None:
        if not await call.has_started():
            await call.answer(answer, call.identifying_headers())
            return
        # A keep-alive had to go out first, so the status is spent: say it in the protocol.
        told = told_in(answer.body) or answer.body.decode(errors="replace")
        code, message = cut or ("refused", told)
        await call.finish(call.wire.phrase_cut(code, message, call.audit_id))

    async def _end_interrupted(self, call: Call) -> None:
        call.resume()
        if call.interruption is Interruption.STALLED_READER:
            await call.hang_up()
        if call.interruption is not None:
            log.info(call.interruption.value, extra={"audit_id": call.audit_id})
        if call.has_left():
            return
        why: GatewayError = ShuttingDown("the gateway is shutting down; ask again")
        if call.interruption is Interruption.KEY_REVOKED:
            why = NotAuthenticated.revoked_meanwhile()
        try:
            async with asyncio.timeout(self._last_words_seconds):
                await self._fail(call, why)
        except asyncio.CancelledError:
            log.info("client_not_told", extra={"audit_id": call.audit_id})
        except TimeoutError:
            await call.hang_up()


def check_headers(headers: Headers) -> None:
    """Refuse header sections and declared content that no assistant sends.

    Raises `HeadersTooLarge` or `UnsupportedMediaType`.
    """
    size = 0
    content_type = b""
    for name, value in headers:
        size += len(name) + len(value) + 4
        if name == b"content-type":
            content_type = value
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise UnsupportedMediaType("send the body without content-encoding")
    if size > HEADER_LIMIT_BYTES:
        raise HeadersTooLarge(f"the request's headers are larger than {HEADER_LIMIT_BYTES} bytes")
    media_type = content_type.split(b";", 1)[0].strip().lower()
    if media_type != b"application/json" and not media_type.endswith(b"+json"):
        raise UnsupportedMediaType("send the body as JSON, with content-type: application/json")


class FrontDoor:
    """The application the server runs: the front for the wires, `app` for everything else.

    Without a front the application answers the wires too, the same, only slower.
    """

    def __init__(self, front: Front | None, app: ASGIApp) -> None:
        self._front = front
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """ASGI, in its third form."""
        wire = None if self._front is None else self._front.wire_at(scope)
        if self._front is not None and wire is not None:
            return self._front.serve(wire, scope, receive, send)
        return self._app(scope, receive, send)
