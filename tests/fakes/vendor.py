"""A strict stand-in for a model vendor on a real loopback socket, which misbehaves when told to.

async with FakeVendor() as vendor:
    vendor.says("hello")
    vendor.calls_tool("read_file", {"path": "a.py"}, times=1)   # first this, then "hello"
    vendor.cuts_after(events=3, model="coder")
    ...
    assert vendor.calls[-1].json()["model"] == "coder"
"""

import argparse
import asyncio
import json
import ssl as tls
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from tests.fakes import (
    vendor_anthropic,
    vendor_completions,
    vendor_openai,
    vendor_responses,
)
from tests.fakes.vendor_script import (
    HEAD,
    Canned,
    Chop,
    Cut,
    Ending,
    Failure,
    Framing,
    Script,
    TokenUsage,
    ToolCall,
)
from tests.fakes.vendor_server import Call, Connections, Reply
from tests.fakes.vendor_strict import Fields, RefusedError
from tests.fakes.waiting import IN_VAIN_SECONDS

__all__ = ["Call", "Ending", "FakeVendor", "Framing", "TokenUsage", "ToolCall"]

JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"


@dataclass(slots=True)
class _Once:
    model: str | None
    script: Script


class FakeVendor:
    """OpenAI chat completions and responses, Anthropic messages and the smaller ones on one port.

    Every method that scripts behaviour takes `model` (only requests that name it) and `times`
    (only that often, in the order given, before what holds otherwise). Without `times` it adds to
    what holds from now on. `key=None` asks for no key, like an in-house engine;
    `bearer_everywhere` wants it as such engines do, also on messages. `extra_fields` are body
    fields this vendor knows beyond its protocol.
    """

    def __init__(
        self,
        *,
        key: str | None = "vendor-key",
        bearer_everywhere: bool = False,
        prefixes: tuple[str, ...] = ("/v1",),
        models: tuple[str, ...] = ("standin",),
        extra_fields: Fields | None = None,
        ssl: tls.SSLContext | None = None,
        unix: str | None = None,
        port: int = 0,
    ) -> None:
        self.calls: list[Call] = []
        self.refusals: list[str] = []  # why requests were refused: empty when all were proper
        self.connections = Connections()
        self.port = port
        self._key = key
        self._bearer_everywhere = bearer_everywhere
        self._prefixes = prefixes
        self._models = models
        self._extra_fields = extra_fields or {}
        self._ssl = ssl
        self._unix = unix
        self._standing: dict[str | None, Script] = {None: Script()}
        self._once: list[_Once] = []
        self._answer: Callable[[Call], Script] | None = None
        self._server: asyncio.Server | None = None
        self._arrived = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self.accepts()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.refuses()

    @property
    def url(self) -> str:
        """The root, without a prefix: `http://127.0.0.1:PORT`, or `unix:/path`."""
        if self._unix is not None:
            return f"unix:{self._unix}"
        return f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}"

    async def accepts(self) -> None:
        """Listen (again, on the same port)."""
        if self._unix is not None:
            self._server = await asyncio.start_unix_server(self._serve, self._unix, ssl=self._ssl)
            return
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._ssl, limit=1 << 20
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuses(self) -> None:
        """Stop listening and drop every connection: the next dial is refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.connections.drop_all()

    async def drops_connections(self) -> None:
        """Close what is open, keep listening: kept-alive connections of the client go stale."""
        await self.connections.drop_all()

    async def until_called(self, times: int = 1, timeout_seconds: float = IN_VAIN_SECONDS) -> Call:
        """Wait until so many requests have come; the newest of them."""
        async with self._arrived:
            enough = self._arrived.wait_for(lambda: len(self.calls) >= times)
            await asyncio.wait_for(enough, timeout_seconds)
        return self.calls[times - 1]

    # What the model says.

    def says(
        self,
        text: str = "",
        *,
        pieces: tuple[str, ...] | None = None,
        reasoning: str = "",
        finish: str | None = None,
        model: str | None = None,
        times: int | None = None,
    ) -> None:
        """Answer with text, streamed word by word or in the `pieces` given."""
        said = "".join(pieces) if pieces is not None else text
        change = {"text": said, "pieces": pieces, "reasoning": reasoning}
        self._script(model, times, **change, finish=finish, tool_calls=(), failure=None)

    def calls_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | str,
        *,
        text: str = "",
        model: str | None = None,
        times: int | None = None,
    ) -> None:
        """Answer with one tool call; arguments as text are sent as they are."""
        self.calls_tools(ToolCall(name, arguments), text=text, model=model, times=times)

    def calls_tools(
        self,
        *calls: ToolCall,
        text: str = "",
        model: str | None = None,
        times: int | None = None,
    ) -> None:
        """Answer with several tool calls at once."""
        change = {"tool_calls": calls, "text": text, "pieces": None, "failure": None}
        self._script(model, times, **change)

    def uses(
        self, usage: TokenUsage | None, *, model: str | None = None, times: int | None = None
    ) -> None:
        """Report these tokens; None reports none at all."""
        self._script(model, times, usage=usage)

    def counts(
        self, input_tokens: int, *, model: str | None = None, times: int | None = None
    ) -> None:
        """Answer token counts with this number."""
        self._script(model, times, count=input_tokens)

    # How it misbehaves.

    def fails(
        self,
        status: int = 500,
        *,
        kind: str | None = None,
        message: str = "the stand-in was told to fail",
        code: str | None = None,
        retry_after: str | None = None,
        model: str | None = None,
        times: int | None = None,
    ) -> None:
        """Answer with an error status in the protocol's own shape."""
        headers = () if retry_after is None else (("retry-after", retry_after),)
        failure = Failure(status, kind, message, code, headers)
        self._script(model, times, failure=failure)

    def answers(
        self,
        status: int,
        body: bytes,
        *,
        content_type: str = JSON,
        headers: tuple[tuple[str, str], ...] = (),
        model: str | None = None,
        times: int | None = None,
    ) -> None:
        """Answer word for word: HTML, nothing, a redirect, whatever."""
        canned = Canned(status, (("content-type", content_type), *headers), body)
        self._script(model, times, canned=canned)

    def cuts_after(
        self,
        *,
        events: int | None = None,
        body_bytes: int | None = None,
        ending: Ending = Ending.CLOSE,
        model: str | None = None,
        times: int | None = None,
    ) -> None:
        """Break off after so many events, or bytes of the body."""
        self._script(model, times, cut=Cut(ending, events, body_bytes))

    def holds(self, *, before_event: int = HEAD, model: str | None = None) -> asyncio.Event:
        """Wait before the head (or that event, from 0) until the returned event is set."""
        gate = asyncio.Event()
        held = self._standing.get(model, self._standing[None]).gates
        self._script(model, None, gates=(*held, (before_event, gate)))
        return gate

    def behaves(self, *, model: str | None = None, times: int | None = None, **change: Any) -> None:
        """Change any field of `Script`: `resets`, `closes`, `silent`, `chop`, `newline`, ..."""
        self._script(model, times, **change)

    def chops(self, chop: Chop, *, model: str | None = None) -> None:
        """Write the body in the pieces that `chop` makes of it."""
        self._script(model, None, chop=chop)

    def follows(self, answer: Callable[[Call], Script]) -> None:
        """Do with each request what this says of it, whatever else was scripted."""
        self._answer = answer

    def recovers(self) -> None:
        """Forget everything scripted."""
        self._standing = {None: Script()}
        self._once.clear()
        self._answer = None

    async def begins_anew(self) -> None:
        """Forget everything scripted and all that was asked, and hang up on everybody."""
        self.recovers()
        await self.drops_connections()
        self.calls.clear()
        self.refusals.clear()

    def _script(self, model: str | None, times: int | None, **change: Any) -> None:
        script = replace(self._standing.get(model, self._standing[None]), **change)
        if times is None:
            self._standing[model] = script
        else:
            self._once += [_Once(model, script)] * times

    def _script_for(self, call: Call) -> Script:
        if self._answer is not None and call.method == "POST":
            return self._answer(call)
        model = call.model
        for at, once in enumerate(self._once):
            if once.model in (None, model):
                del self._once[at]
                return once.script
        return self._standing.get(model, self._standing[None])

    # How it serves.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for call, exchange in self.connections.requests(reader, writer):
                self.calls.append(call)
                async with self._arrived:
                    self._arrived.notify_all()
                script = self._script_for(call)
                await exchange.answer(*self._reply(call, script))
        except asyncio.CancelledError:
            pass  # dropped by the test

    def _reply(self, call: Call, script: Script) -> tuple[Script, Reply]:
        wire = _wire_at(call.path.removeprefix("/v1"))
        try:
            return self._proper_reply(call, script)
        except RefusedError as refused:
            self.refusals.append(refused.message)
            failure = Failure(refused.status, message=refused.message, code=None)
            return Script(), Reply(refused.status, JSON, [wire.error(failure)])

    def _proper_reply(self, call: Call, script: Script) -> tuple[Script, Reply]:
        path = self._path(call)
        self._check_key(call, anthropic=path.startswith("/messages"))
        if path == "/models":
            return script, Reply(200, JSON, [self._model_list()])
        body = self._parse(call)
        counting = path.endswith("/count_tokens")
        wire = _wire_at(path)
        check = vendor_anthropic.check_count if counting else wire.check
        check(body, self._extra_fields)
        if script.canned is not None:
            canned = script.canned
            content_type = dict(canned.headers)["content-type"]
            headers = (*script.headers, *canned.headers[1:])
            reply = Reply(canned.status, content_type, [canned.body])
            return replace(script, headers=headers), reply
        if script.failure is not None:
            failure = script.failure
            bare = replace(script, headers=(*script.headers, *failure.headers))
            return bare, Reply(failure.status, JSON, [wire.error(failure)])
        if counting:
            return script, Reply(200, JSON, [vendor_anthropic.count(script)])
        if not body.get("stream"):
            return script, Reply(200, JSON, [wire.document(script, body, len(self.calls))])
        events = wire.events(script, body, len(self.calls))
        return script, Reply(200, EVENTS, spoil(script, events, wire.error_event), streamed=True)

    def _path(self, call: Call) -> str:
        for prefix in self._prefixes:
            path = call.path.removeprefix(prefix)
            if call.path.startswith(prefix) and path in METHODS:
                if call.method != METHODS[path]:
                    raise RefusedError("", f"{call.method} is not allowed here", status=405)
                return path
        raise RefusedError("", f"no such path: {call.path}", status=404)

    def _check_key(self, call: Call, *, anthropic: bool) -> None:
        if self._key is None:
            return
        anthropic = anthropic and not self._bearer_everywhere
        bearer, api_key = call.header("authorization"), call.header("x-api-key")
        proper = bearer == f"Bearer {self._key}" or (anthropic and api_key == self._key)
        if not proper or (bearer and api_key):
            raise RefusedError("", "the key is missing, wrong or in the wrong header", status=401)
        if anthropic and call.header("anthropic-version") is None:
            raise RefusedError("anthropic-version", "anthropic-version: this header is required")

    def _model_list(self) -> bytes:
        models = [{"id": name, "object": "model", "owned_by": "standin"} for name in self._models]
        return json.dumps({"object": "list", "data": models}).encode()

    @staticmethod
    def _parse(call: Call) -> Any:
        if (call.header("content-type") or "").split(";")[0] != JSON:
            raise RefusedError("content-type", "content-type: application/json is required")
        try:
            return json.loads(call.body)
        except ValueError as error:
            raise RefusedError("", "the body is not JSON") from error


