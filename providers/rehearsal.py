"""The built-in rehearsal model: no network, no weights, and it says so in every answer."""

import asyncio
import hashlib
import re
import time
from collections.abc import Callable, Iterator

import orjson

from providers.base import UpstreamCall, UpstreamReply, WireName
from providers.errors import ProviderRejected, UnsupportedFeature
from providers.rehearsal_completion import complete
from providers.rehearsal_scene import COUNTING_RULE, Answer, Json, Scene, answer, read_scene
from providers.translation.chat_stream import ChatStream, ReplyEncoder, chat_document
from providers.translation.ending import Ending
from providers.translation.gemini_stream import GeminiStream, gemini_document
from providers.translation.hub import Capabilities, ChatRequest
from providers.translation.messages_reply import messages_document
from providers.translation.messages_stream import MessagesStream
from providers.translation.parameters import PARAMETERS
from providers.translation.responses_request import read_responses
from providers.translation.responses_stream import ResponsesStream, responses_document

_WIRES = frozenset(
    {
        WireName.OPENAI_CHAT,
        WireName.OPENAI_RESPONSES,
        WireName.ANTHROPIC_MESSAGES,
        WireName.GEMINI,
    }
)
_COMPLETIONS = frozenset({WireName.OPENAI_COMPLETIONS, WireName.MISTRAL_FIM})
_WORD = re.compile(r"\s*\S+\s*")
_JSON = ((b"content-type", b"application/json"),)
_EVENTS = ((b"content-type", b"text/event-stream"),)


