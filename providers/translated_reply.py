"""A translated reply on its way back: LiteLLM's objects in, the client's protocol out."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson

from providers.base import WireName
from providers.errors import ProviderUnavailable, ReplyCut
from providers.translated_errors import FOREIGN, translate_failure
from providers.translation.chat_stream import ReplyEncoder, chat_document
from providers.translation.completion_reply import NoCompletion, completion_document
from providers.translation.ending import verified_ending
from providers.translation.gemini_stream import gemini_document
from providers.translation.hub import ChatRequest, Json
from providers.translation.messages_reply import BadArguments, messages_document
from providers.translation.messages_stream import LateArguments
from providers.translation.responses_stream import ResponsesStream, responses_document
from providers.watched_http import Errand

_BAD_ARGUMENTS = "the model wrote tool arguments that are no JSON object"
_SIGNATURE_MARK = "__thought__"


class WholeReply:
    """A `ByteStream` over one document that is already here."""

    def __init__(self, document: bytes) -> None:
        self._document = document

    async def read(self) -> bytes:
        """See `ByteStream`."""
        document, self._document = self._document, b""
        return document

    async def aclose(self) -> None:
        """Nothing is open."""
        self._document = b""


async def as_values(chunks: AsyncIterator[Any]) -> AsyncIterator[Json]:
    """LiteLLM's chunks as plain values."""
    async for chunk in chunks:
        yield chunk.model_dump(exclude_none=True)


class TranslatedStream:
    """A `ByteStream` over the hub's chunks. Its end is written only when the vendor's was seen."""

    def __init__(
        self,
        chunks: AsyncIterator[Json],
        errand: Errand,
        make_encoder: Callable[[], ReplyEncoder],
    ) -> None:
        self._chunks = chunks
        self._errand = errand
        self._make_encoder = make_encoder  # once the vendor has named its model
        self._encoder: ReplyEncoder | None = None
        self._usage: object = None
        self._ready = b""
        self._has_ended = False

    async def prime(self) -> None:
        """Wait for the first bytes. Raises what `read` raises."""
        self._ready = await self._next()

    async def read(self) -> bytes:
        """See `ByteStream`."""
        ready, self._ready = self._ready, b""
        return ready or await self._next()

    async def _next(self) -> bytes:
        while not self._has_ended:
            try:
                chunk = await anext(self._chunks, None)
            except FOREIGN as error:
                raise translate_failure(error, self._errand) from error
            self._encoder = self._encoder or self._make_encoder()
            if chunk is None:
                self._has_ended = True
                return self._close(self._encoder)
            value = without_signatures(chunk)
            self._usage = value.get("usage") or self._usage
            if found := self._encode(self._encoder, value):
                return found
        return b""

    def _encode(self, encoder: ReplyEncoder, chunk: Json) -> bytes:
        try:
            return encoder.encode(chunk)
        except LateArguments as error:
            raise self._cut("the model mixed up the arguments of its tool calls") from error

    def _cut(self, message: str) -> ReplyCut:
        return ReplyCut(message, target=self._errand.target.name)

    def _close(self, encoder: ReplyEncoder) -> bytes:
        errand = self._errand
        if errand.failure is not None:
            raise errand.failure
        if errand.watch.failure is not None or not errand.watch.is_whole:
            raise self._cut(
                errand.watch.failure or "the model's stream ended without a stop reason"
            )
        try:
            return encoder.close(verified_ending(self._usage, errand.watch))
        except BadArguments as error:
            raise self._cut(_BAD_ARGUMENTS) from error

    async def aclose(self) -> None:
        """Hang up on the vendor."""
        self._has_ended = True
        await self._errand.aclose()


def responses_encoder(
    request: ChatRequest, errand: Errand, unix_time: Callable[[], float]
) -> ResponsesStream:
    """An encoder for a client that speaks OpenAI's responses."""
    watch = errand.watch
    return ResponsesStream(
        reply_id=watch.response_id,
        model=watch.response_model or errand.target.upstream_model,
        created=watch.created or int(unix_time()),
        unix_time=unix_time,
        names=request.tool_names,
        echo=request.echo,
    )


def without_signatures(reply: Json) -> Json:
    """A reply or chunk whose calls' ids are ids only.

    LiteLLM hides Gemini's signatures in them. A conversation may go on at another vendor, whose
    business they are not; going back to Gemini, LiteLLM puts Google's own stand-in for them.
    """
    for choice in reply.get("choices") or []:
        words: Json = choice.get("delta") or choice.get("message") or {}
        for call in words.get("tool_calls") or []:
            if call.get("id"):
                call["id"] = call["id"].partition(_SIGNATURE_MARK)[0]
    return reply


def encode_document(
    wire: WireName,
    request: ChatRequest,
    reply: Json,
    errand: Errand,
    unix_time: Callable[[], float],
) -> bytes:
    """A whole reply in the client's protocol.

    Raises `ProviderUnavailable` when the vendor's answer has no end, or holds what this protocol
    cannot say.
    """
    watch, reply = errand.watch, without_signatures(reply)
    if not watch.is_whole:
        message = "the model's answer has no stop reason"
        raise ProviderUnavailable(message, target=errand.target.name)
    model = watch.response_model or errand.target.upstream_model
    ending = verified_ending(reply.get("usage"), watch)
    try:
        if wire is WireName.OPENAI_RESPONSES:
            stream = responses_encoder(request, errand, unix_time)
            return responses_document(reply, stream, ending)
        if wire is WireName.ANTHROPIC_MESSAGES:
            return messages_document(
                reply,
                reply_id=watch.response_id,
                model=model,
                ending=ending,
                signed=errand.speaks is WireName.ANTHROPIC_MESSAGES,
            )
        if wire is WireName.GEMINI:
            return gemini_document(
                reply,
                reply_id=watch.response_id,
                model=model,
                ending=ending,
                wants_thoughts=request.wants_thoughts,
            )
        return chat_document(
            reply,
            reply_id=watch.response_id,
            model=model,
            created=watch.created or int(unix_time()),
            ending=ending,
        )
    except BadArguments as error:
        raise ProviderUnavailable(_BAD_ARGUMENTS, target=errand.target.name) from error


def encode_plain_document(wire: WireName, errand: Errand, unix_seconds: float) -> bytes:
    """A whole completion or embedding: from the vendor's own bytes, which LiteLLM thins out.

    Raises `ProviderUnavailable` when they are none.
    """
    watch = errand.watch
    reply = _object(watch.document)
    try:
        if not watch.is_whole:
            raise NoCompletion
        if wire is WireName.OPENAI_EMBEDDINGS:
            if not isinstance(reply.get("data"), list):
                raise NoCompletion
            return watch.document
        return completion_document(
            wire,
            reply,
            reply_id=watch.response_id,
            model=watch.response_model or errand.target.upstream_model,
            created=watch.created or int(unix_seconds),
            ending=verified_ending(reply.get("usage"), watch),
        )
    except NoCompletion as error:
        message = "the model's server sent no whole answer"
        raise ProviderUnavailable(message, target=errand.target.name) from error


def _object(document: bytes) -> Json:
    try:
        value = orjson.loads(document)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
