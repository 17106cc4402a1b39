"""Hub to chat: LiteLLM's objects as the bytes an OpenAI client reads."""

from typing import Any, Protocol

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


_DELTA = ("role", "content", "refusal", "reasoning_content")


class ChatStream:
    """One streamed reply. `id`, `model` and `created` stay what the first chunk said."""

    def __init__(self, *, model: str, created: int, wants_usage: bool) -> None:
        self._model = model
        self._created = created
        self._wants_usage = wants_usage
        self._id = ""
        self._finishes: dict[int, tuple[str, Any]] = {}
        self._opened: set[int] = set()

    def encode(self, chunk: Json) -> bytes:
        """See `ReplyEncoder`."""
        self._id = self._id or str(chunk.get("id") or "")
        found = b""
        for choice in chunk.get("choices") or []:
            at = choice.get("index") or 0
            if choice.get("finish_reason"):
                self._finishes[at] = (choice["finish_reason"], choice.get("logprobs"))
            delta = clean_message(choice.get("delta") or {})
            if at in self._opened:
                delta.pop("role", None)
            if not delta or (delta == {"content": ""} and at in self._opened):
                continue
            if at not in self._opened:
                delta = {"role": "assistant", **delta}
                self._opened.add(at)
            answer: Json = {"index": at, "delta": delta, "finish_reason": None}
            if choice.get("logprobs"):
                answer["logprobs"] = choice["logprobs"]
            found += self._event([answer])
        return found

    def close(self, ending: Ending) -> bytes:
        """See `ReplyEncoder`."""
        found = b""
        for at, (reason, _) in sorted(self._finishes.items()):
            found += self._event([{"index": at, "delta": {}, "finish_reason": reason}])
        if self._wants_usage and ending.usage is not None:
            found += self._event([], ending.usage)
        return found + DONE

    def _event(self, choices: list[Json], usage: Json | None = None) -> bytes:
        value: Json = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }
        if usage is not None:
            value["usage"] = usage
        return b"data: " + orjson.dumps(value) + b"\n\n"


def clean_message(given: Json) -> Json:
    """A message or delta with the members OpenAI clients know, and reasoning."""
    kept: Json = {name: given[name] for name in _DELTA if given.get(name) is not None}
    if given.get("tool_calls"):
        kept["tool_calls"] = [_clean_call(call) for call in given["tool_calls"]]
    return kept


def _clean_call(call: Json) -> Json:
    function = call.get("function") or {}
    kept: Json = {each: call[each] for each in ("index", "id") if call.get(each) is not None}
    if "id" in kept:
        kept["type"] = "function"
    named = {each: function[each] for each in ("name", "arguments") if function.get(each)}
    kept["function"] = {"arguments": "", **named} if "id" in kept else named
    return kept


def chat_document(reply: Json, *, model: str, created: int, ending: Ending) -> bytes:
    """A whole reply as one OpenAI document."""
    choices = []
    for at, choice in enumerate(reply.get("choices") or []):
        message = clean_message(choice.get("message") or {})
        answer: Json = {
            "index": choice.get("index", at),
            "message": {"role": "assistant", "content": None, **message},
            "finish_reason": choice.get("finish_reason"),
        }
        if choice.get("logprobs"):
            answer["logprobs"] = choice["logprobs"]
        choices.append(answer)
    document: Json = {
        "id": str(reply.get("id") or ""),
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": choices,
    }
    if ending.usage is not None:
        document["usage"] = ending.usage
    return orjson.dumps(document)
