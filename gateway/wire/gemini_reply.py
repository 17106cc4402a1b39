"""Watch a Gemini answer pass: where it begins and ends, what it used, whether it is whole."""

from typing import Final

import msgspec

from gateway.exchange import Usage
from gateway.wire import replies
from gateway.wire.base import Event, NotAReply, ReplyFacts
from gateway.wire.sse import data_of

_NULL: Final = msgspec.Raw(b"null")
_UNSAID: Final = frozenset(("", "FINISH_REASON_UNSPECIFIED"))
_UNBLOCKED: Final = frozenset(("", "BLOCK_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED"))


class _Call(msgspec.Struct):
    """A function call: whole, always."""

    name: str | None = None
    args: msgspec.Raw = msgspec.Raw()


class _Part(msgspec.Struct):
    """A piece of what is said."""

    text: str | None = None
    call: _Call | None = msgspec.field(default=None, name="functionCall")
    code: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="executableCode")
    result: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="codeExecutionResult")
    blob: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="inlineData")


class _Content(msgspec.Struct):
    """What one answer says, or adds."""

    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct):
    """One of the answers."""

    index: int | None = None
    content: _Content | None = None
    finish_reason: str | None = msgspec.field(default=None, name="finishReason")
    grounding: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="groundingMetadata")


class _Feedback(msgspec.Struct):
    """Why a prompt was not answered."""

    block_reason: str | None = msgspec.field(default=None, name="blockReason")


class _Chunk(msgspec.Struct):
    """A chunk of a stream, or a whole reply."""

    candidates: list[_Candidate] | None = None
    feedback: _Feedback | None = msgspec.field(default=None, name="promptFeedback")
    usage: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="usageMetadata")
    model: str | None = msgspec.field(default=None, name="modelVersion")
    response_id: str | None = msgspec.field(default=None, name="responseId")
    error: msgspec.Raw = msgspec.Raw()


_CHUNK: Final = msgspec.json.Decoder(_Chunk)


