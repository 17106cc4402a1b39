"""Watch a reply that is never streamed: a list of vectors or of ranks, and what it used."""

from typing import Final

import msgspec

from gateway.exchange import Usage
from gateway.wire import replies
from gateway.wire.base import Event, NotAReply, ReplyFacts

_LIST: Final = 0x5B


class _Reply(msgspec.Struct):
    """What the gateway knows of such a reply. Its lists are long and are not taken apart."""

    id: str | None = None
    model: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    results: msgspec.Raw = msgspec.Raw()
    usage: msgspec.Raw = msgspec.Raw()
    meta: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


_REPLY: Final = msgspec.json.Decoder(_Reply)


class WholeObserver:
    """Reads one document, which must hold a list under `holds` (`data` or `results`)."""

    __slots__ = ("_holds", "facts")

    def __init__(self, holds: str) -> None:
        self.facts = ReplyFacts()
        self._holds = holds

    def observe_event(self, event: bytes) -> Event:
        """Nothing here is streamed: an event is none of this protocol."""
        return Event.SUBSTANCE

    def repeats(self, event: bytes) -> bool:
        """Nothing here is streamed."""
        return False

    def observe_document(self, body: bytes) -> None:
        """Read a whole reply. Raises `NotAReply` when it is none of this protocol."""
        reply = _decode(body)
        if reply.error and reply.error != b"null":
            error = replies.decode_loosely(bytes(reply.error))
            self.facts.failure = replies.failure_text(error)
            raise NotAReply(f"the body is an error: {self.facts.failure}")
        held: msgspec.Raw = getattr(reply, self._holds)
        if not held or memoryview(held)[0] != _LIST:
            raise NotAReply(f"the body has no list of {self._holds}")
        self.facts.response_id = reply.id or None
        self.facts.response_model = reply.model or None
        self.facts.usage = _usage(reply)
        self.facts.is_whole = True


def _decode(body: bytes) -> _Reply:
    try:
        return _REPLY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        document = replies.decode_loosely(body)
    if not isinstance(document, dict):
        raise NotAReply("the body is no JSON object")
    return _Reply(
        id=replies.text_or_none(document.get("id")),
        model=replies.text_or_none(document.get("model")),
        **{
            name: replies.encode(document.get(name))
            for name in ("data", "results", "usage", "meta", "error")
        },
    )


def _usage(reply: _Reply) -> Usage | None:
    """OpenAI's, Jina's and vLLM's `usage`, or Cohere's `meta`, whose searches are not tokens."""
    meta = replies.decode_figures(reply.meta)
    told = (meta.get("tokens"), meta.get("billed_units"))
    for figures in (replies.decode_figures(reply.usage), *map(replies.figures, told)):
        read = replies.tokens(figures, "prompt_tokens", "input_tokens", "total_tokens")
        written = replies.tokens(figures, "completion_tokens", "output_tokens")
        if usage := replies.usage_or_none(Usage(input_tokens=read, output_tokens=written)):
            return usage
    return None
