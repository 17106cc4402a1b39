"""Anthropic's messages, and their token counts: the protocol Claude Code speaks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import msgspec

from gateway.errors import GatewayError
from gateway.exchange import Assistant, Edit
from gateway.wire import fields, input_size, phrases, segments, splice
from gateway.wire.anthropic_messages_reply import MessagesObserver
from gateway.wire.base import (
    Answer,
    Denial,
    Edited,
    EstimateTokens,
    Observer,
    Reading,
    ReplyFacts,
)
from gateway.wire.counts import CountObserver
from policy.types import Operation, RequestFacts, Segment, Zone
from providers.base import WireName

_TEXT_MEMBERS: Final = ("messages", "system", "tools")
_RETRIES_FOR_EVER: Final = ("litellm", "aider")
_ERROR_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    451: "permission_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


@dataclass(frozen=True, slots=True)
class AnthropicMessages:
    """`POST /v1/messages`."""

    estimate: EstimateTokens

    name: ClassVar[WireName] = WireName.ANTHROPIC_MESSAGES
    path: ClassVar[str] = "/v1/messages"
    counting: ClassVar[bool] = False
    summary: ClassVar[str] = "Anthropic messages, streamed or whole."
    keep_alive: ClassVar[bytes | None] = b'event: ping\ndata: {"type": "ping"}\n\n'
    end_marker: ClassVar[bytes] = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    framing: ClassVar[None] = None

    def read(self, body: bytes) -> Reading:
        """Read the facts. Raises `MalformedRequest` naming what is wrong."""
        values, spans = splice.parse(body)
        model = fields.model_of(values)
        facts = RequestFacts(
            model=model,
            streaming=not self.counting and fields.flag(values, "stream"),
            operation=Operation.COUNT_TOKENS if self.counting else Operation.CHAT,
            body_bytes=len(body),
            input_tokens_estimate=input_size.estimate_input(
                self.estimate, model, values, _TEXT_MEMBERS
            ),
            output_tokens_limit=fields.count(values, "max_tokens", fields.MOST_TOKENS),
            answers=1,
            tool_names=fields.names_of_tools(values, ("tools",), _tool_names),
            read_segments=lambda: _read_segments(values),
        )
        return Reading(facts, body, spans, lambda: (values.get("system"), values["messages"]))

    def edit(self, reading: Reading, *, upstream_model: str, ask_for_usage: bool) -> Edited:
        """Put the target's model name into the client's own bytes. Usage comes unasked here."""
        if upstream_model == reading.facts.model:
            return Edited(reading.body, (), asked_for_usage=False)
        span = reading.members["model"]
        name = msgspec.json.encode(upstream_model)
        edit = Edit("model", "model_name", span.end - span.start, len(name))
        body = splice.apply(reading.body, [(span, name)])
        return Edited(body, (edit,), asked_for_usage=False)

    def observer(self, facts: RequestFacts, *, asked_for_usage: bool) -> Observer:
        """A fresh observer for one reply."""
        return MessagesObserver()

    def phrase_denial(self, denial: Denial, assistant: Assistant) -> Answer:
        """451, the one status Claude Code shows once and as it is; 429 for a short rate limit.

        LiteLLM, and aider through it, retry a 451 for ever: they get 400.
        """
        if denial.retry_after_seconds is not None:
            document = error_document("rate_limit_error", denial.message, denial.audit_id)
            return phrases.answer(429, document, retry_after_seconds=denial.retry_after_seconds)
        document = error_document("permission_error", denial.message, denial.audit_id)
        sender = f"{assistant.name} {assistant.user_agent}".lower()
        status = 400 if any(name in sender for name in _RETRIES_FOR_EVER) else 451
        return phrases.answer(status, document, is_final=True)

    def phrase_error(self, error: GatewayError, audit_id: str) -> Answer:
        """A failure before the first byte, in Anthropic's form."""
        message = phrases.message_of(error, audit_id)
        return phrases.answer(
            error.status,
            error_document(error_type(error.status), message, audit_id),
            retry_after_seconds=error.retry_after_seconds,
            is_final=error.status in phrases.FINAL_STATUSES,
        )

    def phrase_cut(
        self, code: str, message: str, audit_id: str, seen: ReplyFacts | None = None
    ) -> bytes:
        """An error event and nothing after it: no block is closed, no stop is said."""
        message = phrases.with_audit_id(f"{message} [{code}]", audit_id)
        error = msgspec.json.encode(error_document("api_error", message, audit_id))
        return b"event: error\ndata: " + error + b"\n\n"

    def phrase_count(self, input_tokens: int) -> bytes:
        """Only the counting endpoint answers with a count."""
        raise NotImplementedError("messages are answered, not counted")


@dataclass(frozen=True, slots=True)
class AnthropicCountTokens(AnthropicMessages):
    """`POST /v1/messages/count_tokens`: the same body, answered with the size of its input."""

    path: ClassVar[str] = "/v1/messages/count_tokens"
    counting: ClassVar[bool] = True
    summary: ClassVar[str] = "How many input tokens an Anthropic messages request has."
    keep_alive: ClassVar[bytes | None] = None
    end_marker: ClassVar[bytes] = b""

    def observer(self, facts: RequestFacts, *, asked_for_usage: bool) -> Observer:
        """A fresh observer for one count."""
        return CountObserver("input_tokens")

    def phrase_count(self, input_tokens: int) -> bytes:
        """The body of a count."""
        return msgspec.json.encode({"input_tokens": input_tokens})


def _tool_names(values: splice.Members) -> Iterator[str]:
    for path, tool in fields.compact_tools_of(values, "tools"):
        yield fields.tool_name(tool, path) or fields.tool_type(tool, path)


def _read_segments(values: splice.Members) -> tuple[Segment, ...]:
    found: list[Segment] = []
    if "system" in values:
        found += segments.search(values["system"], "system", Zone.SYSTEM)
    found += segments.of_messages(values["messages"])
    for path, tool in fields.tools_of(values, "tools"):
        found += segments.of_tool(tool, path)
    return tuple(found)


def error_type(status: int) -> str:
    """Anthropic's word for an error of this HTTP status."""
    return _ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")


def error_document(kind: str, message: str, audit_id: str | None) -> dict[str, object]:
    """An error as Anthropic tells it."""
    return {
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": audit_id,
    }