class GeminiObserver:
    """Reads one reply as it passes. Never changes a byte."""

    __slots__ = ("_answers", "_begun", "_figures", "_finished", "_has_started", "facts")

    def __init__(self, answers: int) -> None:
        self.facts = ReplyFacts()
        self._answers = answers
        self._figures: replies.Figures = {}
        self._begun: set[int] = set()
        self._finished: set[int] = set()
        self._has_started = False

    def observe_event(self, event: bytes) -> Event:
        """Read one whole event. Comments and end markers stay here: this protocol has neither."""
        _, data = data_of(event)
        if data is None:
            return self._observe_silence(event)
        if data == b"[DONE]":
            return Event.WITHHELD
        chunk = _decode(data)
        if chunk is None:
            self._has_started = True
            return self._passing()
        if _is_given(chunk.error):
            return self._fail(replies.decode_loosely(bytes(chunk.error)))
        self._note(chunk)
        if len(self._finished) >= self._answers:
            self.facts.is_whole = True
        return self._passing()

    def repeats(self, event: bytes) -> bool:
        """Nothing to recognise: each of these events tells the usage so far, and so differs."""
        return False

    def observe_document(self, body: bytes) -> None:
        """Read a whole reply. Raises `NotAReply` when it is none of this protocol."""
        chunk = _decode(body)
        if chunk is not None and _is_given(chunk.error):
            self._fail(replies.decode_loosely(bytes(chunk.error)))
            raise NotAReply(f"the body is an error: {self.facts.failure}")
        if chunk is None or not (chunk.candidates or _blocked(chunk)):
            raise NotAReply("the body is no answer: it has no candidates")
        self._note(chunk)
        self.facts.is_whole = self.facts.is_whole or self._finished >= self._begun

    def _note(self, chunk: _Chunk) -> None:
        """Take down what a chunk tells."""
        facts = self.facts
        facts.response_id = facts.response_id or chunk.response_id
        facts.response_model = facts.response_model or chunk.model
        if chunk.usage:
            self._note_usage(chunk.usage)
        if reason := _blocked(chunk):
            facts.finish_reason, facts.is_whole = reason, True
        for place, candidate in enumerate(chunk.candidates or ()):
            index = place if candidate.index is None else candidate.index
            self._begun.add(index)
            for part in (candidate.content and candidate.content.parts) or ():
                said = _bytes_said(part)
                facts.output_bytes += said
                self._has_started = self._has_started or said > 0 or bool(part.blob)
            if candidate.finish_reason and candidate.finish_reason not in _UNSAID:
                facts.finish_reason = candidate.finish_reason
                self._finished.add(index)
            if candidate.grounding:
                self._note_searches(candidate.grounding)

    def _note_usage(self, raw: msgspec.Raw) -> None:
        """Every chunk may tell all figures anew: the last word on each holds."""
        told = replies.decode_figures(raw)
        self._figures |= {name: value for name, value in told.items() if value is not None}
        self.facts.usage = _usage(self._figures)
        self.facts.service_tier = replies.text_or_none(self._figures.get("serviceTier"))

    def _note_searches(self, raw: msgspec.Raw) -> None:
        """Google's own searches for an answer; a later chunk tells all of them again."""
        queries = replies.decode_figures(raw).get("webSearchQueries")
        ran = self.facts.vendor_tools
        if isinstance(queries, list) and len(queries) > ran.get("web_search", 0):
            ran["web_search"] = len(queries)

    def _observe_silence(self, event: bytes) -> Event:
        """An event without data; Google sheds load by an error outside of any event."""
        document = replies.decode_loosely(event) if event.lstrip()[:1] in (b"{", b"[") else None
        first = document[0] if isinstance(document, list) and document else document
        if isinstance(first, dict) and "error" in first:
            return self._fail(first["error"])
        return Event.WITHHELD

    def _fail(self, error: object) -> Event:
        self.facts.failure = replies.failure_text(error or "an error")
        return Event.FAILURE

    def _passing(self) -> Event:
        if self.facts.is_whole:
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
    feedback = replies.figures(document.get("promptFeedback"))
    return _Chunk(
        candidates=[
            _Candidate(
                index=replies.number_or_none(candidate.get("index")),
                content=_said_loosely(candidate.get("content")),
                finish_reason=replies.text_or_none(candidate.get("finishReason")),
                grounding=replies.encode(candidate.get("groundingMetadata")),
            )
            for candidate in replies.objects(document.get("candidates"))
        ],
        feedback=_Feedback(replies.text_or_none(feedback.get("blockReason"))),
        usage=replies.encode(document.get("usageMetadata")),
        model=replies.text_or_none(document.get("modelVersion")),
        response_id=replies.text_or_none(document.get("responseId")),
        error=replies.encode(document.get("error")),
    )


def _said_loosely(content: object) -> _Content:
    """Words of unusual types, as one text of their size."""
    parts = replies.figures(content).get("parts")
    return _Content([_Part(text=msgspec.json.encode(parts).decode())] if parts else None)


def _blocked(chunk: _Chunk) -> str | None:
    reason = chunk.feedback.block_reason if chunk.feedback is not None else None
    return reason if reason and reason not in _UNBLOCKED else None


def _is_given(value: msgspec.Raw) -> bool:
    return bool(value) and value != _NULL


def _bytes_said(part: _Part) -> int:
    said = replies.text_bytes(part.text) + len(part.code) + len(part.result)
    if part.call is not None:
        said += replies.text_bytes(part.call.name) + len(part.call.args)
    return said


def _usage(figures: replies.Figures) -> Usage | None:
    """Google's figures in disjoint classes.

    The prompt holds what came from a cache, but not what tools put before the model. Thoughts
    are counted beside the candidates; some servers count them among these, and their total says so.
    https://ai.google.dev/api/generate-content#UsageMetadata
    """
    prompt = replies.tokens(figures, "promptTokenCount")
    cached = min(replies.tokens(figures, "cachedContentTokenCount"), prompt)
    of_tools = replies.tokens(figures, "toolUsePromptTokenCount")
    said = replies.tokens(figures, "candidatesTokenCount")
    thought = replies.tokens(figures, "thoughtsTokenCount")
    is_among = 0 < thought <= said and replies.tokens(figures, "totalTokenCount") == prompt + said
    usage = Usage(
        input_tokens=prompt - cached + of_tools,
        cache_read_tokens=cached,
        output_tokens=said if is_among else said + thought,
        reasoning_tokens=thought,
    )
    return replies.usage_or_none(usage)
