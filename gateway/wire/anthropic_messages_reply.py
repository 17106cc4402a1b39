"""Watch an Anthropic message pass: where it begins and ends, what it used, whether it is whole."""

from typing import Final

import msgspec

from gateway.exchange import Usage
from gateway.wire import replies
from gateway.wire.base import Event, NotAReply, ReplyFacts
from gateway.wire.refrain import Refrain
from gateway.wire.sse import data_of

_INPUT_FIGURES: Final = (
    "input_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation",
)
_VENDOR_TOOLS: Final = ("web_search", "web_fetch", "code_execution")


class _Words(msgspec.Struct):
    """A delta, or a content block: what is said, in any of the ways there are."""

    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw()


class _Message(msgspec.Struct):
    """The message itself: whole, or as it opens a stream."""

    id: str | None = None
    model: str | None = None
    content: list[_Words] | None = None
    stop_reason: str | None = None
    usage: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class _StreamEvent(msgspec.Struct):
    """Any event of a stream."""

    type: str | None = None
    delta: _Words | None = None
    content_block: _Words | None = None
    message: _Message | None = None
    usage: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


_STREAM_EVENT: Final = msgspec.json.Decoder(_StreamEvent)
_MESSAGE: Final = msgspec.json.Decoder(_Message)
_EMPTY_INPUT: Final = len("{}")


class MessagesObserver:
    """Reads one reply as it passes. Never changes a byte."""

    __slots__ = ("_figures", "_has_started", "_is_ending", "_refrain", "facts")

    def __init__(self) -> None:
        self.facts = ReplyFacts()
        self._figures: replies.Figures = {}
        self._has_started = False
        self._is_ending = False
        self._refrain = Refrain()

    def observe_event(self, event: bytes) -> Event:
        """Read one whole event."""
        return Event.SUBSTANCE if self.repeats(event) else self._read_event(event)

    def repeats(self, event: bytes) -> bool:
        """Recognise one more event of words, without parsing it."""
        words = self._refrain.words_in(event)
        self.facts.output_bytes += words
        return words > 0

    def _read_event(self, event: bytes) -> Event:
        name, data = data_of(event)
        if data is None:
            return self._passing()
        try:
            seen = _STREAM_EVENT.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._observe_oddity(name, data)
        # llama.cpp puts an error of another protocol into an event of the right name.
        match "error" if name == b"error" else seen.type:
            case "content_block_delta":
                self._note_words(seen.delta)
                self._learn(event, seen.delta)
            case "content_block_start":
                self._note_words(seen.content_block)
            case "message_start":
                self._note_start(seen.message)
            case "message_delta":
                self._note_delta(seen)
            case "message_stop":
                return Event.END
            case "error":
                return self._fail(seen.error, data)
            case "ping":
                pass
            case _:
                self._has_started = True
        return self._passing()

    def observe_document(self, body: bytes) -> None:
        """Read a whole reply. Raises `NotAReply` when it is none of this protocol."""
        try:
            message = _MESSAGE.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            message = _read_loosely(replies.figures(replies.decode_loosely(body)))
        if message.content is None:
            self.facts.failure = _error_in(message.error)
            raise NotAReply(f"the body is no message: {self.facts.failure or 'it has no content'}")
        self._note_start(message)
        self.facts.output_bytes += sum(_bytes_said(block) for block in message.content)
        self.facts.finish_reason = message.stop_reason
        self.facts.is_whole = message.stop_reason is not None

    def _note_words(self, words: _Words | None) -> None:
        self.facts.output_bytes += _bytes_said(words)
        self._has_started = True

    def _learn(self, event: bytes, delta: _Words | None) -> None:
        if self._refrain.is_learning and (words := _sole_words(delta)):
            self._refrain.learn(event, words, _words_of)

    def _note_start(self, message: _Message | None) -> None:
        if message is None:
            return
        self.facts.response_id = message.id
        self.facts.response_model = message.model
        self._note_usage(message.usage)

    def _note_delta(self, seen: _StreamEvent) -> None:
        self._note_usage(seen.usage)
        if seen.delta is not None and seen.delta.stop_reason:
            self.facts.finish_reason = seen.delta.stop_reason
            self.facts.is_whole = self._is_ending = True
            self._refrain.forget()

    def _note_usage(self, raw: msgspec.Raw) -> None:
        """Later figures hold over earlier ones, unless they are input figures of nothing."""
        if not raw:
            return
        figures = replies.decode_figures(raw)
        if not any(replies.tokens(figures, name) for name in _INPUT_FIGURES):
            figures = {key: value for key, value in figures.items() if key not in _INPUT_FIGURES}
        self._figures |= {key: value for key, value in figures.items() if value is not None}
        self.facts.usage = _usage(self._figures)
        self.facts.service_tier = _tier(self._figures)
        if ran := self._figures.get("server_tool_use"):
            self.facts.vendor_tools = _vendor_tools(replies.figures(ran))

    def _fail(self, error: msgspec.Raw, data: bytes) -> Event:
        self.facts.failure = _error_in(error) or replies.failure_text(replies.decode_loosely(data))
        return Event.FAILURE

    def _observe_oddity(self, name: bytes, data: bytes) -> Event:
        """An event of no known shape; an error, an end and a stop are still recognised."""
        document = replies.figures(replies.decode_loosely(data))
        told = name.decode(errors="replace")
        match "error" if told == "error" else document.get("type") or told:
            case "error":
                self.facts.failure = replies.failure_text(document.get("error") or document)
                return Event.FAILURE
            case "message_stop":
                return Event.END
            case "message_delta":
                stop_reason = replies.figures(document.get("delta")).get("stop_reason")
                self._note_delta(
                    _StreamEvent(
                        delta=_Words(stop_reason=replies.text_or_none(stop_reason)),
                        usage=replies.encode(document.get("usage")),
                    )
                )
            case "message_start":
                message = replies.figures(document.get("message"))
                self._note_usage(replies.encode(message.get("usage")))
            case _:
                self._has_started = True
        return self._passing()

    def _passing(self) -> Event:
        if self._is_ending:
            return Event.ENDING
        return Event.SUBSTANCE if self._has_started else Event.PREAMBLE


