"""What our own Python costs on the road of a request: no server, no sockets, a real ledger.

    .venv/bin/python -m benchmarks.hot_road [ROAD ...] [--requests N] [--rounds N] [--profile]

The assembled application is called as a server would call it, and its upstream client is a
stand-in that answers at once. Roads are interleaved, the least of all rounds is told: other load on
the machine only ever adds.
"""

import argparse
import asyncio
import cProfile
import json
import pstats
import time
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from benchmarks.bodies import MODEL, SHAPES, anthropic_body, completions_body, openai_body
from gateway.assembly import Gatehouse, assembled
from gateway.call import DEPARTURE, WRITE_NOW, Told
from gateway.main import rest_the_collector
from gateway.settings import ServeOptions
from providers.base import Headers
from providers.http.client import HttpClient
from providers.http.origin import Endpoint
from providers.http.reply import HttpReply, ReplyBody, Timeouts

AT_ONCE = 16
WARM_UP = 48
CHUNKS = 50
PROFILE_LINES = 45
CONFIGURATION = """\
vendors:
  mock:
    kind: in_house
    base_url: "http://127.0.0.1:9"
    wires: [openai_chat, anthropic_messages, openai_completions]
models:
  mock-model: { targets: [mock/mock-model] }
teams:
  default: { models: [mock-model], data_class: internal }
"""

_CHAT = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL}
_CHUNK = {**_CHAT, "object": "chat.completion.chunk"}
_USAGE = {"prompt_tokens": 100, "completion_tokens": 200, "total_tokens": 300}

Pieces = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Road:
    """One kind of request, its answer as the upstream's reads give it, and how often it is run."""

    name: str
    path: str
    body: bytes
    pieces: Pieces
    requests: int


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU microseconds of one request: on the event loop's thread, and in the whole process."""

    loop: float
    process: float


def chat_answer() -> Pieces:
    """A whole chat completion, in one read."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "x" * 1200}}
    choices = [{**choice, "finish_reason": "stop"}]
    return (json.dumps({**_CHAT, "choices": choices, "usage": _USAGE}).encode(),)


def chat_stream() -> Pieces:
    """A streamed chat completion: an opening, 50 words, the stop reason, usage and the end."""
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": f"word {number} "}, None) for number in range(CHUNKS)]
    deltas += [({}, "stop")]
    chunks = [
        {**_CHUNK, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in deltas
    ]
    last = _event({**_CHUNK, "choices": [], "usage": _USAGE}) + b"data: [DONE]\n\n"
    return (*map(_event, chunks), last)


def messages_answer() -> Pieces:
    """A whole Anthropic message, in one read."""
    return (
        json.dumps(
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": MODEL,
                "content": [{"type": "text", "text": "x" * 1200}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 100, "output_tokens": 200},
            }
        ).encode(),
    )


def completion_answer() -> Pieces:
    """A short plain completion, in one read."""
    choice = {"index": 0, "text": "return a + b", "logprobs": None, "finish_reason": "stop"}
    head = {**_CHAT, "object": "text_completion"}
    return (json.dumps({**head, "choices": [choice], "usage": _USAGE}).encode(),)


def _event(document: object) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def roads(requests: int) -> Iterator[Road]:
    """Every road there is; the longer ones are run less often than `requests`."""
    for size, share in (("1kb", 1), ("100kb", 2), ("1mb", 8)):
        body = json.dumps(openai_body(SHAPES[size], streamed=False)).encode()
        count = requests // share
        yield Road(f"chat-{size}", "/v1/chat/completions", body, chat_answer(), count)
    body = json.dumps(openai_body(SHAPES["1kb"], streamed=True)).encode()
    yield Road("chat-1kb-streamed", "/v1/chat/completions", body, chat_stream(), requests // 4)
    for size, share in (("1kb", 1), ("100kb", 2)):
        body = json.dumps(anthropic_body(SHAPES[size], streamed=False)).encode()
        count = requests // share
        yield Road(f"messages-{size}", "/v1/messages", body, messages_answer(), count)
    body = json.dumps(completions_body(SHAPES["4kb"], streamed=False)).encode()
    yield Road("fim-4kb", "/v1/completions", body, completion_answer(), requests)


class StandInBody(ReplyBody):
    """An answer's pieces, pushed one a turn of the loop while somebody waits for them."""

    def __init__(self, pieces: Pieces) -> None:
        super().__init__(self, asyncio.get_running_loop(), "")
        self._left = iter(pieces)

    async def wait(self) -> None:
        self._loop.call_soon(self._arrive)
        await super().wait()

    def _arrive(self) -> None:
        piece = next(self._left, b"")
        self.ended = not piece
        if piece:
            self.push(piece)
        self.wake()
        if self.waiter is not None:
            self._loop.call_soon(self._arrive)

    def resume(self) -> None:
        """There is always room."""

    def abort(self) -> None:
        """There is nobody to hang up on."""


