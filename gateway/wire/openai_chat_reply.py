"""Watch a completion, of chat or plain: where it begins and ends, what it used, if it is whole."""

from typing import ClassVar, Final

import msgspec

from gateway.wire import replies
from gateway.wire.base import Event, NotAReply, ReplyFacts
from gateway.wire.openai_chat_usage import read_usage
from gateway.wire.refrain import Refrain
from gateway.wire.sse import data_of

_NULL: Final = msgspec.Raw(b"null")
_ABSENT: Final = msgspec.Raw()


class _Function(msgspec.Struct):
    """One piece of a call."""

    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    """A tool call, or a piece of one."""

    function: _Function | None = None
    custom: msgspec.Raw = msgspec.Raw()


class _Delta(msgspec.Struct):
    """What an answer says, or adds: the same members in a chunk and in a whole message."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None


class Choice(msgspec.Struct):
    """One of the answers."""

    index: int | None = None
    delta: _Delta | None = None
    message: _Delta | None = None
    text: str | None = None  # a plain completion's only words
    finish_reason: str | None = None
    usage: msgspec.Raw = msgspec.Raw()  # Moonshot's place for it


class _Chunk(msgspec.Struct):
    """A chunk of a stream, or a whole reply."""

    id: str | None = None
    model: str | None = None
    object: str | None = None
    service_tier: str | None = None
    choices: list[Choice] | None = None
    usage: msgspec.Raw = msgspec.Raw()
    timings: msgspec.Raw = msgspec.Raw()  # llama.cpp counts there, whether or not it was asked to
    error: msgspec.Raw = msgspec.Raw()


_SILENCE: Final = _Delta()
_CHUNK: Final = msgspec.json.Decoder(_Chunk)
_OPENING_KEYS: Final = frozenset(("role", "name"))


class ChatObserver:
    """Reads one reply as it passes. Never changes a byte."""

    kind: ClassVar[str] = "chat completion"

    __slots__ = (
        "_answers",
        "_asked_for_usage",
        "_begun",
        "_finished",
        "_has_started",
        "_is_ending",
        "_refrain",
        "facts",
    )

    def __init__(self, answers: int, *, asked_for_usage: bool) -> None:
        self.facts = ReplyFacts()
        self._answers = answers
        self._asked_for_usage = asked_for_usage
        self._begun: set[int | None] = set()
        self._finished: set[int | None] = set()
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
        _, data = data_of(event)
        if data is None:
            return self._observe_silence(event)
        if data == b"[DONE]":
            return self._observe_end()
        chunk = _decode(data)
        if chunk is None:
            self._has_started = True
            return self._passing()
        failure = _failure(chunk, data)
        if failure is not None:
            self.facts.failure = failure
            return Event.FAILURE
        kind = self._observe_chunk(chunk, data)
        if self._refrain.is_learning and (words := _sole_words(chunk)):
            self._refrain.learn(event, words, _words_of)
        return kind

    def observe_document(self, body: bytes) -> None:
        """Read a whole reply. Raises `NotAReply` when it is none of this protocol."""
        reply = _decode(body)
        if reply is None:
            raise NotAReply(f"the body is no {self.kind}")
        self.facts.failure = _failure(reply, body)
        if self.facts.failure is not None:
            raise NotAReply(f"the body is an error: {self.facts.failure}")
        if not reply.choices or not all(map(self.is_answer, reply.choices)):
            raise NotAReply(f"the body is no {self.kind}: it has no answers")
        self._note(reply)
        self.facts.is_whole = self._finished >= self._begun

    @staticmethod
    def is_answer(choice: Choice) -> bool:
        """Whether one of a whole reply's choices is an answer of this protocol."""
        return choice.message is not None

    def _observe_chunk(self, chunk: _Chunk, data: bytes) -> Event:
        said = self._note(chunk)
        was_ending = self._is_ending
        if not was_ending and len(self._finished) >= self._answers:
            self._is_ending = self.facts.is_whole = True
            self._refrain.forget()
        is_extra = was_ending or not chunk.choices
        if is_extra and self._asked_for_usage and not said and _is_given(chunk.usage):
            return Event.WITHHELD
        if not self._has_started and (said or _says_something(data)):
            self._has_started = True
        return self._passing()

    def _note(self, chunk: _Chunk) -> int:
        """Take down what a chunk tells; returns how many bytes the answers said in it."""
        facts = self.facts
        if not facts.response_id:
            facts.response_id = chunk.id or None
            facts.response_model = chunk.model or None
        if chunk.service_tier:
            facts.service_tier = chunk.service_tier
        if chunk.usage or chunk.timings:
            self._note_usage(chunk.usage, chunk.timings)
        said = 0
        for choice in chunk.choices or ():
            self._begun.add(choice.index)
            words = choice.delta or choice.message
            if words is not None:
                said += _bytes_said(words)
            if choice.text:
                said += replies.text_bytes(choice.text)
            if choice.finish_reason:
                facts.finish_reason = choice.finish_reason
                self._finished.add(choice.index)
                if choice.usage:
                    self._note_usage(choice.usage)
        facts.output_bytes += said
        return said

    def _note_usage(self, usage: msgspec.Raw, timings: msgspec.Raw = _ABSENT) -> None:
        if _is_given(usage) or _is_given(timings):
            self.facts.usage = read_usage(usage, timings) or self.facts.usage

    def _observe_end(self) -> Event:
        # An engine that ignores `n` ends with fewer answers than were asked for.
        if self._begun and self._finished >= self._begun:
            self.facts.is_whole = True
        return Event.END

    def _observe_silence(self, event: bytes) -> Event:
        # Older llama.cpp servers send a failure in a field of that name.
        if event.startswith(b"error:"):
            _, _, error = event.partition(b":")
            self.facts.failure = replies.failure_text(replies.decode_loosely(error) or "an error")
            return Event.FAILURE
        return self._passing()

    def _passing(self) -> Event:
        if self._is_ending:
            return Event.ENDING
        return Event.SUBSTANCE if self._has_started else Event.PREAMBLE


