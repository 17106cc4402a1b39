"""The translator: a process of its own in which LiteLLM lives, away from the gateway's hot loop.

python -m providers.translator --socket PATH

It serves one unix socket, and ends when its parent does: standard input is then at its end.
"""

import argparse
import asyncio
import os
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from providers.base import Headers, Sender, UpstreamReply
from providers.errors import ProviderError, ProviderUnavailable
from providers.http.client import HttpClient
from providers.http.reply import Timeouts
from providers.translated import TranslatedSender
from providers.translator_protocol import (
    DATA,
    END,
    FAILED,
    READY,
    pack_error,
    pack_frame,
    unpack_call,
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_FAILURE_HEADERS: Headers = ((b"content-type", b"application/json"),)


class TranslatorApp:
    """The ASGI application: one call a request, cancelled when the gateway hangs up."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        body = await _read_body(receive)
        if body is None:
            return
        answering = asyncio.ensure_future(self._answer(body, send))
        leaving = asyncio.ensure_future(_until_left(receive))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not answering.done():
                answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
        if not answering.cancelled():
            answering.result()

    async def _answer(self, body: bytes, send: Send) -> None:
        try:
            reply = await self._sender.send(unpack_call(body))
        except ProviderError as error:
            await _send_whole(send, 502, pack_error(error))
            return
        except (ValueError, LookupError):
            malformed = ProviderUnavailable("the translator was not told a call")
            await _send_whole(send, 502, pack_error(malformed))
            return
        try:
            await _relay(reply, send)
        finally:
            await reply.body.aclose()


async def _relay(reply: UpstreamReply, send: Send) -> None:
    headers = list(reply.headers)
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    last = pack_frame(END)
    try:
        while data := await reply.body.read():
            frame = pack_frame(DATA, data)
            await send({"type": "http.response.body", "body": frame, "more_body": True})
    except ProviderError as error:
        last = pack_frame(FAILED, pack_error(error))
    await send({"type": "http.response.body", "body": last, "more_body": False})


async def _send_whole(send: Send, status: int, body: bytes) -> None:
    length = (b"content-length", b"%d" % len(body))
    headers = [*_FAILURE_HEADERS, length]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _read_body(receive: Receive) -> bytes | None:
    pieces: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _AnnouncingServer(uvicorn.Server):
    """A server that says so on `ready` once it accepts calls."""

    def __init__(self, config: uvicorn.Config, ready: int) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        os.write(self._ready, READY)


class _Lifeline:
    """Ends this process when its parent is gone: standard input is then at its end."""

    def __init__(self) -> None:
        self.server: uvicorn.Server | None = None
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while os.read(0, 4096):
            pass
        if self.server is None:
            os._exit(0)  # still loading: nothing to finish
        self.server.force_exit = True
        self.server.should_exit = True


async def _serve(path: str, ready: int, timeouts: Timeouts, lifeline: _Lifeline) -> None:
    client = HttpClient()
    sender = TranslatedSender(client, timeouts=timeouts)
    await sender.warm_up()
    app = TranslatorApp(sender)
    config = uvicorn.Config(
        app,
        uds=path,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=False,
        timeout_keep_alive=3600,
    )
    server = _AnnouncingServer(config, ready)
    lifeline.server = server
    await server.serve()
    await client.aclose()


def main() -> None:
    """Serve until the parent is gone."""
    parser = argparse.ArgumentParser(description="Translate calls for the gateway that started it.")
    parser.add_argument("--socket", required=True)
    parser.add_argument("--connect-seconds", type=float, required=True)
    parser.add_argument("--first-byte-seconds", type=float, required=True)
    parser.add_argument("--idle-seconds", type=float, required=True)
    options = parser.parse_args()
    timeouts = Timeouts(
        connect_seconds=options.connect_seconds,
        first_byte_seconds=options.first_byte_seconds,
        idle_seconds=options.idle_seconds,
    )
    ready = os.dup(1)
    os.dup2(2, 1)  # whatever prints, prints beside the one line that is waited for
    asyncio.run(_serve(options.socket, ready, timeouts, _Lifeline()))


if __name__ == "__main__":
    main()
