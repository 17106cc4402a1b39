"""Hub to chat: LiteLLM's objects as the bytes an OpenAI client reads."""

from typing import ClassVar, Protocol

import orjson

from providers.translation.ending import Ending
from providers.translation.hub import Json

DONE = b"data: [DONE]\n\n"


class ReplyEncoder(Protocol):
    """Turns the hub's chunks into one client protocol's stream.

    No end of any kind is written before `close`, which is called only once the vendor's own end
    has been seen.
    """

    def encode(self, chunk: Json) -> bytes:
        """The events of one chunk; `b""` when it holds nothing to tell yet."""
        ...

    def close(self, ending: Ending) -> bytes:
        """The events that end the stream."""
        ...


_SAID = ("content", "refusal", "reasoning_content")


class ChatStream:
    """One streamed reply. Its id, model and date stay what they were in the first event."""

    kind: ClassVar[str] = "chat.completion.chunk"

    def __init__(
        self, *, reply_id: str | None, model: str, created: int, wants_usage: bool
    ) -> None:
        self._id = reply_id or ""
        self._model = model
        self._created = created
        self._wants_usage = wants_usage
        self._finishes: dict[int, str] = {}
        self._opened: set[int] = set()
        self._tier: str | None = None

    def encode(self, chunk: Json) -> bytes:
        """See `ReplyEncoder`."""
        self._id = self._id or str(chunk.get("id") or "")
        found = b""
        for choice in chunk.get("choices") or []:
            at = choice.get("index") or 0
            if choice.get("finish_reason"):
                self._finishes[at] = choice["finish_reason"]
            delta = _delta(choice.get("delta") or {})
            if not delta and at in self._finishes:
                continue
            if at not in self._opened:
                self._opened.add(at)
                delta = {"role": "assistant", "content": "", **delta}
            if not delta:
                continue
            answer: Json = {"index": at, "delta": delta, "finish_reason": None}
            if choice.get("logprobs"):
                answer["logprobs"] = choice["logprobs"]
            found += self._event([answer])
        return found

    def close(self, ending: Ending) -> bytes:
        """See `ReplyEncoder`."""
        found, self._tier = b"", ending.service_tier
        for at, reason in sorted(self._finishes.items()):
            found += self._event([{"index": at, "delta": {}, "finish_reason": reason}])
        if self._wants_usage and ending.usage is not None:
            found += self._event([], ending.usage)
        return found + DONE

    def _event(self, choices: list[Json], usage: Json | None = None) -> bytes:
        value: Json = {
            "id": self._id,
            "object": self.kind,
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }
        if self._tier is not None:
            value["service_tier"] = self._tier
        if usage is not None:
            value["usage"] = usage
        return b"data: " + orjson.dumps(value) + b"\n\n"


def _delta(given: Json) -> Json:
    kept: Json = {name: given[name] for name in _SAID if given.get(name)}
    calls = [_call(call, streamed=True) for call in given.get("tool_calls") or ()]
    told = [call for call in calls if call.keys() != {"index"}]
    return {**kept, "tool_calls": told} if told else kept


def _call(call: Json, *, streamed: bool) -> Json:
    function = call.get("function") or {}
    kept: Json = {"index": call.get("index") or 0} if streamed else {}
    named = {each: function[each] for each in ("name", "arguments") if function.get(each)}
    if call.get("id"):
        kept.update(id=call["id"], type="function", function={"arguments": "", **named})
    elif named:
        kept["function"] = named
    return kept


def _message(given: Json) -> Json:
    kept = {name: given[name] for name in _SAID if given.get(name) is not None}
    message: Json = {"role": "assistant", "content": None, **kept}
    if given.get("tool_calls"):
        message["tool_calls"] = [_call(call, streamed=False) for call in given["tool_calls"]]
    return message


def chat_document(
    reply: Json, *, reply_id: str | None, model: str, created: int, ending: Ending
) -> bytes:
    """A whole reply as one OpenAI document."""
    choices = []
    for at, choice in enumerate(reply.get("choices") or []):
        answer: Json = {
            "index": choice.get("index", at),
            "message": _message(choice.get("message") or {}),
            "finish_reason": choice.get("finish_reason"),
        }
        if choice.get("logprobs"):
            answer["logprobs"] = choice["logprobs"]
        choices.append(answer)
    document: Json = {
        "id": reply_id or str(reply.get("id") or ""),
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": choices,
    }
    if ending.service_tier is not None:
        document["service_tier"] = ending.service_tier
    if ending.usage is not None:
        document["usage"] = ending.usage
    return orjson.dumps(document)
