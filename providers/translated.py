"""Reach a model through LiteLLM, which knows the vendors' dialects. Nothing else imports it.

LiteLLM's chat interface is the hub. Our own conversions stand before and behind it; what it says
of a reply's end and usage is believed only where the vendor's own bytes said so. The road to an
upstream that speaks only OpenAI's responses is ours alone.
"""

import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import orjson

from providers.base import Target, UpstreamCall, UpstreamReply, WireName
from providers.errors import ProviderError, ProviderRejected, UnsupportedFeature
from providers.http.client import HttpClient
from providers.http.reply import Timeouts
from providers.responses_upstream import ResponsesUpstream
from providers.translated_errors import FOREIGN, translate_failure
from providers.translated_reply import (
    TranslatedStream,
    WholeReply,
    as_values,
    encode_document,
    encode_plain_document,
    responses_encoder,
)
from providers.translation.chat_request import read_chat
from providers.translation.chat_stream import ChatStream, ReplyEncoder
from providers.translation.completion_reply import CompletionStream, FimStream
from providers.translation.completion_request import read_completion, read_embeddings, read_fim
from providers.translation.departure import Cargo
from providers.translation.gemini_request import read_gemini
from providers.translation.gemini_stream import GeminiStream
from providers.translation.hub import Capabilities, ChatRequest, Json
from providers.translation.messages_request import read_messages
from providers.translation.messages_stream import MessagesStream
from providers.translation.responses_request import read_responses
from providers.translation.roads import ROADS, Road, call_to_nowhere, path_for, road_for
from providers.translation.to_responses import parameters_of_responses
from providers.translation.watch import ReplyWatch
from providers.watched_http import ERRAND, Errand, WatchedTransport

DROPPED_HEADER = b"x-gatehouse-dropped"
"""Names the request's fields that could not come along. For the relay only, never for a client."""

_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_MODE": "PRODUCTION",  # no .env file is read
    "LITELLM_LOG": "CRITICAL",
    # It takes a hundred equal pieces, such as a ruled line, for a model gone mad, and breaks off.
    "REPEATED_STREAMING_CHUNK_LIMIT": "1000000000",
    "LITELLM_DONT_SHOW_FEEDBACK_BOX": "True",
    "LITELLM_HIDE_DEFAULT_CREDENTIALS_HINT": "True",
}
_NOT_A_KEY = "the-key-is-added-on-the-way-out"
_READERS: dict[WireName, Callable[[Json, Capabilities], ChatRequest]] = {
    WireName.OPENAI_CHAT: read_chat,
    WireName.ANTHROPIC_MESSAGES: read_messages,
    WireName.OPENAI_RESPONSES: read_responses,
    WireName.GEMINI: read_gemini,
    WireName.OPENAI_COMPLETIONS: read_completion,
    WireName.MISTRAL_FIM: read_fim,
    WireName.OPENAI_EMBEDDINGS: read_embeddings,
}
_STREAMS: dict[WireName, type[ChatStream]] = {
    WireName.OPENAI_CHAT: ChatStream,
    WireName.OPENAI_COMPLETIONS: CompletionStream,
    WireName.MISTRAL_FIM: FimStream,
}


def load_litellm() -> ModuleType:
    """Import LiteLLM with everything off that would dial, log or retry. Takes seconds, once."""
    os.environ.update(_ENVIRONMENT)
    import litellm

    tokenizers = Path(litellm.__file__).parent / "litellm_core_utils" / "tokenizers"
    os.environ["TIKTOKEN_CACHE_DIR"] = str(tokenizers)
    litellm.telemetry = False
    litellm.drop_params = False
    litellm.num_retries = 0
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    litellm.disable_streaming_logging = True
    _remove_callbacks(litellm)
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # they quote requests
    return litellm


def _remove_callbacks(litellm: ModuleType) -> None:
    kinds = ("callbacks", "input_callback", "success_callback", "failure_callback")
    for kind in (*kinds, "_async_success_callback", "_async_failure_callback"):
        setattr(litellm, kind, [])


