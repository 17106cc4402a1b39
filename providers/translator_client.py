"""Send through the translator process: start it, keep it running, speak to it over its socket."""

import asyncio
import logging
import re
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from providers.base import UpstreamCall, UpstreamReply
from providers.errors import ProviderError, ProviderUnavailable, ReplyCut
from providers.http.client import HttpClient
from providers.http.origin import Endpoint, Origin, parse_base_url
from providers.http.reply import HttpReply, ReplyBody, Timeouts
from providers.translation.roads import refuse_without_road
from providers.translator_protocol import (
    DATA,
    END,
    FAILED,
    READY,
    Frames,
    pack_call,
    unpack_error,
)

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 60.0
_STOP_SECONDS = 5.0
_SLACK_SECONDS = 15.0  # the translator gives up first, and says why
_ERROR_LIMIT_BYTES = 1 << 20
_ERROR_KIND = re.compile(rb"([\w.]{1,80}(?:Error|Exception|Warning))(?::|\s*$)", re.ASCII)
_HEADERS = ((b"content-type", b"application/octet-stream"),)


@dataclass(frozen=True, slots=True)
class _Running:
    process: Process
    endpoint: Endpoint


class TranslatorSender:
    """A `Sender` whose calls are translated in a process of its own.

    `environment` is all of the environment that process gets; it needs nothing. Who knows that it
    will be wanted starts it; else the first call does. A call waits `ready_seconds` at most for it
    to serve (LiteLLM's import takes seconds), then fails as `ProviderUnavailable`, as it does after
    `stop`. `timeouts` are those of the vendor's connection.
    """

    def __init__(
        self,
        client: HttpClient,
        *,
        timeouts: Timeouts | None = None,
        ready_seconds: float = 60.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._client = client
        self._timeouts = timeouts or Timeouts()
        self._ready_seconds = ready_seconds
        self._environment = dict(environment or {})
        self._folder: Path | None = None
        self._running: _Running | None = None
        self._ready = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._process: Process | None = None
        self._is_stopped = False

    async def start(self) -> None:
        """Start the process and keep it running. Returns at once; calls wait until it serves."""
        if self._keeper is None and not self._is_stopped:
            self._folder = Path(tempfile.mkdtemp(prefix="gatehouse-"))  # for this user only
            self._keeper = asyncio.create_task(self._keep_running(self._folder))

    async def stop(self) -> None:
        """End the process and forget its socket, for good. Safe to call twice."""
        self._is_stopped = True
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    async def until_ready(self) -> None:
        """Wait until it serves. Raises `ProviderUnavailable` after `ready_seconds`."""
        await self._wait("")

    @property
    def process_id(self) -> int | None:
        """The process that serves now, if one does."""
        return None if self._running is None else self._running.process.pid

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        """See `Sender`."""
        refuse_without_road(call)  # that takes no LiteLLM
        await self.start()
        reply = await self._ask(call)
        if reply.status != 200:
            description = await _read_all(reply.body)
            raise unpack_error(description)
        kept = (b"content-type", b"x-gatehouse-dropped")
        headers = tuple(pair for pair in reply.headers if pair[0] in kept)
        return UpstreamReply(200, headers, _FramedBody(reply.body, call.target.name))

    async def _ask(self, call: UpstreamCall) -> HttpReply:
        running = await self._wait(call.target.name)
        try:
            return await self._request(running, call)
        except ProviderUnavailable as error:
            if not isinstance(error.__cause__, ConnectionRefusedError | FileNotFoundError):
                raise
            if self._running is running:  # it has just died, and nobody has told us yet
                self._running = None
                self._ready.clear()
        return await self._request(await self._wait(call.target.name), call)

    async def _request(self, running: _Running, call: UpstreamCall) -> HttpReply:
        vendor = self._timeouts
        waits = vendor.connect_seconds + vendor.first_byte_seconds + vendor.idle_seconds
        timeouts = Timeouts(
            connect_seconds=vendor.connect_seconds,
            first_byte_seconds=waits + _SLACK_SECONDS,
            idle_seconds=vendor.idle_seconds + _SLACK_SECONDS,
        )
        packed, name = pack_call(call), call.target.name
        return await self._client.request(
            running.endpoint, (), packed, timeouts=timeouts, target=name
        )

    async def _wait(self, target: str) -> _Running:
        if self._running is None and self._keeper is not None:
            try:
                async with asyncio.timeout(self._ready_seconds):
                    await self._ready.wait()
            except TimeoutError:
                pass  # told below
        if self._running is None:
            raise ProviderUnavailable("the translator is not running", target=target)
        return self._running

    # Keeping it running.

    async def _keep_running(self, folder: Path) -> None:
        loop = asyncio.get_running_loop()
        pause, number = _FIRST_PAUSE_SECONDS, 0
        while True:
            number += 1
            started = loop.time()
            code = await self._run_once(folder / f"{number}.sock")
            if loop.time() - started > _STEADY_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            log.warning("translator_ended", extra={"code": code, "next_start_seconds": pause})
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _run_once(self, socket: Path) -> int | None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "providers.translator", "--socket", str(socket)),
            *("--connect-seconds", str(self._timeouts.connect_seconds)),
            *("--first-byte-seconds", str(self._timeouts.first_byte_seconds)),
            *("--idle-seconds", str(self._timeouts.idle_seconds)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._environment,
            start_new_session=True,  # an interrupt at the terminal is the gateway's to handle
            cwd=Path(__file__).parent.parent,
        )
        listener = asyncio.create_task(_log_complaints(process))
        try:
            assert process.stdout is not None
            if await process.stdout.readline() == READY:
                origin, _ = parse_base_url(f"unix:{socket}")
                self._running = _Running(process, _endpoint(origin))
                self._ready.set()
                log.info("translator_ready", extra={"process_id": process.pid})
            return await process.wait()
        finally:
            self._running = None
            self._ready.clear()
            await _end(process)
            await asyncio.gather(listener, return_exceptions=True)