class RehearsalSender:
    """A `Sender` that answers by itself, the same to the same request.

    `seconds_between_words` slows a stream down to the pace of a model, where somebody watches.
    """

    def __init__(
        self,
        *,
        seconds_between_words: float = 0.0,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self._pause_seconds = seconds_between_words
        self._unix_time = unix_time

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        """See `Sender`. Raises `UnsupportedFeature` for protocols that it does not speak."""
        if call.wire in _COMPLETIONS:
            return self._complete(call)
        if call.wire not in _WIRES:
            message = f"the rehearsal model does not speak {call.wire}"
            raise UnsupportedFeature(message, target=call.target.name)
        scene = _scene(call)
        if call.counting:
            counted: Json = {"input_tokens": scene.input_tokens, "counted_by": COUNTING_RULE}
            if call.wire is WireName.GEMINI:
                counted = {"totalTokens": scene.input_tokens}
            return UpstreamReply(200, _JSON, _Words([orjson.dumps(counted)], 0.0))
        said = answer(scene, call.account)
        pieces = list(_pieces(said))
        finish = _finish(said)
        if scene.output_limit is not None and len(pieces) > scene.output_limit:
            pieces, finish = pieces[: scene.output_limit], "length"
        if not call.streaming:
            document = self._document(call, scene, pieces, finish)
            return UpstreamReply(200, _JSON, _Words([document], 0.0))
        events = list(self._events(call, scene, pieces, finish))
        return UpstreamReply(200, _EVENTS, _Words(events, self._pause_seconds))

    def _complete(self, call: UpstreamCall) -> UpstreamReply:
        created = int(self._unix_time())
        said = complete(call, _parse(call), reply_id=_reply_id(call), created=created)
        pause_seconds = self._pause_seconds if call.streaming else 0.0
        return UpstreamReply(200, _EVENTS if call.streaming else _JSON, _Words(said, pause_seconds))

    def _document(self, call: UpstreamCall, scene: Scene, pieces: list[Json], finish: str) -> bytes:
        message: Json = {"content": "".join(each.get("content", "") for each in pieces)}
        calls = [each["tool_calls"][0] for each in pieces if "tool_calls" in each]
        if calls:
            written = "".join(each["function"].get("arguments", "") for each in calls)
            function = {**calls[0]["function"], "arguments": written}
            message["tool_calls"] = [{**calls[0], "function": function}]
        reply: Json = {"choices": [{"index": 0, "message": message, "finish_reason": finish}]}
        ending = Ending(usage=_usage(scene, pieces))
        reply_id, model = _reply_id(call), call.target.upstream_model
        if call.wire is WireName.OPENAI_RESPONSES:
            return responses_document(reply, self._responses_encoder(call), ending)
        if call.wire is WireName.ANTHROPIC_MESSAGES:
            return messages_document(reply, reply_id=reply_id, model=model, ending=ending)
        if call.wire is WireName.GEMINI:
            return gemini_document(
                reply, reply_id=reply_id, model=model, ending=ending, wants_thoughts=False
            )
        created = int(self._unix_time())
        return chat_document(reply, reply_id=reply_id, model=model, created=created, ending=ending)

    def _events(
        self, call: UpstreamCall, scene: Scene, pieces: list[Json], finish: str
    ) -> Iterator[bytes]:
        encoder = self._encoder(call)
        for piece in pieces:
            if found := encoder.encode({"choices": [{"index": 0, "delta": piece}]}):
                yield found
        last = {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
        yield encoder.encode(last) + encoder.close(Ending(usage=_usage(scene, pieces)))

    def _encoder(self, call: UpstreamCall) -> ReplyEncoder:
        reply_id, model = _reply_id(call), call.target.upstream_model
        if call.wire is WireName.OPENAI_RESPONSES:
            return self._responses_encoder(call)
        if call.wire is WireName.ANTHROPIC_MESSAGES:
            return MessagesStream(reply_id=reply_id, model=model)
        if call.wire is WireName.GEMINI:
            return GeminiStream(reply_id=reply_id, model=model, wants_thoughts=False)
        options = _parse(call).get("stream_options")
        wants_usage = isinstance(options, dict) and options.get("include_usage") is True
        created = int(self._unix_time())
        return ChatStream(reply_id=reply_id, model=model, created=created, wants_usage=wants_usage)

    def _responses_encoder(self, call: UpstreamCall) -> ResponsesStream:
        request = _in_chats_form(call)
        return ResponsesStream(
            reply_id=_reply_id(call),
            model=call.target.upstream_model,
            created=int(self._unix_time()),
            unix_time=self._unix_time,
            names=request.tool_names,
            echo=request.echo,
        )


def _scene(call: UpstreamCall) -> Scene:
    if call.wire is WireName.OPENAI_RESPONSES:
        return read_scene(_in_chats_form(call).fields, WireName.OPENAI_CHAT)
    return read_scene(_parse(call), call.wire)


def _in_chats_form(call: UpstreamCall) -> ChatRequest:
    """A responses request as chat; it has none of the vendors' own tools, and needs none."""
    body = _parse(call)
    tools = body.get("tools")
    kinds = [each.get("type") for each in tools or () if isinstance(each, dict)]
    droppable = frozenset(kind for kind in kinds if isinstance(kind, str))
    can = Capabilities(PARAMETERS | {"tools"}, droppable_tools=droppable)
    return read_responses(body, can)


def _parse(call: UpstreamCall) -> Json:
    try:
        body = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict):
        return body
    error = {"message": "the body is not a JSON object", "type": "invalid_request_error"}
    refused = orjson.dumps({"error": error})
    raise ProviderRejected(400, (), refused, same_protocol=False, target=call.target.name)


def _reply_id(call: UpstreamCall) -> str:
    return "rehearsal-" + hashlib.sha256(call.body).hexdigest()[:24]


def _finish(said: Answer) -> str:
    return "stop" if said.tool is None else "tool_calls"


def _pieces(said: Answer) -> Iterator[Json]:
    """The answer in deltas of chat's form, a word each."""
    for word in _WORD.findall(said.text):
        yield {"content": word}
    if said.tool is None:
        return
    words = _WORD.findall(said.arguments)
    call_id = "call_" + hashlib.sha256(f"{said.tool}{said.arguments}".encode()).hexdigest()[:16]
    for at, word in enumerate(words):
        function = {"name": said.tool, "arguments": word} if at == 0 else {"arguments": word}
        opening = {"id": call_id, "type": "function"} if at == 0 else {}
        yield {"tool_calls": [{"index": 0, **opening, "function": function}]}


def _usage(scene: Scene, pieces: list[Json]) -> Json:
    return {
        "prompt_tokens": scene.input_tokens,
        "completion_tokens": len(pieces),
        "total_tokens": scene.input_tokens + len(pieces),
    }


class _Words:
    """A `ByteStream` over pieces that are all here, one a read."""

    def __init__(self, pieces: list[bytes], pause_seconds: float) -> None:
        self._pieces = pieces
        self._pause_seconds = pause_seconds

    async def read(self) -> bytes:
        """See `ByteStream`."""
        if not self._pieces:
            return b""
        if self._pause_seconds:
            await asyncio.sleep(self._pause_seconds)
        return self._pieces.pop(0)

    async def aclose(self) -> None:
        """Say no more."""
        self._pieces.clear()