def _wire_at(path: str) -> Any:
    if path == "/responses":
        return vendor_responses
    if "/messages" in path:
        return vendor_anthropic
    return vendor_completions.ENDPOINTS.get(path, vendor_openai)


METHODS = {
    "/chat/completions": "POST",
    "/responses": "POST",
    "/messages": "POST",
    "/messages/count_tokens": "POST",
    "/models": "GET",
    **dict.fromkeys(vendor_completions.ENDPOINTS, "POST"),
}


def spoil(script: Script, events: list[bytes], error_event: Any) -> list[bytes]:
    """Put into a proper stream what the script wants wrong with it."""
    if script.bad_event_at is not None:
        events[script.bad_event_at] = b'data: {"this is": not JSON\n\n'
    if script.error_event_at is not None:
        failure = Failure(529, message="the stand-in is overloaded", code="overloaded")
        rest = [] if script.error_event_ends else events[script.error_event_at :]
        events = [*events[: script.error_event_at], error_event(failure), *rest]
    if script.insert is not None:
        at, raw = script.insert
        events = [*events[:at], raw, *events[at:]]
    return [event.replace(b"\n", script.newline) for event in events]


async def main() -> None:
    """Serve on a port until interrupted, to try the product by hand."""
    parser = argparse.ArgumentParser(description="A stand-in vendor on loopback.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", default=None, help="the key to ask for; none by default")
    parser.add_argument("--says", default="Hello from the stand-in.")
    parser.add_argument("--fails", type=int, default=None, metavar="STATUS")
    parser.add_argument("--seconds-between-events", type=float, default=0.0)
    options = parser.parse_args()
    async with FakeVendor(key=options.key, port=options.port) as vendor:
        vendor.says(options.says)
        vendor.behaves(seconds_between_events=options.seconds_between_events)
        if options.fails is not None:
            vendor.fails(options.fails)
        print(f"listening on {vendor.url}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
