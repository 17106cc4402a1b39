"""OpenAI's chat completions: the protocol most assistants and in-house engines speak."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import msgspec

from gateway.errors import GatewayError
from gateway.exchange import Assistant, Edit
from gateway.wire import fields, input_size, phrases, segments, splice
from gateway.wire.base import Answer, Denial, Edited, EstimateTokens, Reading, ReplyFacts, Span
from gateway.wire.openai_chat_reply import ChatObserver
from policy.types import Operation, RequestFacts, Segment, Zone
from providers.base import WireName

MOST_ANSWERS: Final = 128  # OpenAI's own limit for `n`

_TEXT_MEMBERS: Final = ("messages", "tools", "functions", "response_format", "prediction")
_ASK_FOR_USAGE: Final = b'"include_usage":true'


@dataclass(frozen=True, slots=True)
class OpenAiChat:
    """`POST /v1/chat/completions`."""

    estimate: EstimateTokens

    name: ClassVar[WireName] = WireName.OPENAI_CHAT
    path: ClassVar[str] = "/v1/chat/completions"
    counting: ClassVar[bool] = False
    summary: ClassVar[str] = "OpenAI chat completions, streamed or whole."
    keep_alive: ClassVar[bytes | None] = b": keep-alive\n\n"
    end_marker: ClassVar[bytes] = b"data: [DONE]\n\n"
    framing: ClassVar[None] = None

    def read(self, body: bytes) -> Reading:
        """Read the facts. Raises `MalformedRequest` naming what is wrong."""
        values, spans = splice.parse(body)
        model = fields.model_of(values)
        streaming = fields.flag(values, "stream")
        if fields.is_given(values, "stream_options"):
            options = splice.members(values["stream_options"], "'stream_options'")
            fields.flag(options, "include_usage")
        facts = RequestFacts(
            model=model,
            streaming=streaming,
            operation=Operation.CHAT,
            body_bytes=len(body),
            input_tokens_estimate=input_size.estimate_input(
                self.estimate, model, values, _TEXT_MEMBERS
            ),
            output_tokens_limit=_output_limit(values),
            answers=fields.count(values, "n", MOST_ANSWERS) or 1,
            tool_names=fields.names_of_tools(values, ("tools", "functions"), _tool_names),
            read_segments=lambda: _read_segments(values),
        )
        return Reading(facts, body, spans)

    def edit(self, reading: Reading, *, upstream_model: str, ask_for_usage: bool) -> Edited:
        """Put the target's model name, and the usage option, into the client's own bytes."""
        changes: list[tuple[Span, bytes, str, str]] = []
        if upstream_model != reading.facts.model:
            name = msgspec.json.encode(upstream_model)
            changes.append((reading.members["model"], name, "model", "model_name"))
        usage_change = None
        if ask_for_usage and reading.facts.streaming:
            usage_change = _usage_change(reading)
        if usage_change is not None:
            changes.append((*usage_change, "usage_option"))
        if not changes:
            return Edited(reading.body, (), asked_for_usage=False)
        return Edited(
            body=splice.apply(reading.body, [(span, new) for span, new, _, _ in changes]),
            edits=tuple(
                Edit(path, kind, span.end - span.start, len(new))
                for span, new, path, kind in changes
            ),
            asked_for_usage=usage_change is not None,
        )

    def observer(self, facts: RequestFacts, *, asked_for_usage: bool) -> ChatObserver:
        """A fresh observer for one reply."""
        return ChatObserver(facts.answers, asked_for_usage=asked_for_usage)

    def phrase_denial(self, denial: Denial, assistant: Assistant) -> Answer:
        """400, or 429 for a short rate limit: every chat assistant shows either, and stops."""
        if denial.retry_after_seconds is None:
            return phrases.answer(400, _error(denial.message, "invalid_request_error", denial.code))
        return phrases.answer(
            429,
            _error(denial.message, "rate_limit_error", denial.code),
            retry_after_seconds=denial.retry_after_seconds,
        )

    def phrase_error(self, error: GatewayError, audit_id: str) -> Answer:
        """A failure before the first byte, in OpenAI's form."""
        message = phrases.message_of(error, audit_id)
        return phrases.answer(
            error.status,
            _error(message, _error_type(error.status), error.code),
            retry_after_seconds=error.retry_after_seconds,
            is_final=error.status in phrases.FINAL_STATUSES,
        )

    def phrase_cut(
        self, code: str, message: str, audit_id: str, seen: ReplyFacts | None = None
    ) -> bytes:
        """An error event and the end marker: some clients wait for the marker alone."""
        error = _error(phrases.with_audit_id(message, audit_id), "upstream_error", code)
        return b"data: " + msgspec.json.encode(error) + b"\n\n" + self.end_marker

    def phrase_count(self, input_tokens: int) -> bytes:
        """This protocol has no counting endpoint."""
        raise NotImplementedError("chat completions cannot be asked for a count")


