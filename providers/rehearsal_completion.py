"""What the rehearsal model says to an editor's autocomplete: a comment that owns up to it."""

import re

from providers.base import UpstreamCall, WireName
from providers.errors import UnsupportedFeature
from providers.rehearsal_scene import Json, count_words
from providers.translation.completion_reply import (
    CompletionStream,
    FimStream,
    completion_document,
)
from providers.translation.ending import Ending

_COMMENT = "Gatehouse's rehearsal model: no model completed this."
_SLASHES = re.compile(r"//|[{;]\s*$", re.MULTILINE)
_WORD = re.compile(r"\s*\S+\s*")
_SEEN_CHARACTERS = 4000  # the end of the prompt tells the language


def complete(call: UpstreamCall, body: Json, *, reply_id: str, created: int) -> list[bytes]:
    """The events of a stream, a word each, or one document.

    Raises `UnsupportedFeature` for more than one answer.
    """
    prompt = body.get("prompt")
    if (body.get("n") or 1) != 1 or _are_several(prompt):
        message = "the rehearsal model completes one prompt at a time"
        raise UnsupportedFeature(message, target=call.target.name)
    pieces, finish = _WORD.findall(_comment(prompt)), "stop"
    limit = body.get("max_tokens")
    if isinstance(limit, int) and limit < len(pieces):
        pieces, finish = pieces[:limit], "length"
    ending = Ending(usage=_usage([prompt, body.get("suffix")], pieces))
    model = call.target.upstream_model
    if not call.streaming:
        reply = {"choices": [{"text": "".join(pieces), "finish_reason": finish}]}
        head = {"reply_id": reply_id, "model": model}
        return [completion_document(call.wire, reply, **head, created=created, ending=ending)]
    options = body.get("stream_options")
    wants_usage = isinstance(options, dict) and options.get("include_usage") is True
    kind = FimStream if call.wire is WireName.MISTRAL_FIM else CompletionStream
    stream = kind(reply_id=reply_id, model=model, created=created, wants_usage=wants_usage)
    events = [stream.encode({"choices": [{"text": piece}]}) for piece in pieces]
    end = stream.encode({"choices": [{"finish_reason": finish}]})
    return [*events, end + stream.close(ending)]


def _are_several(prompt: object) -> bool:
    return isinstance(prompt, list) and len(prompt) > 1 and not isinstance(prompt[0], int)


def _comment(prompt: object) -> str:
    seen = " ".join(prompt) if isinstance(prompt, list) and isinstance(prompt[0], str) else prompt
    is_slashes = isinstance(seen, str) and _SLASHES.search(seen[-_SEEN_CHARACTERS:])
    return f"{'//' if is_slashes else '#'} {_COMMENT}"


def _usage(read: list[object], pieces: list[str]) -> Json:
    prompt_tokens = count_words(read)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": len(pieces),
        "total_tokens": prompt_tokens + len(pieces),
    }
