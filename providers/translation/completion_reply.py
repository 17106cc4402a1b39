"""A plain completion as the bytes a client reads: in its own form, or as fill-in-the-middle."""

from typing import ClassVar

import orjson

from providers.base import WireName
from providers.translation.chat_stream import DONE, ChatStream
from providers.translation.ending import Ending
from providers.translation.hub import Json


class CompletionStream(ChatStream):
    """One streamed reply: chat's frame around it, plain text in it."""

    kind: ClassVar[str] = "text_completion"

    def encode(self, chunk: Json) -> bytes:
        """See `ReplyEncoder`."""
        self._id = self._id or str(chunk.get("id") or "")
        found = b""
        for choice in chunk.get("choices") or []:
            at = choice.get("index") or 0
            if choice.get("finish_reason"):
                self._finishes[at] = choice["finish_reason"]
            if choice.get("text"):
                found += self._event([self._answer(at, choice["text"], None)])
        return found

    def close(self, ending: Ending) -> bytes:
        """See `ReplyEncoder`."""
        found = self._event(self._ends())
        if self._wants_usage and ending.usage is not None:
            found += self._event([], ending.usage)
        return found + DONE

    def _ends(self) -> list[Json]:
        return [self._answer(at, "", reason) for at, reason in sorted(self._finishes.items())]

    def _answer(self, at: int, text: str, finish: str | None) -> Json:
        return {"index": at, "text": text, "logprobs": None, "finish_reason": finish}


class FimStream(CompletionStream):
    """The same as Mistral streams it: chat's chunks, the usage in the last of them, unasked."""

    kind: ClassVar[str] = ChatStream.kind

    def close(self, ending: Ending) -> bytes:
        """See `ReplyEncoder`."""
        return self._event(self._ends(), ending.usage) + DONE

    def _answer(self, at: int, text: str, finish: str | None) -> Json:
        return {"index": at, "delta": {"content": text}, "finish_reason": finish}


class NoCompletion(Exception):
    """A vendor's document that holds no plain completion."""


def completion_document(
    wire: WireName, reply: Json, *, reply_id: str | None, model: str, created: int, ending: Ending
) -> bytes:
    """A vendor's whole plain completion, rebuilt for `wire`. Raises `NoCompletion`."""
    document: Json = {
        "id": reply_id or "",
        "object": "chat.completion" if wire is WireName.MISTRAL_FIM else CompletionStream.kind,
        "created": created,
        "model": model,
        "choices": [_choice(wire, each, at) for at, each in enumerate(reply.get("choices") or ())],
    }
    if ending.usage is not None:
        document["usage"] = ending.usage
    return orjson.dumps(document)


def _choice(wire: WireName, given: object, at: int) -> Json:
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        raise NoCompletion
    index, finish = given.get("index", at), given.get("finish_reason")
    if wire is WireName.MISTRAL_FIM:
        message = {"role": "assistant", "content": given["text"]}
        return {"index": index, "message": message, "finish_reason": finish}
    known = {"text": given["text"], "logprobs": given.get("logprobs")}
    return {"index": index, **known, "finish_reason": finish}