def _output_limit(values: splice.Members) -> int | None:
    newer = fields.count(values, "max_completion_tokens", fields.MOST_TOKENS)
    older = fields.count(values, "max_tokens", fields.MOST_TOKENS)
    if newer is None or older is None:
        return older if newer is None else newer
    return max(newer, older)


def _tool_names(values: splice.Members) -> Iterator[str]:
    """Every name a tool goes by, wherever an upstream may look for it; else its type."""
    for path, tool in fields.compact_tools_of(values, "tools"):
        names = [fields.tool_name(tool, path)]
        for key in ("function", "custom"):
            if fields.is_given(tool, key):
                inner = splice.members(tool[key], f"{path}.{key}")
                names.append(fields.tool_name(inner, f"{path}.{key}"))
        known = [name for name in names if name is not None]
        yield from known or (fields.tool_type(tool, path),)
    for path, function in fields.compact_tools_of(values, "functions"):
        yield fields.tool_name(function, path) or fields.tool_type(function, path)


def _read_segments(values: splice.Members) -> tuple[Segment, ...]:
    found = list(segments.of_messages(values["messages"]))
    for path, tool in fields.tools_of(values, "tools"):
        for key in ("function", "custom"):
            if fields.is_given(tool, key):
                inner = splice.members(tool.pop(key), f"{path}.{key}")
                found += segments.of_tool(inner, f"{path}.{key}")
        found += segments.of_tool(tool, path)
    for path, function in fields.tools_of(values, "functions"):
        found += segments.of_tool(function, path)
    for name in ("response_format", "prediction"):
        if name in values:
            found += segments.search(values[name], name, Zone.USER)
    return tuple(found)


def _usage_change(reading: Reading) -> tuple[Span, bytes, str] | None:
    """The change that makes `include_usage` true; None when the client asked for it itself."""
    body = reading.body
    span = reading.members.get("stream_options")
    if span is None:
        end = reading.members["stream"].end
        return Span(end, end), b',"stream_options":{' + _ASK_FOR_USAGE + b"}", "stream_options"
    text = body[span.start : span.end]
    if text == b"null":
        return span, b"{" + _ASK_FOR_USAGE + b"}", "stream_options"
    path = "stream_options.include_usage"
    options = splice.members(msgspec.Raw(text), "'stream_options'")
    if "include_usage" not in options:
        comma = b"," if options else b""
        return Span(span.start + 1, span.start + 1), _ASK_FOR_USAGE + comma, path
    if fields.flag(options, "include_usage"):
        return None
    return (
        splice.locate(body, span.start, options, "'stream_options'")["include_usage"],
        b"true",
        path,
    )


def _error(message: str, kind: str, code: str) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _error_type(status: int) -> str:
    if status == 401:
        return "authentication_error"
    if status == 429:
        return "rate_limit_error"
    return "invalid_request_error" if status < 500 else "server_error"
