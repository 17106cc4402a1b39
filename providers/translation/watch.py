"""What the vendor itself said: read from the raw bytes of its reply, before LiteLLM adds anything.

LiteLLM supplies a stop reason where the vendor's stream just ended, and counts tokens where the
vendor told none. So the end of a reply, its usage and its ids are believed only when they were
seen here. The known vendors' dialects are told apart by their members, not by names.
"""

from typing import Any, TypeGuard

import orjson

DOCUMENT_LIMIT_BYTES = 64 << 20
_LINE_LIMIT_BYTES = 32 << 20
_DONE, _DONE_ESCAPED = b"[DONE]", b"\\u005bDONE]"  # inside a JSON object: inside a text
RESPONSE_ENDS = ("response.completed", "response.incomplete")
"""The events that end a response of OpenAI's: whole, or stopped at a limit or by a filter."""
_MARKS = (b"inish", b"stop_", b"sage", b"rror", b'"id"', b"response")


class ReplyTooLarge(Exception):
    """A document or a single event is over the limit."""


class ReplyWatch:
    """Reads one reply as it passes."""

    def __init__(self, *, answers: int) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.is_stream = False
        self.response_id: str | None = None
        self.response_model: str | None = None
        self.created: int | None = None
        self.native_stop_reason: str | None = None  # in Anthropic's own words
        self.stop_sequence: str | None = None
        self.service_tier: str | None = None
        self.chat_usage: dict[str, Any] | None = None  # as a chat vendor told it
        self.has_usage = False
        self.has_reasoning_count = False
        self.failure: str | None = None  # the vendor's own error in the middle of a stream
        self._answers = answers
        self._finished: set[int] = set()
        self._is_over = False  # a response has ended: nothing behind its last event is its own
        self._document = bytearray()
        self._rest = bytearray()  # of a line whose end has not come

    @property
    def document(self) -> bytes:
        """All that has come of a reply that is no stream."""
        return bytes(self._document)

    @property
    def is_whole(self) -> bool:
        """The vendor gave the stop reason of every answer."""
        return len(self._finished) >= self._answers

    def feed(self, data: bytes) -> bytes:
        """Read the next bytes; what may be handed on of them. Raises `ReplyTooLarge`."""
        if not self.is_stream:
            self._document += data
            if len(self._document) > DOCUMENT_LIMIT_BYTES:
                raise ReplyTooLarge
            return data
        self._rest += data
        lines = []
        if b"\n" in data:
            *lines, rest = bytes(self._rest).split(b"\n")
            self._rest = bytearray(rest)
        if len(self._rest) > _LINE_LIMIT_BYTES:
            raise ReplyTooLarge
        return b"".join([self._read_line(line) + b"\n" for line in lines])

    def finish(self) -> bytes:
        """The reply's framing ended properly; what is left to be handed on."""
        if not self.is_stream:
            self._read(self.document)
            return b""
        rest, self._rest = bytes(self._rest), bytearray()
        return self._read_line(rest)

    def _read_line(self, line: bytes) -> bytes:
        if not line.startswith(b"data:"):
            return line
        if not self._is_over and any(mark in line for mark in _MARKS):
            self._read(line[5:])
        if _DONE in line and line[5:].lstrip().startswith(b"{"):
            # LiteLLM takes the word for the end wherever it stands, and a model may well write it.
            return line.replace(_DONE, _DONE_ESCAPED)
        return line

    def _read(self, raw: bytes) -> None:
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return  # [DONE], or nothing that could be believed
        if isinstance(value, dict):
            self._read_object(value)

    def _read_object(self, value: dict[str, Any]) -> None:
        if value.get("error") or value.get("type") == "error":
            self.failure = error_message(value.get("error") or value)
        inner = value.get("message")
        if value.get("type") == "message_start" and isinstance(inner, dict):
            self._read_ids(inner)
            self._read_tier(inner.get("usage"))
        else:
            self._read_ids(value)
        self._read_messages_end(value)
        self._read_response(value)
        for at, choice in enumerate(_dicts(value.get("choices"))):
            self._read_choice(choice, at)
        for at, candidate in enumerate(_dicts(value.get("candidates"))):
            if candidate.get("finishReason"):
                self._finished.add(at)
        self._read_tier(value)
        self._read_usage(value.get("usage") or value.get("usageMetadata"))

    def _read_ids(self, value: dict[str, Any]) -> None:
        found = value.get("id", value.get("responseId"))
        if self.response_id is None and isinstance(found, str) and found:
            self.response_id = found
        model = value.get("model", value.get("modelVersion"))
        if self.response_model is None and isinstance(model, str) and model:
            self.response_model = model
        created = value.get("created", value.get("created_at"))
        if self.created is None and _is_time(created):
            self.created = int(created)

    def _read_tier(self, told: object) -> None:
        """How the vendor served: OpenAI says it of the reply, others in its usage."""
        if isinstance(told, dict):
            tier = told.get("service_tier", told.get("serviceTier"))
            self.service_tier = tier if tier and isinstance(tier, str) else self.service_tier

    def _read_messages_end(self, value: dict[str, Any]) -> None:
        delta = value.get("delta") if value.get("type") == "message_delta" else value
        if isinstance(delta, dict) and isinstance(delta.get("stop_reason"), str):
            self._finished.add(0)
            self.native_stop_reason = delta["stop_reason"]
            if isinstance(delta.get("stop_sequence"), str):
                self.stop_sequence = delta["stop_sequence"]

    def _read_response(self, value: dict[str, Any]) -> None:
        """OpenAI's responses: a document, or an event that holds the whole response so far."""
        response = value if value.get("object") == "response" else value.get("response")
        if not isinstance(response, dict):
            return
        self._read_ids(response)
        self._read_usage(response.get("usage"))
        status = response.get("status", str(value.get("type")).removeprefix("response."))
        may_end = response is value or value.get("type") in RESPONSE_ENDS
        if response.get("error") or status == "failed":
            self.failure = error_message(response.get("error") or "the model failed")
        elif may_end and status in ("completed", "incomplete"):
            self._finished.add(0)
            self._is_over = True

    def _read_choice(self, choice: dict[str, Any], at: int) -> None:
        if choice.get("finish_reason"):
            index = choice.get("index")
            self._finished.add(index if isinstance(index, int) else at)
            if isinstance(choice.get("stop_reason"), str):  # vLLM names the sequence that hit
                self.stop_sequence = choice["stop_reason"]
        self._read_usage(choice.get("usage"))  # Moonshot's place for it; LiteLLM looks past it

    def _read_usage(self, usage: object) -> None:
        if not isinstance(usage, dict):
            return
        self._read_tier(usage)
        if usage.get("completion_tokens") is not None:
            self.chat_usage = usage
        counts = ("completion_tokens", "output_tokens", "totalTokenCount")
        self.has_usage = self.has_usage or any(usage.get(each) is not None for each in counts)
        details = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
        told = details if isinstance(details, dict) else usage
        names = ("reasoning_tokens", "thinking_tokens", "thoughtsTokenCount")
        if any(told.get(each) is not None for each in names):
            self.has_reasoning_count = True


def _is_time(value: object) -> TypeGuard[int | float]:
    """A number of seconds that JSON can hold: what writes the answer takes no larger one."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 <= value < 2**53


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def error_message(error: object) -> str:
    """The words of a vendor's error object, at most 500 characters of them."""
    if isinstance(error, dict):
        error = error.get("message") or error.get("type") or error.get("code") or "unnamed"
    return str(error)[:500]