class StandInClient(HttpClient):
    """Answers every request with `pieces`, one turn of the loop later."""

    pieces: Pieces = ()

    async def request(
        self,
        endpoint: Endpoint,
        headers: Headers,
        body: bytes,
        *,
        timeouts: Timeouts,
        target: str = "",
    ) -> HttpReply:
        await asyncio.sleep(0)
        kind = b"text/event-stream" if len(self.pieces) > 1 else b"application/json"
        return HttpReply(200, ((b"content-type", kind),), StandInBody(self.pieces))


class Client:
    """Calls the application as a server would, and checks what comes back."""

    def __init__(self, gatehouse: Gatehouse, key: str) -> None:
        self._application = gatehouse.application
        self._key = key.encode()
        self._told: set[Told] = set()

    async def ask(self, road: Road) -> None:
        """One request to its end. Raises `RuntimeError` when its answer is not a whole one."""
        departure = asyncio.Event()
        messages = [{"type": "http.request", "body": road.body, "more_body": False}]
        answer: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            if not messages:
                await departure.wait()
            return messages.pop()

        async def send(message: MutableMapping[str, Any]) -> None:
            answer.append(message)

        await self._application(self._scope(road), receive, send)
        if answer[0]["status"] != 200 or answer[-1]["more_body"]:
            raise RuntimeError(f"{road.name} was answered with {answer[0]['status']}")

    async def ask_often(self, road: Road, requests: int) -> None:
        """So many requests, `AT_ONCE` at a time."""

        async def one_after_the_other() -> None:
            for _ in range(requests // AT_ONCE):
                await self.ask(road)

        await asyncio.gather(*[one_after_the_other() for _ in range(AT_ONCE)])

    def _scope(self, road: Road) -> MutableMapping[str, Any]:
        headers = [
            (b"host", b"127.0.0.1:7070"),
            (b"user-agent", b"loadgen/1.0"),
            (b"content-type", b"application/json"),
            (b"authorization", b"Bearer " + self._key),
            (b"content-length", b"%d" % len(road.body)),
        ]
        state = {DEPARTURE: self._tell_departure, WRITE_NOW: bool}  # it takes whatever it is given
        scope = {"type": "http", "method": "POST", "path": road.path, "headers": headers}
        return {**scope, "state": state}

    def _tell_departure(self, told: Told) -> Told:
        """Nobody ever leaves here."""
        self._told.add(told)
        return partial(self._told.discard, told)


async def cost_of(client: Client, road: Road, profile: cProfile.Profile | None) -> Cost:
    """What the application spends on each request of a road."""
    await client.ask_often(road, WARM_UP)
    requests = max(road.requests // AT_ONCE, 1) * AT_ONCE
    if profile is not None:
        profile.enable()
    process, loop = time.process_time(), time.thread_time()  # the longer one begins first
    await client.ask_often(road, requests)
    loop, process = time.thread_time() - loop, time.process_time() - process
    if profile is not None:
        profile.disable()
    return Cost(loop / requests * 1e6, process / requests * 1e6)


async def measure(
    chosen: Sequence[Road], rounds: int, profile: cProfile.Profile | None = None
) -> dict[str, Cost]:
    """The least cost of each road, over so many rounds of all of them."""
    upstream = StandInClient()
    costs: dict[str, list[Cost]] = {road.name: [] for road in chosen}
    with TemporaryDirectory() as folder:
        configuration = Path(folder) / "gatehouse.yaml"
        configuration.write_text(CONFIGURATION)
        options = ServeOptions(config=configuration, data=Path(folder) / "data", port=0)
        async with assembled(options, {}, client=upstream) as gatehouse:
            assert gatehouse.first_keys is not None
            client = Client(gatehouse, gatehouse.first_keys.developer)
            rest_the_collector()
            for road in [*chosen] * rounds:
                upstream.pieces = road.pieces
                costs[road.name].append(await cost_of(client, road, profile))
    return {
        name: Cost(min(each.loop for each in found), min(each.process for each in found))
        for name, found in costs.items()
    }


def table(costs: dict[str, Cost]) -> str:
    """The figures, one road a line."""
    lines = [f"{'CPU us a request':<20} {'loop':>8} {'ledger':>8} {'process':>8}"]
    for name, cost in costs.items():
        ledger = cost.process - cost.loop
        lines.append(f"{name:<20} {cost.loop:>8.1f} {ledger:>8.1f} {cost.process:>8.1f}")
    return "\n".join(lines)


def main() -> None:
    """Measure the roads named on the command line, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("roads", nargs="*", metavar="ROAD", help="chat-1kb, messages-100kb, ...")
    parser.add_argument("--requests", type=int, default=4000, help="of 1 KB; larger ones fewer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="also tell where the time goes")
    asked = parser.parse_args()
    known = {road.name: road for road in roads(asked.requests)}
    if unknown := set(asked.roads) - set(known):
        parser.error(f"no such road: {', '.join(sorted(unknown))}; one of: {', '.join(known)}")
    chosen = [known[name] for name in asked.roads or known]
    profile = cProfile.Profile(time.thread_time) if asked.profile else None
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        costs = runner.run(measure(chosen, asked.rounds, profile))
    print(table(costs))
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(PROFILE_LINES)


if __name__ == "__main__":
    main()