def _read_loosely(document: replies.Figures) -> _Message:
    """A message with blocks of unusual types, each as text of its size."""
    content = document.get("content")
    is_content = isinstance(content, list) and all(isinstance(block, dict) for block in content)
    return _Message(
        id=replies.text_or_none(document.get("id")),
        model=replies.text_or_none(document.get("model")),
        content=[_Words(input=replies.encode(content))] if is_content else None,
        stop_reason=replies.text_or_none(document.get("stop_reason")),
        usage=replies.encode(document.get("usage")),
        error=replies.encode(document.get("error")),
    )


def _error_in(error: msgspec.Raw) -> str | None:
    document = replies.decode_loosely(bytes(error)) if error else None
    return None if document is None else replies.failure_text(document)


def _bytes_said(words: _Words | None) -> int:
    if words is None:
        return 0
    said = replies.text_bytes(words.text, words.thinking, words.partial_json, words.name)
    return said + (len(words.input) if len(words.input) > _EMPTY_INPUT else 0)


def _words_of(event: bytes) -> str | None:
    """What a delta says, if it does nothing else."""
    name, data = data_of(event)
    try:
        seen = _STREAM_EVENT.decode(data or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    is_delta = seen.type == "content_block_delta" and name != b"error"
    return _sole_words(seen.delta) if is_delta else None


def _sole_words(words: _Words | None) -> str | None:
    """The one text a delta says; None when it says several, or nothing."""
    if words is None or words.name or len(words.input) > _EMPTY_INPUT:
        return None
    said = [text for text in (words.text, words.thinking, words.partial_json) if text]
    return said[0] if len(said) == 1 else None


def _usage(figures: replies.Figures) -> Usage | None:
    """Anthropic's classes are disjoint already; the split of cache writes comes only at times."""
    written = replies.tokens(figures, "cache_creation_input_tokens")
    by_lifetime = replies.figures(figures.get("cache_creation"))
    written_1h = replies.tokens(by_lifetime, "ephemeral_1h_input_tokens")
    written_5m = replies.tokens(by_lifetime, "ephemeral_5m_input_tokens")
    output = replies.tokens(figures, "output_tokens")
    spent = replies.figures(figures.get("output_tokens_details"))
    usage = Usage(
        input_tokens=replies.tokens(figures, "input_tokens"),
        cache_read_tokens=replies.tokens(figures, "cache_read_input_tokens"),
        cache_write_5m_tokens=max(written_5m, written - written_1h),
        cache_write_1h_tokens=written_1h,
        output_tokens=output,
        reasoning_tokens=min(replies.tokens(spent, "thinking_tokens"), output),
    )
    return replies.usage_or_none(usage)


def _tier(figures: replies.Figures) -> str | None:
    """How it was served. The fast mode has a price of its own, and stands beside the tier."""
    speed = replies.text_or_none(figures.get("speed"))
    if speed is not None and speed != "standard":
        return speed
    return replies.text_or_none(figures.get("service_tier"))


def _vendor_tools(figures: replies.Figures) -> dict[str, int]:
    counts = {name: replies.tokens(figures, f"{name}_requests") for name in _VENDOR_TOOLS}
    return {name: count for name, count in counts.items() if count}
