"""The door: what it takes, what it turns away, and that it always answers once."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.calls import Calls, Patience
from gateway.errors import (
    GatewayError,
    HeadersTooLarge,
    MalformedRequest,
    NotAuthenticated,
    UnsupportedMediaType,
)
from gateway.front import Front, FrontDoor, check_headers
from gateway.inbound import Inbound, Outbound, WriteNow
from gateway.wire.base import Answer
from gateway.wire.gemini import Gemini, GeminiFamily
from policy.types import Identity
from providers.base import Headers
from tests.fakes.hot_road import BODY, CHAT, Connection
from tests.fakes.ledger import an_exchange
from tests.fakes.waiting import until

JSON = (b"content-type", b"application/json")
Serve = Callable[[Inbound], Awaitable[Outbound]]


class StubPipeline:
    """Answers as it is told, and remembers what it refused."""

    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        self.stranger: NotAuthenticated | None = None
        self.on_record_as: str | None = None
        self.unread: list[GatewayError] = []
        self.asked: list[Headers] = []

    def identify(self, headers: Headers) -> Identity:
        self.asked.append(headers)
        if self.stranger is not None:
            raise self.stranger
        return an_exchange("gh-1").identity

    def body_limit(self) -> int:
        return 1000

    async def note_stranger(self, head: Any, error: NotAuthenticated) -> str:
        self.noted = error
        return self.on_record_as or str(head.audit_id)

    async def refuse_unread(self, head: Any, identity: Any, error: GatewayError) -> Answer:
        self.unread.append(error)
        return CHAT.phrase_error(error, head.audit_id)


class Pieces:
    def __init__(self, *pieces: bytes | Exception, lingers: bool = False) -> None:
        self._pieces = pieces
        self._lingers = lingers
        self.closed = 0
        self.write_now: WriteNow | None = None

    def prefer(self, write_now: WriteNow) -> None:
        self.write_now = write_now

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece
        if self._lingers:
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.closed += 1


class Door:
    """A front over a stub, and one connection to it."""

    def __init__(self, answer: Outbound | Exception | None = None) -> None:
        async def serve(inbound: Inbound) -> Outbound:
            if isinstance(answer, Exception):
                raise answer
            if answer is None:
                await asyncio.Event().wait()
            assert answer is not None
            return answer

        self.pipeline = StubPipeline(serve)
        self.revoked: set[str] = set()
        self.calls = Calls(Patience(), lambda caller: caller.credential_id in self.revoked)
        self.front = Front(
            (CHAT,),
            self.pipeline,  # type: ignore[arg-type]  # as much of one as is asked
            self.calls,
            lambda: "gh-1",
            last_words_seconds=0.05,
        )
        self.connection = Connection()

    def task(self, body: bytes = BODY) -> "asyncio.Task[None]":
        connection = self.connection
        connection.brings(body)
        return asyncio.create_task(
            self.front.serve(CHAT, connection.scope(), connection.receive, connection.send)
        )

    async def under_way(self) -> None:
        await until(lambda: any(call.is_streaming for call in self.calls))


def whole(body: bytes = b"{}") -> Outbound:
    return Outbound(200, (JSON,), body)


async def test_a_whole_answer_goes_out_with_the_exchanges_names() -> None:
    door = Door(whole())
    await door.task()
    start, body = door.connection.sent
    assert (start["status"], body["body"]) == (200, b"{}")
    assert (b"x-gatehouse-audit-id", b"gh-1") in start["headers"]
    assert len(door.calls) == 0


async def test_a_stream_goes_out_piece_by_piece_and_is_closed() -> None:
    pieces = Pieces(b"one", b"two")
    door = Door(Outbound(200, (), pieces))
    await door.task()
    assert door.connection.bodies == [b"one", b"two", b""]
    assert pieces.closed == 1


async def test_a_stream_may_write_at_once_between_its_pieces() -> None:
    pieces = Pieces(b"one", lingers=True)
    door = Door(Outbound(200, (), pieces))
    serving = door.task()
    await until(lambda: door.connection.bodies)
    assert pieces.write_now is not None
    assert pieces.write_now(b"two")
    assert door.connection.bodies == [b"one", b"two"]
    door.connection.hangs_up()
    await serving


async def test_a_stream_whose_client_leaves_before_its_head_is_closed() -> None:
    pieces = Pieces(b"one")
    door = Door(Outbound(200, (), pieces))
    door.connection.reads.clear()
    serving = door.task()
    await door.under_way()
    door.connection.hangs_up()
    await serving
    assert pieces.closed == 1
    assert door.connection.sent == []


async def test_an_unexpected_error_is_told_without_its_words() -> None:
    door = Door(RuntimeError("secret sk-1"))
    await door.task()
    assert door.connection.statuses == [500]
    assert b"sk-1" not in door.connection.body
    assert b"gh-1" in door.connection.body


async def test_an_unexpected_error_in_a_stream_is_told_in_it() -> None:
    door = Door(Outbound(200, (), Pieces(b"one", RuntimeError("secret sk-1"))))
    await door.task()
    assert door.connection.statuses == [200]
    assert b"internal_error" in door.connection.body
    assert door.connection.body.endswith(b"data: [DONE]\n\n")


async def test_a_refusal_after_a_keep_alive_is_told_in_the_stream() -> None:
    gate = asyncio.Event()
    door = Door()

    async def serve(inbound: Inbound) -> Outbound:
        await gate.wait()
        return Outbound(400, (JSON,), b'{"error":{"message":"ask ann"}}')

    door.pipeline.serve = serve
    serving = door.task()
    await door.under_way()
    door.calls.tick(asyncio.get_running_loop().time() + 1e6)
    gate.set()
    await serving
    assert door.connection.statuses == [200]
    assert b'"message":"ask ann (' in door.connection.body


async def test_a_stranger_is_noted_and_told() -> None:
    door = Door(whole())
    door.pipeline.stranger = NotAuthenticated(cause="unknown")
    await door.task()
    assert door.connection.statuses == [401]
    assert door.pipeline.noted is door.pipeline.stranger


async def test_a_stranger_is_told_the_audit_id_that_is_on_record() -> None:
    door = Door(whole())
    door.pipeline.stranger = NotAuthenticated(cause="revoked")
    door.pipeline.on_record_as = "gh-before"
    await door.task()
    (head,) = [each for each in door.connection.sent if each["type"] == "http.response.start"]
    assert dict(head["headers"])[b"x-gatehouse-audit-id"] == b"gh-before"


async def test_an_unreadable_body_is_refused_by_the_pipeline() -> None:
    door = Door(whole())
    await door.task(b"{nope")
    assert door.connection.statuses == [400]
    assert isinstance(door.pipeline.unread[0], MalformedRequest)


async def test_a_client_that_leaves_gets_nothing_more() -> None:
    door = Door()
    serving = door.task()
    await door.under_way()
    door.connection.hangs_up()
    await serving
    assert door.connection.sent == []
    assert len(door.calls) == 0


async def test_a_client_that_never_reads_is_hung_up_on() -> None:
    pieces = Pieces(b"one", b"two")
    door = Door(Outbound(200, (), pieces))
    door.connection.reads.clear()
    serving = door.task()
    await door.under_way()
    door.calls.tick(asyncio.get_running_loop().time() + 1e6)
    await serving
    assert door.connection.aborted
    assert pieces.closed == 1


async def test_a_shutdown_is_told_before_the_answer() -> None:
    door = Door()
    serving = door.task()
    await door.under_way()
    await door.calls.end_all(1.0)
    assert door.connection.statuses == [503]
    assert serving.done()


async def test_a_shutdown_is_told_in_a_running_stream() -> None:
    pieces = Pieces(b"one", lingers=True)
    door = Door(Outbound(200, (), pieces))
    serving = door.task()
    await until(lambda: door.connection.bodies)
    await door.calls.end_all(1.0)
    assert b"shutting_down" in door.connection.body
    assert pieces.closed == 1
    assert serving.done()


async def test_a_shutdown_does_not_wait_for_a_client_that_never_reads() -> None:
    door = Door()
    serving = door.task()
    await door.under_way()
    door.connection.reads.clear()
    await door.calls.end_all(0.01)
    serving.cancel()
    await asyncio.wait([serving])
    assert serving.exception() is None


def revoke(door: Door) -> None:
    """End the key of everybody at this door, and let that be noticed."""
    door.revoked.add(an_exchange("gh-1").identity.credential_id)
    door.calls.tick(asyncio.get_running_loop().time())


async def test_a_revoked_key_is_told_before_the_answer() -> None:
    door = Door()
    serving = door.task()
    await door.under_way()
    revoke(door)
    await serving
    assert door.connection.statuses == [401]
    assert b"revoked" in door.connection.body


async def test_a_revoked_key_is_told_in_a_running_stream() -> None:
    pieces = Pieces(b"one", lingers=True)
    door = Door(Outbound(200, (), pieces))
    serving = door.task()
    await until(lambda: door.connection.bodies)
    revoke(door)
    await serving
    assert b"the key was revoked" in door.connection.body
    assert pieces.closed == 1


async def test_a_client_with_a_revoked_key_that_never_reads_is_hung_up_on() -> None:
    door = Door()
    serving = door.task()
    await door.under_way()
    door.connection.reads.clear()
    revoke(door)
    await serving
    assert door.connection.aborted


async def test_a_body_that_is_still_coming_under_a_revoked_key_is_not_read_on() -> None:
    door = Door(whole())
    connection = door.connection
    connection.brings(b"{", more=True)
    serving = asyncio.create_task(
        door.front.serve(CHAT, connection.scope(), connection.receive, connection.send)
    )
    await until(lambda: any(call.identity for call in door.calls))
    revoke(door)
    await serving
    assert door.connection.statuses == [401]


@pytest.mark.parametrize(
    "content_type",
    [b"application/json", b"Application/JSON; charset=utf-8", b"application/vnd.x+json"],
)
def test_json_under_any_of_its_names_is_taken(content_type: bytes) -> None:
    check_headers(((b"content-type", content_type),))


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((b"content-type", b"text/plain"),),
        ((b"content-type", b"application/jsonp"),),
        (JSON, (b"content-encoding", b"gzip")),
        (JSON, (b"content-encoding", b"identity, br")),
    ],
)
def test_anything_else_is_not(headers: Headers) -> None:
    with pytest.raises(UnsupportedMediaType):
        check_headers(headers)


def test_headers_of_64_kb_are_too_many() -> None:
    check_headers((JSON, (b"x", b"a" * 65_000)))
    with pytest.raises(HeadersTooLarge):
        check_headers((JSON, *[(b"x-%d" % number, b"a" * 100) for number in range(650)]))


def test_only_posts_to_a_wires_own_path_are_for_the_front() -> None:
    front = Door().front
    scope = Connection().scope()
    assert front.wire_at(scope) is CHAT
    assert front.wire_at({**scope, "method": "GET"}) is None
    assert front.wire_at({**scope, "path": "/v1/models"}) is None
    assert front.wire_at({**scope, "type": "websocket"}) is None


@pytest.mark.parametrize(("path", "by_front"), [(CHAT.path, True), ("/healthz", False)])
async def test_the_door_hands_everything_else_to_the_application(path: str, by_front: bool) -> None:
    door, taken = Door(whole()), []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        taken.append(scope["path"])

    connection = door.connection
    connection.brings(BODY)
    entrance = FrontDoor(door.front, app)
    await entrance(connection.scope(path), connection.receive, connection.send)
    assert (connection.statuses, taken) == (([200], []) if by_front else ([], [path]))


async def test_without_a_front_the_application_gets_everything() -> None:
    taken = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        taken.append(scope["path"])

    connection = Connection()
    await FrontDoor(None, app)(connection.scope(), connection.receive, connection.send)
    assert taken == [CHAT.path]


PATH = "/v1beta/models/coder:streamGenerateContent"
GEMINI_BODY = b'{"contents":[{"parts":[{"text":"hi"}]}]}'


def family_door(answer: Outbound) -> Door:
    """A front that knows the Gemini family beside the one plain wire."""
    door = Door(answer)
    families = (GeminiFamily(lambda model, size: size),)
    door.front = Front((CHAT,), door.pipeline, door.calls, lambda: "gh-1", families)  # type: ignore[arg-type]
    return door


async def posted(door: Door, query: bytes, path: str = PATH, body: bytes = GEMINI_BODY) -> None:
    connection = door.connection
    connection.brings(body)
    scope = {**connection.scope(path), "query_string": query}
    wire = door.front.wire_at(scope)
    assert wire is not None
    await door.front.serve(wire, scope, connection.receive, connection.send)


def test_a_family_is_asked_for_what_is_no_plain_wires_path() -> None:
    front = family_door(whole()).front
    scope = Connection().scope(PATH)
    wire = front.wire_at(scope)
    assert isinstance(wire, Gemini)
    assert wire.model == "coder"
    assert front.wire_at({**scope, "path": "/v1beta/models/coder"}) is None
    assert front.wire_at({**scope, "path": "/elsewhere"}) is None
    assert front.wire_at({**scope, "method": "GET"}) is None


async def test_a_key_in_the_query_is_read_on_a_familys_path_and_on_no_other() -> None:
    door = family_door(whole())
    await posted(door, b"alt=sse&key=gth_abc")
    await posted(door, b"key=gth_abc", CHAT.path, BODY)
    keys = [value for headers in door.pipeline.asked for name, value in headers if name == b":key"]
    assert (len(door.pipeline.asked), keys) == (2, [b"gth_abc"])


async def test_a_stream_goes_out_as_events_or_as_one_array() -> None:
    event = b'data: {"a":1}\n\n'
    for query, body in ((b"alt=sse", event * 2), (b"", b'[{"a":1},\r\n{"a":1}]')):
        door = family_door(Outbound(200, (), Pieces(event, event)))
        await posted(door, query)
        assert door.connection.body == body


async def test_an_array_that_breaks_off_ends_with_an_error_and_is_json() -> None:
    pieces = Pieces(b'data: {"a":1}\n\n', RuntimeError("a secret"))
    door = family_door(Outbound(200, (), pieces))
    await posted(door, b"")
    said, error = json.loads(door.connection.body)
    assert said == {"a": 1}
    assert error["error"]["status"] == "UNAVAILABLE"
    assert "secret" not in str(error)


async def test_what_a_path_says_wrong_is_refused_in_the_protocols_form() -> None:
    door = family_door(whole())
    await posted(door, b"alt=proto")
    assert [type(error) for error in door.pipeline.unread] == [MalformedRequest]