def _endpoint(origin: Origin) -> Endpoint:
    return Endpoint.build("POST", origin, "/", _HEADERS)


async def _end(process: Process) -> None:
    """Let the process go: it stops when its standard input ends, or is killed."""
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is not None:
        return
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except (TimeoutError, asyncio.CancelledError):
        process.kill()
        await process.wait()


async def _log_complaints(process: Process) -> None:
    """Log the kinds of errors it complains of. Their words may quote a request: they stay out."""
    assert process.stderr is not None
    while line := await _read_line(process.stderr):
        kind = _ERROR_KIND.match(line)
        if kind is not None:
            log.warning("translator_complains", extra={"kind": kind[1].decode("ascii")})


async def _read_line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:
        return b"a line over the limit\n"


async def _read_all(body: ReplyBody) -> bytes:
    found = b""
    try:
        while data := await body.read():
            found += data
            if len(found) > _ERROR_LIMIT_BYTES:
                break
    finally:
        await body.aclose()
    return found


class _FramedBody:
    """A `ByteStream` that knows a proper end from a translator that died."""

    def __init__(self, body: ReplyBody, target: str) -> None:
        self._body = body
        self._target = target
        self._frames = Frames()
        self._failure: bytes | None = None
        self._has_ended = False

    async def read(self) -> bytes:
        """See `ByteStream`."""
        while True:
            if self._failure is not None:
                raise unpack_error(self._failure)
            if self._has_ended:
                await self._drain()
                return b""
            data = await self._body.read()
            if not data:
                raise ReplyCut("the translator ended in the middle", target=self._target)
            if found := b"".join(self._take(data)):
                return found

    def _take(self, data: bytes) -> list[bytes]:
        found: list[bytes] = []
        for kind, content in self._frames.feed(data):
            if kind == DATA:
                found.append(content)
            elif kind == FAILED:
                self._failure = content
            elif kind == END:
                self._has_ended = True
        return found

    async def aclose(self) -> None:
        """See `ByteStream`."""
        await self._body.aclose()

    async def _drain(self) -> None:
        """The framing's end follows the last frame at once: read it, and the connection lives."""
        try:
            while await self._body.read():
                pass
        except ProviderError:
            pass  # the reply was whole before
