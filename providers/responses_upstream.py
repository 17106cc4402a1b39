"""Ask an upstream that speaks only OpenAI's responses: what leaves and what comes is made here.

LiteLLM has no part in it (docs/decisions/0016), but the way is the one its requests take: the
watched transport, which knows address and key, and the watch, which says whether the end was seen.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import orjson

from providers.errors import ProviderError, ProviderUnavailable, ReplyCut
from providers.translated_errors import translate_failure
from providers.translation.from_responses import UpstreamResponse
from providers.translation.hub import ChatRequest, Json
from providers.translation.response_items import StrangeReply
from providers.translation.to_responses import responses_request
from providers.translation.watch import RESPONSE_ENDS
from providers.watched_http import Errand, WatchedTransport

_FAILURES = ("error", "response.failed")
_LAST_SECONDS = 1.0
_NOWHERE = "http://the-errand-knows"


class ResponsesUpstream:
    """Sends the current errand's request as one of OpenAI's responses."""

    def __init__(self, transport: WatchedTransport) -> None:
        self._transport = transport

    async def ask(self, request: ChatRequest, errand: Errand) -> Json:
        """The whole answer as a chat document. Raises `ProviderError`, or what httpx raises."""
        reply = await self._send(request, errand)
        async for _ in reply:
            pass  # the watch has it
        name = errand.target.name
        if errand.watch.failure is not None:
            message = f"the model's server failed: {errand.watch.failure}"
            raise ProviderUnavailable(message, target=name)
        try:
            return UpstreamResponse().document(_document(errand))
        except StrangeReply as error:
            raise ProviderUnavailable(str(error), target=name) from error

    async def stream(self, request: ChatRequest, errand: Errand) -> AsyncIterator[Json]:
        """The answer as chat chunks, once its head is there. Raises as `ask` does."""
        return self._chunks(await self._send(request, errand), errand)

    async def _send(self, request: ChatRequest, errand: Errand) -> AsyncIterator[bytes]:
        body = responses_request(
            request,
            model=errand.target.upstream_model,
            streaming=errand.streaming,
            takes_thoughts=errand.target.vendor.record.in_house,
        )
        accepted = "text/event-stream" if errand.streaming else "application/json"
        headers = {"content-type": "application/json", "accept": accepted}
        request_out = httpx.Request("POST", _NOWHERE, content=orjson.dumps(body), headers=headers)
        response = await self._transport.handle_async_request(request_out)
        data = aiter(response.stream)  # type: ignore[arg-type]  # of this transport, always async
        if response.status_code < 300:
            return data
        async for _ in data:
            pass  # the watch keeps the vendor's words
        refused = httpx.HTTPStatusError("refused", request=request_out, response=response)
        raise translate_failure(refused, errand) from refused

    async def _chunks(self, data: AsyncIterator[bytes], errand: Errand) -> AsyncIterator[Json]:
        name = errand.target.name
        if not errand.watch.is_stream:
            errand.failure = ProviderUnavailable("the model's server sent no stream", target=name)
            raise errand.failure
        reply = UpstreamResponse()
        async for lines in data:
            for line in lines.split(b"\n"):  # the watch hands on whole lines
                if not line.startswith(b"data:"):
                    continue
                event = _event(line)
                if event.get("error") or event.get("type") in _FAILURES:
                    return  # the watch has its words: whatever follows is no answer
                try:
                    chunks = reply.read(event)
                except StrangeReply as error:
                    errand.failure = ReplyCut(str(error), target=name)
                    raise errand.failure from error
                for chunk in chunks:
                    yield chunk
                if event.get("type") in RESPONSE_ENDS:
                    await _hang_up(errand)
                    return  # the watch knows whether it is whole: nothing behind its end counts


async def _hang_up(errand: Errand) -> None:
    """Leave the reply: a connection whose framing comes to its end at once is kept."""
    if errand.body is None:
        return
    with suppress(TimeoutError, ProviderError):
        async with asyncio.timeout(_LAST_SECONDS):
            while await errand.body.read():
                pass
    await errand.aclose()


def _event(line: bytes) -> Json:
    try:
        value = orjson.loads(line[5:])
    except orjson.JSONDecodeError:
        return {}  # an end marker, or nothing that could be believed
    return value if isinstance(value, dict) else {}


def _document(errand: Errand) -> Json:
    try:
        value = orjson.loads(errand.watch.document)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        message = "the model's server sent no proper answer"
        raise ProviderUnavailable(message, target=errand.target.name)
    return value
