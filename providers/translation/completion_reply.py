"""A plain completion as the bytes a client reads: in its own form, or as fill-in-the-middle."""

from typing import ClassVar

import orjson

from providers.base import WireName
from providers.translation.chat_stream import DONE
from providers.translation.ending import Ending
from providers.translation.hub import Json


class CompletionStream:
    """One streamed reply. Its id, model and date stay what they were in the first event."""

    kind: ClassVar[str] = "text_completion"

    def __init__(
        self, *, reply_id: str | None, model: str, created: int, wants_usage: bool
    ) -> None:
        self._id = reply_id or ""
        self._model = model
        self._created = created
        self._wants_usage = wants_usage
        self._finishes: dict[int, str] = {}

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

    def _event(self, choices: list[Json], usage: Json | None = None) -> bytes:
        head = _head(self.kind, self._id, self._model, self._created)
        return b"data: " + orjson.dumps(_told(head, choices, usage)) + b"\n\n"


class FimStream(CompletionStream):
    """The same as Mistral streams it: chat's chunks, the usage in the last of them, unasked."""

    kind: ClassVar[str] = "chat.completion.chunk"

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
    given = reply.get("choices")
    choices = [_choice(wire, each, at) for at, each in enumerate(given or ())]
    kind = "chat.completion" if wire is WireName.MISTRAL_FIM else CompletionStream.kind
    head = _head(kind, reply_id or "", model, created)
    return orjson.dumps(_told(head, choices, ending.usage))


def _choice(wire: WireName, given: object, at: int) -> Json:
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        raise NoCompletion
    index, finish = given.get("index", at), given.get("finish_reason")
    if wire is WireName.MISTRAL_FIM:
        message = {"role": "assistant", "content": given["text"]}
        return {"index": index, "message": message, "finish_reason": finish}
    known = {"text": given["text"], "logprobs": given.get("logprobs")}
    return {"index": index, **known, "finish_reason": finish}


def _head(kind: str, reply_id: str, model: str, created: int) -> Json:
    return {"id": reply_id, "object": kind, "created": created, "model": model}


def _told(head: Json, choices: list[Json], usage: Json | None) -> Json:
    told = {**head, "choices": choices}
    return told if usage is None else {**told, "usage": usage}