def _decode(data: bytes) -> _Chunk | None:
    """A chunk or reply; read loosely where some member has an unusual type; None for no object."""
    try:
        return _CHUNK.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        document = replies.decode_loosely(data)
        return _read_loosely(document) if isinstance(document, dict) else None


def _read_loosely(document: dict[str, object]) -> _Chunk:
    return _Chunk(
        choices=[
            Choice(
                index=replies.number_or_none(choice.get("index")),
                delta=_said_loosely(choice.get("delta")),
                message=_said_loosely(choice.get("message")),
                text=_text_loosely(choice.get("text")),
                finish_reason=replies.text_or_none(choice.get("finish_reason")),
                usage=replies.encode(choice.get("usage")),
            )
            for choice in replies.objects(document.get("choices"))
        ],
        id=replies.text_or_none(document.get("id")),
        model=replies.text_or_none(document.get("model")),
        service_tier=replies.text_or_none(document.get("service_tier")),
        object=replies.text_or_none(document.get("object")),
        usage=replies.encode(document.get("usage")),
        timings=replies.encode(document.get("timings")),
        error=replies.encode(document.get("error")),
    )


def _said_loosely(words: object) -> _Delta | None:
    """Words of unknown shape, as text of their size."""
    if not isinstance(words, dict):
        return None
    said = {key: value for key, value in words.items() if value and key not in _OPENING_KEYS}
    return _Delta(content=msgspec.json.encode(said).decode() if said else None)


def _text_loosely(text: object) -> str | None:
    return text if isinstance(text, str | None) else msgspec.json.encode(text).decode()


def _failure(chunk: _Chunk, data: bytes) -> str | None:
    if chunk.error and chunk.error != _NULL:
        return replies.failure_text(replies.decode_loosely(bytes(chunk.error)))
    if chunk.object == "error":  # older vLLM
        return replies.failure_text(replies.decode_loosely(data))
    return None


def _is_given(value: msgspec.Raw) -> bool:
    return bool(value) and value != _NULL


def _says_something(data: bytes) -> bool:
    """Looks for words in members we do not know. Asked only until the reply has started."""
    document = replies.figures(replies.decode_loosely(data))
    return any(
        value and key not in _OPENING_KEYS
        for choice in replies.objects(document.get("choices"))
        for key, value in replies.figures(choice.get("delta")).items()
    )


def _bytes_said(words: _Delta) -> int:
    said = replies.text_bytes(
        words.content, words.reasoning_content or words.reasoning, words.refusal
    )
    for call in words.tool_calls or ():
        said += len(call.custom)
        if call.function is not None:
            said += replies.text_bytes(call.function.name, call.function.arguments)
    if words.function_call is not None:
        said += replies.text_bytes(words.function_call.name, words.function_call.arguments)
    return said


def _words_of(event: bytes) -> str | None:
    """What an event says, if it does nothing else."""
    _, data = data_of(event)
    chunk = None if data is None else _decode(data)
    return None if chunk is None else _sole_words(chunk)


def _sole_words(chunk: _Chunk) -> str | None:
    """The one text a chunk says; None when it does anything else, too."""
    if not chunk.choices or len(chunk.choices) > 1 or _is_told(chunk):
        return None
    (choice,) = chunk.choices
    delta = choice.delta or _SILENCE
    if choice.finish_reason or delta.tool_calls or delta.function_call:
        return None
    texts = (choice.text, delta.content, delta.reasoning_content, delta.reasoning, delta.refusal)
    said = [text for text in texts if text]
    return said[0] if len(said) == 1 else None


def _is_told(chunk: _Chunk) -> bool:
    """Whether a chunk counts, too."""
    return _is_given(chunk.usage) or _is_given(chunk.timings)