class TranslatedSender:
    """A `Sender` for every target that does not own the client's protocol.

    `unix_time` dates replies whose vendor gave no date, in seconds. One event loop.
    """

    def __init__(
        self,
        client: HttpClient,
        *,
        timeouts: Timeouts | None = None,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self._litellm: Any = load_litellm()
        self._timeouts = timeouts or Timeouts()
        self._unix_time = unix_time
        self._parameters: dict[tuple[str, str], frozenset[str]] = {}
        from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

        transport = WatchedTransport(client)
        self._responses = ResponsesUpstream(transport)
        self._handler = AsyncHTTPHandler(transport=transport, follow_redirects=False)
        # The one way to hand the OpenAI SDK below LiteLLM a client of ours, whatever the address.
        session = httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False)
        setattr(self._litellm, "aclient_session", session)  # noqa: B010 - its module is untyped

    async def warm_up(self) -> None:
        """Let LiteLLM load what it loads at a first call, a second's work, by calls to nowhere."""
        for prefix in ROADS:
            try:
                await self.send(call_to_nowhere(prefix))
            except ProviderError:
                pass  # nobody is there, as expected
        _remove_callbacks(self._litellm)  # Gemini's modules bring one for a cache they do not use

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        """See `Sender`. `UpstreamReply.headers` may hold `DROPPED_HEADER`."""
        try:
            prefix, road = road_for(call.target.vendor, call.wire)
            request = self._read(call, prefix, road)
            return await self._run(call, prefix, road, request)
        except ProviderError as error:
            error.target = error.target or call.target.name
            raise

    async def _run(
        self, call: UpstreamCall, prefix: str, road: Road, request: ChatRequest
    ) -> UpstreamReply:
        errand = self._errand(call, road, request)
        async with AsyncExitStack() as unless_answered:
            unless_answered.push_async_callback(errand.aclose)
            reply = await self._ask(call, prefix, road, request, errand)
            unless_answered.pop_all()
        return reply

    def _read(self, call: UpstreamCall, prefix: str, road: Road) -> ChatRequest:
        reader = _READERS.get(call.wire)
        if reader is None or call.counting:
            raise UnsupportedFeature(f"{call.wire} cannot be translated for this")
        try:
            body = orjson.loads(call.body)
        except orjson.JSONDecodeError as error:
            raise _malformed(call) from error
        if not isinstance(body, dict):
            raise _malformed(call)
        can = self._capabilities(prefix, call.target, road)
        try:
            return reader(body, can)
        except RecursionError as error:
            raise _too_deep(call) from error

    def _capabilities(self, prefix: str, target: Target, road: Road) -> Capabilities:
        if road.function is None:
            known = parameters_of_responses(in_house=target.vendor.record.in_house)
        else:
            known = self._known_to_litellm(prefix, target.upstream_model)
        return Capabilities(
            known,
            anthropic=road.speaks is WireName.ANTHROPIC_MESSAGES,
            image_schemes=road.image_schemes,
            droppable_tools=target.vendor.may_drop_tools,
        )

    def _known_to_litellm(self, prefix: str, model: str) -> frozenset[str]:
        known = self._parameters.get((prefix, model))
        if known is None:
            listed = self._litellm.get_supported_openai_params(
                model=model, custom_llm_provider=prefix
            )
            known = self._parameters[prefix, model] = frozenset(listed or ())
        return known

    def _errand(self, call: UpstreamCall, road: Road, request: ChatRequest) -> Errand:
        if call.streaming and request.answers > 1:
            raise UnsupportedFeature("n: one answer at a time when streaming")
        try:
            cargo = Cargo.copy(request.fields, road.speaks)
        except orjson.JSONEncodeError as error:
            raise _too_deep(call) from error
        return Errand(
            target=call.target,
            speaks=road.speaks,
            path=path_for(call.target, road, streaming=call.streaming),
            cargo=cargo,
            losses=request.losses,
            watch=ReplyWatch(answers=request.answers),
            timeouts=self._timeouts,
            streaming=call.streaming,
        )

    async def _ask(
        self, call: UpstreamCall, prefix: str, road: Road, request: ChatRequest, errand: Errand
    ) -> UpstreamReply:
        token = ERRAND.set(errand)
        try:
            if call.streaming:
                chunks = await self._chunks(call, prefix, road, request, errand)
                return await self._stream(call, request, errand, chunks)
            reply = await self._whole(call, prefix, road, request, errand)
        except FOREIGN as error:
            raise translate_failure(error, errand) from error
        finally:
            ERRAND.reset(token)
        if reply is None:
            document = encode_plain_document(call.wire, errand, self._unix_time())
        else:
            document = encode_document(call.wire, request, reply, errand, self._unix_time)
        return UpstreamReply(200, self._headers(b"application/json", errand), WholeReply(document))

    async def _whole(
        self, call: UpstreamCall, prefix: str, road: Road, request: ChatRequest, errand: Errand
    ) -> Json | None:
        """The answer as a chat document; None where the vendor's own bytes are to be told."""
        if road.function is None:
            return await self._responses.ask(request, errand)
        function = getattr(self._litellm, road.function)
        reply = await function(**self._arguments(call, prefix, road, request))
        if road.function != "acompletion":
            return None
        told: Json = reply.model_dump(exclude_none=True)
        return told

    async def _chunks(
        self, call: UpstreamCall, prefix: str, road: Road, request: ChatRequest, errand: Errand
    ) -> AsyncIterator[Json]:
        if road.function is None:
            return await self._responses.stream(request, errand)
        function = getattr(self._litellm, road.function)
        return as_values(await function(**self._arguments(call, prefix, road, request)))

    def _arguments(self, call: UpstreamCall, prefix: str, road: Road, request: ChatRequest) -> Json:
        arguments: Json = {
            **request.fields,
            "model": f"{prefix}/{call.target.upstream_model}",
            "api_base": call.target.vendor.base_url,
            "api_key": _NOT_A_KEY,
            "timeout": 24 * 3600.0,  # the transport has its own
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": False,
        }
        if call.streaming:
            arguments |= {"stream": True, "stream_options": {"include_usage": True}}
        if not road.uses_openai_sdk:
            arguments["client"] = self._handler
        return arguments

    async def _stream(
        self, call: UpstreamCall, request: ChatRequest, errand: Errand, chunks: AsyncIterator[Json]
    ) -> UpstreamReply:
        stream = TranslatedStream(chunks, errand, lambda: self._encoder(call, request, errand))
        if not errand.answered.is_set():  # Gemini's request leaves with the first chunk
            await stream.prime()
        return UpstreamReply(200, self._headers(b"text/event-stream", errand), stream)

    def _encoder(self, call: UpstreamCall, request: ChatRequest, errand: Errand) -> ReplyEncoder:
        watch = errand.watch
        model = watch.response_model or call.target.upstream_model
        if call.wire is WireName.OPENAI_RESPONSES:
            return responses_encoder(request, errand, self._unix_time)
        if call.wire is WireName.ANTHROPIC_MESSAGES:
            signed = errand.speaks is WireName.ANTHROPIC_MESSAGES
            return MessagesStream(reply_id=watch.response_id, model=model, signed=signed)
        if call.wire is WireName.GEMINI:
            wants = request.wants_thoughts
            return GeminiStream(reply_id=watch.response_id, model=model, wants_thoughts=wants)
        return _STREAMS[call.wire](
            reply_id=watch.response_id,
            model=model,
            created=watch.created or int(self._unix_time()),
            wants_usage=request.wants_usage,
        )

    @staticmethod
    def _headers(content_type: bytes, errand: Errand) -> tuple[tuple[bytes, bytes], ...]:
        headers = ((b"content-type", content_type),)
        if not errand.losses.names:
            return headers
        return (*headers, (DROPPED_HEADER, errand.losses.header()))


def _too_deep(call: UpstreamCall) -> UnsupportedFeature:
    message = "the request is nested too deeply to be translated"
    return UnsupportedFeature(message, target=call.target.name)


def _malformed(call: UpstreamCall) -> ProviderRejected:
    error = {"message": "the body is not a JSON object", "type": "invalid_request_error"}
    body = orjson.dumps({"error": error})
    return ProviderRejected(400, (), body, same_protocol=False, target=call.target.name)
