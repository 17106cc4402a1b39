"""Hub to Gemini: chat chunks become Google's, and a chat document one answer.

A function call of Gemini's is whole or absent. So calls are collected, and told with the finish
reason, once the vendor's own end was seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson

from providers.translation.ending import Ending
from providers.translation.hub import Json
from providers.translation.messages_reply import BadArguments

_FINISH_REASONS = {"length": "MAX_TOKENS", "content_filter": "SAFETY"}
_NO_END = Ending()


@dataclass(slots=True)
class _Call:
    """A tool call as it comes: its arguments are JSON once all of it is there."""

    call_id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        """All that has come of them."""
        return "".join(self.pieces)


@dataclass(slots=True)
class _Calls:
    """The tool calls of one answer, in the order they began."""

    begun: list[_Call] = field(default_factory=list)
    _at: dict[int, _Call] = field(default_factory=dict)

    def take(self, piece: Json) -> None:
        """Add a piece of a call; some engines number every call 0: a new id is a new call."""
        at, call_id = piece.get("index") or 0, piece.get("id") or ""
        call = self._at.get(at)
        if call is None or (call_id and call.call_id and call_id != call.call_id):
            call = self._at[at] = _Call()
            self.begun.append(call)
        function = piece.get("function") or {}
        call.call_id = call.call_id or call_id
        call.name = call.name or function.get("name") or ""
        if function.get("arguments"):
            call.pieces.append(function["arguments"])


class GeminiStream:
    """One streamed reply as Google's chunks. `wants_thoughts`: the client asked for thoughts."""

    def __init__(self, *, reply_id: str | None, model: str, wants_thoughts: bool) -> None:
        self._id = reply_id or ""
        self._model = model
        self._wants_thoughts = wants_thoughts
        self._calls = _Calls()
        self._finish_reason = "stop"

    def encode(self, chunk: Json) -> bytes:
        """See `ReplyEncoder`."""
        self._id = self._id or str(chunk.get("id") or "")
        parts: list[Json] = []
        for choice in chunk.get("choices") or []:
            if choice.get("index"):
                continue  # only one answer is streamed
            self._finish_reason = choice.get("finish_reason") or self._finish_reason
            delta = choice.get("delta") or {}
            parts += _said(delta, wants_thoughts=self._wants_thoughts)
            for piece in delta.get("tool_calls") or []:
                self._calls.take(piece)
        return self._chunk({"content": _content(parts), "index": 0}) if parts else b""

    def close(self, ending: Ending) -> bytes:
        """See `ReplyEncoder`. Raises `BadArguments` where a call's arguments are no object."""
        parts = _function_calls(self._calls.begun, is_cut_short=self._finish_reason == "length")
        candidate: Json = {
            "content": _content(parts or [{"text": ""}]),
            "finishReason": _finish_reason(self._finish_reason),
            "index": 0,
        }
        return self._chunk(candidate, ending)

    def _chunk(self, candidate: Json, ending: Ending = _NO_END) -> bytes:
        value = _reply([candidate], self._id, self._model, ending)
        return b"data: " + orjson.dumps(value) + b"\n\n"


def gemini_document(
    reply: Json, *, reply_id: str | None, model: str, ending: Ending, wants_thoughts: bool
) -> bytes:
    """A whole reply as one Gemini document; `wants_thoughts` as in `GeminiStream`.

    Raises `BadArguments` where a finished call's arguments are no JSON object.
    """
    candidates: list[Json] = []
    for at, choice in enumerate(reply.get("choices") or []):
        message, finish = choice.get("message") or {}, str(choice.get("finish_reason") or "stop")
        calls = _Calls()
        for number, call in enumerate(message.get("tool_calls") or []):
            calls.take({**call, "index": number})
        parts = _said(message, wants_thoughts=wants_thoughts)
        parts += _function_calls(calls.begun, is_cut_short=finish == "length")
        candidates.append(
            {
                "content": _content(parts),
                "finishReason": _finish_reason(finish),
                "index": choice.get("index", at),
            }
        )
    given_id = reply_id or str(reply.get("id") or "")
    return orjson.dumps(_reply(candidates, given_id, model, ending))


def _said(words: Json, *, wants_thoughts: bool) -> list[Json]:
    parts: list[Json] = []
    if wants_thoughts and words.get("reasoning_content"):
        parts.append({"text": words["reasoning_content"], "thought": True})
    parts += [{"text": text} for text in (words.get("content"), words.get("refusal")) if text]
    return parts


def _function_calls(calls: Iterable[_Call], *, is_cut_short: bool) -> list[Json]:
    """The calls that are whole. One that the output limit broke off stays away."""
    parts: list[Json] = []
    for call in calls:
        arguments = _arguments(call.arguments or ("" if is_cut_short else "{}"))
        if call.name and arguments is not None:
            named: Json = {"id": call.call_id} if call.call_id else {}
            parts.append({"functionCall": {**named, "name": call.name, "args": arguments}})
        elif not is_cut_short:
            raise BadArguments(call.name)
    return parts


def _arguments(written: str) -> Json | None:
    try:
        arguments = orjson.loads(written)
    except orjson.JSONDecodeError:
        return None
    return arguments if isinstance(arguments, dict) else None


def _content(parts: list[Json]) -> Json:
    return {"parts": parts, "role": "model"}


def _finish_reason(chat: str) -> str:
    """Google's word for a chat finish reason; calls end an answer like words."""
    return _FINISH_REASONS.get(chat, "STOP")


def _reply(candidates: list[Json], reply_id: str, model: str, ending: Ending) -> Json:
    value: Json = {"candidates": candidates, "modelVersion": model, "responseId": reply_id}
    if ending.usage is not None:
        value["usageMetadata"] = gemini_usage(ending.usage, ending.service_tier)
    return value


def gemini_usage(usage: Json, service_tier: str | None = None) -> Json:
    """Chat's usage in Google's figures: cached input is in the prompt's, thoughts stand apart."""
    prompt, completion = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    spoken = max(0, completion - (reasoning or 0))
    told: Json = {"promptTokenCount": prompt, "candidatesTokenCount": spoken}
    if cached:
        told["cachedContentTokenCount"] = cached
    if reasoning is not None:
        told["thoughtsTokenCount"] = min(reasoning, completion)
    if service_tier is not None:
        told["serviceTier"] = service_tier
    return {**told, "totalTokenCount": prompt + completion}
