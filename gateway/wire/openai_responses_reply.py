"""Watch a response pass: where it begins and ends, what it used, whether it is whole."""

from typing import Final

import msgspec

from gateway.exchange import Usage
from gateway.wire import replies
from gateway.wire.base import Event, NotAReply, ReplyFacts
from gateway.wire.refrain import Refrain
from gateway.wire.sse import data_of

_NULL: Final = msgspec.Raw(b"null")
_OPENING: Final = frozenset(("response.created", "response.in_progress", "response.queued"))
_WHOLE: Final = frozenset(("completed", "incomplete"))
_BROKEN: Final = frozenset(("failed", "cancelled"))
# OpenAI refuses some requests in the stream: asking again, or elsewhere, would not help.
_REFUSALS: Final = frozenset(("context_length_exceeded", "cyber_policy", "invalid_prompt"))
_IDLE: Final = frozenset(("keepalive", "ping"))


_VENDOR_TOOLS: Final = {
    f"{name}_call": name
    for name in ("web_search", "file_search", "code_interpreter", "image_generation")
}
"""Items that tell of a tool which the vendor runs, and takes a fee for."""


class ResponsesFacts(ReplyFacts):
    """What an observer has seen of a response; enough to say in its own terms that it broke off."""

    created_at: int | None = None  # Unix seconds, as the upstream told
    events: int = 0  # numbered events seen, which is the next one's number
    failure_code: str | None = None  # the upstream's own word for its failure


class _Item(msgspec.Struct):
    """An item of the output: only what is said in it."""

    type: str | None = None
    content: msgspec.Raw = msgspec.Raw()
    summary: msgspec.Raw = msgspec.Raw()
    name: str | None = None
    arguments: msgspec.Raw = msgspec.Raw()
    input: msgspec.Raw = msgspec.Raw()


class _Response(msgspec.Struct):
    """The response itself: as it opens a stream, as it ends one, or whole."""

    id: str | None = None
    model: str | None = None
    object: str | None = None
    status: str | None = None
    service_tier: str | None = None
    created_at: int | float | None = None
    output: list[_Item] | None = None
    usage: msgspec.Raw = msgspec.Raw()
    incomplete_details: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class _StreamEvent(msgspec.Struct):
    """Any event of a stream."""

    type: str | None = None
    delta: str | None = None
    output_index: int | None = None
    item: _Item | None = None
    response: _Response | None = None
    error: msgspec.Raw = msgspec.Raw()


_STREAM_EVENT: Final = msgspec.json.Decoder(_StreamEvent)
_RESPONSE: Final = msgspec.json.Decoder(_Response)


class ResponsesObserver:
    """Reads one reply as it passes. Never changes a byte."""

    __slots__ = ("_facts", "_has_started", "_is_ending", "_refrain", "_said_in_item", "facts")

    def __init__(self) -> None:
        self._facts = ResponsesFacts()
        self.facts: ReplyFacts = self._facts  # the same, as the port knows it
        self._has_started = False
        self._is_ending = False
        self._refrain = Refrain()
        self._said_in_item: set[int | None] = set()  # items that were told piece by piece

    def observe_event(self, event: bytes) -> Event:
        """Read one whole event."""
        return Event.SUBSTANCE if self.repeats(event) else self._read_event(event)

    def repeats(self, event: bytes) -> bool:
        """Recognise one more event of words; those that are numbered all differ."""
        words = self._refrain.words_in(event)
        if not words:
            return False
        self._facts.output_bytes += words
        self._facts.events += 1
        return True

    def _read_event(self, event: bytes) -> Event:
        name, data = data_of(event)
        if data is None:
            return self._passing()
        if data == b"[DONE]":  # the specification of others wants it; OpenAI does not send it
            return Event.END
        try:
            seen = _STREAM_EVENT.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            seen = _read_event_loosely(replies.figures(replies.decode_loosely(data)))
        self._facts.events += 1
        # llama.cpp and vLLM send a failure's bare object, at times under the event's name only.
        kind = seen.type or name.decode("ascii", "replace")
        if kind in ("error", "response.failed") or (seen.error and seen.error != _NULL):
            return self._fail(seen, data)
        if self._refrain.is_learning and (words := _sole_words(seen)):
            self._refrain.learn(event, words, _words_of)
        return self._observe(kind, seen)

    def observe_document(self, body: bytes) -> None:
        """Read a whole reply. Raises `NotAReply` when it is none of this protocol."""
        try:
            reply = _RESPONSE.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            reply = _read_loosely(replies.figures(replies.decode_loosely(body)))
        if (reply.error and reply.error != _NULL) or reply.status in _BROKEN:
            self._note_failure(reply.error, b"")
            raise NotAReply(f"the body is an error: {self.facts.failure}")
        if reply.output is None:
            raise NotAReply("the body is no response: it has no output")
        self._note(reply)
        for item in reply.output:
            self.facts.output_bytes += _bytes_in(item)
            self._note_tool(item)
        self._note_end(reply, reply.status or "completed")

    def _observe(self, kind: str, seen: _StreamEvent) -> Event:
        if kind in _OPENING:
            if seen.response is not None:
                self._note(seen.response)
        elif kind in ("response.completed", "response.incomplete"):
            self._is_ending = True
            self._refrain.forget()
            if seen.response is not None:
                self._note(seen.response)
            self._note_end(seen.response, "incomplete" if kind.endswith("incomplete") else None)
        elif kind not in _IDLE:
            self._has_started = True
            self._count(kind, seen)
        return self._passing()

    def _count(self, kind: str, seen: _StreamEvent) -> None:
        """What a delta says; or a whole item, where nothing of it came in deltas."""
        if kind.endswith(".delta"):
            self._said_in_item.add(seen.output_index)
            self.facts.output_bytes += replies.text_bytes(seen.delta)
        elif kind == "response.output_item.added":
            self._said_in_item.discard(seen.output_index)
        elif kind == "response.output_item.done" and seen.item is not None:
            self._note_tool(seen.item)
            if seen.output_index not in self._said_in_item:
                self.facts.output_bytes += _bytes_in(seen.item)

    def _note_tool(self, item: _Item) -> None:
        name = _VENDOR_TOOLS.get(item.type or "")
        if name is not None:
            ran = self.facts.vendor_tools
            ran[name] = ran.get(name, 0) + 1

    def _note(self, response: _Response) -> None:
        facts = self._facts
        facts.response_id = response.id or facts.response_id
        facts.response_model = response.model or facts.response_model
        facts.service_tier = response.service_tier or facts.service_tier
        if response.created_at is not None:
            facts.created_at = int(response.created_at)
        if response.usage and response.usage != _NULL:
            facts.usage = _usage(replies.decode_figures(response.usage)) or facts.usage

    def _note_end(self, response: _Response | None, status: str | None) -> None:
        """The stop reason: why an answer is incomplete, else its status."""
        told = status or (response.status if response is not None else None) or "completed"
        self.facts.is_whole = told in _WHOLE
        if told == "incomplete" and response is not None and response.incomplete_details:
            reason = replies.decode_figures(response.incomplete_details).get("reason")
            told = replies.text_or_none(reason) or told
        if self.facts.is_whole:
            self.facts.finish_reason = told

    def _fail(self, seen: _StreamEvent, data: bytes) -> Event:
        if seen.response is not None:
            self._note(seen.response)
        self._note_failure(seen.response.error if seen.response else seen.error, data)
        if not self._has_started and self._facts.failure_code in _REFUSALS:
            return Event.REFUSAL
        return Event.FAILURE

    def _note_failure(self, error: msgspec.Raw, data: bytes) -> None:
        told = replies.decode_loosely(bytes(error)) or replies.decode_loosely(data)
        self.facts.failure = replies.failure_text(told or "an error without a message")
        self._facts.failure_code = replies.text_or_none(replies.figures(told).get("code"))

    def _passing(self) -> Event:
        if self._is_ending:
            return Event.ENDING
        return Event.SUBSTANCE if self._has_started else Event.PREAMBLE


