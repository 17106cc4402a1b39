"""What every endpoint of OpenAI's form shares: its edits, its refusals, its errors, its end."""

from typing import ClassVar, Final

import msgspec

from gateway.errors import GatewayError
from gateway.exchange import Assistant, Edit
from gateway.wire import fields, phrases, splice
from gateway.wire.base import Answer, Denial, Edited, Reading, ReplyFacts, Span

_ASK_FOR_USAGE: Final = b'"include_usage":true'


class OpenAiForm:
    """The part of the port `Wire` that is the same for all of them."""

    __slots__ = ()

    counting: ClassVar[bool] = False
    keep_alive: ClassVar[bytes | None] = b": keep-alive\n\n"
    end_marker: ClassVar[bytes] = b"data: [DONE]\n\n"
    framing: ClassVar[None] = None

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

    def phrase_denial(self, denial: Denial, assistant: Assistant) -> Answer:
        """400, or 429 for a short rate limit: every assistant shows either, and stops."""
        if denial.retry_after_seconds is None:
            return phrases.answer(
                400, error_document(denial.message, "invalid_request_error", denial.code)
            )
        return phrases.answer(
            429,
            error_document(denial.message, "rate_limit_error", denial.code),
            retry_after_seconds=denial.retry_after_seconds,
        )

    def phrase_error(self, error: GatewayError, audit_id: str) -> Answer:
        """A failure before the first byte, in OpenAI's form."""
        message = phrases.message_of(error, audit_id)
        return phrases.answer(
            error.status,
            error_document(message, error_type(error.status), error.code),
            retry_after_seconds=error.retry_after_seconds,
            is_final=error.status in phrases.FINAL_STATUSES,
        )

    def phrase_cut(
        self, code: str, message: str, audit_id: str, seen: ReplyFacts | None = None
    ) -> bytes:
        """An error event and the end marker: some clients wait for the marker alone."""
        error = error_document(phrases.with_audit_id(message, audit_id), "upstream_error", code)
        return b"data: " + msgspec.json.encode(error) + b"\n\n" + self.end_marker

    def phrase_count(self, input_tokens: int) -> bytes:
        """These protocols have no counting endpoint."""
        raise NotImplementedError("this endpoint cannot be asked for a count")


def streams(values: splice.Members) -> bool:
    """Whether the answer is to come as events. Refuses `stream_options` that cannot be read."""
    if fields.is_given(values, "stream_options"):
        options = splice.members(values["stream_options"], "'stream_options'")
        fields.flag(options, "include_usage")
    return fields.flag(values, "stream")


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


def error_document(message: str, kind: str, code: str) -> dict[str, object]:
    """An error as OpenAI tells it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def error_type(status: int) -> str:
    """OpenAI's word for an error of this HTTP status."""
    if status == 401:
        return "authentication_error"
    if status == 429:
        return "rate_limit_error"
    return "invalid_request_error" if status < 500 else "server_error"