def _read_event_loosely(document: replies.Figures) -> _StreamEvent:
    """An event with members of unusual types, what is said in it as text of its size."""
    response = document.get("response")
    item, delta = document.get("item"), document.get("delta")
    return _StreamEvent(
        type=replies.text_or_none(document.get("type")),
        delta=delta if isinstance(delta, str | None) else msgspec.json.encode(delta).decode(),
        output_index=replies.number_or_none(document.get("output_index")),
        item=_read_item_loosely(item) if isinstance(item, dict) else None,
        response=_read_loosely(response) if isinstance(response, dict) else None,
        error=replies.encode(document.get("error")),
    )


def _read_loosely(document: replies.Figures) -> _Response:
    output, created = document.get("output"), document.get("created_at")
    return _Response(
        id=replies.text_or_none(document.get("id")),
        model=replies.text_or_none(document.get("model")),
        status=replies.text_or_none(document.get("status")),
        service_tier=replies.text_or_none(document.get("service_tier")),
        created_at=created if isinstance(created, int) else None,
        output=_read_items_loosely(output) if isinstance(output, list) else None,
        usage=replies.encode(document.get("usage")),
        incomplete_details=replies.encode(document.get("incomplete_details")),
        error=replies.encode(document.get("error")),
    )


def _read_items_loosely(output: list[object]) -> list[_Item]:
    return [_read_item_loosely(item) for item in output]


def _read_item_loosely(item: object) -> _Item:
    kind = replies.text_or_none(replies.figures(item).get("type"))
    return _Item(type=kind, content=replies.encode(item))


def _words_of(event: bytes) -> str | None:
    """What a delta says, if the event is one."""
    _, data = data_of(event)
    try:
        return _sole_words(_STREAM_EVENT.decode(data or b""))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _sole_words(seen: _StreamEvent) -> str | None:
    """The text of a delta; None for any other event."""
    is_delta = seen.type is not None and seen.type.endswith(".delta")
    says_more = seen.item is not None or seen.response is not None or bool(seen.error)
    return seen.delta or None if is_delta and not says_more else None


def _bytes_in(item: _Item) -> int:
    said = replies.text_bytes(item.name)
    for part in (item.content, item.summary, item.arguments, item.input):
        said += len(part) if part != _NULL else 0
    return said


def _usage(figures: replies.Figures) -> Usage | None:
    """OpenAI counts cached tokens inside `input_tokens`, reasoning inside `output_tokens`."""
    given = replies.figures(figures.get("input_tokens_details"))
    spent = replies.figures(figures.get("output_tokens_details"))
    prompt = replies.tokens(figures, "input_tokens")
    cached = min(replies.tokens(given, "cached_tokens"), prompt)
    written = replies.tokens(given, "cache_write_tokens", "cache_creation_tokens")
    written = min(written, prompt - cached)
    written_1h = replies.writes_for_an_hour(given, written)
    output = replies.tokens(figures, "output_tokens")
    usage = Usage(
        input_tokens=prompt - cached - written,
        cache_read_tokens=cached,
        cache_write_5m_tokens=written - written_1h,
        cache_write_1h_tokens=written_1h,
        output_tokens=output,
        reasoning_tokens=min(replies.tokens(spent, "reasoning_tokens"), output),
    )
    return replies.usage_or_none(usage)
