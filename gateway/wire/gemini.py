"""Google's Gemini API, and its token counts: the protocol Gemini CLI speaks.

Model and action stand in the path, so `GeminiFamily` makes a wire for each request's path.
https://ai.google.dev/api/generate-content
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final
from urllib.parse import parse_qsl

import msgspec

from gateway.errors import GatewayError, MalformedRequest
from gateway.exchange import Assistant, Edit
from gateway.wire import fields, gemini_fields, gemini_text, phrases, splice
from gateway.wire.base import (
    Answer,
    Denial,
    Edited,
    EstimateTokens,
    Framing,
    Observer,
    Reading,
    ReplyFacts,
    Span,
    Wire,
)
from gateway.wire.counts import CountObserver
from gateway.wire.gemini_array import JsonArray
from gateway.wire.gemini_reply import GeminiObserver
from gateway.wire.splice import Members
from policy.types import Operation, RequestFacts
from providers.base import WireName
from providers.translation.gemini_spelling import camel

_COUNTED: Final = "generateContentRequest"
"""Where a count may hold the whole request it asks about."""

_STATUSES: Final = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    504: "DEADLINE_EXCEEDED",
}
"""Google's words for statuses: https://cloud.google.com/apis/design/errors"""


class Action(StrEnum):
    """What can be asked of a model."""

    GENERATE = "generateContent"
    STREAM = "streamGenerateContent"
    COUNT = "countTokens"


SUMMARIES: Final = {
    Action.GENERATE: "A Gemini answer, whole.",
    Action.STREAM: "A Gemini answer, streamed: as events with `alt=sse`, else as one JSON array.",
    Action.COUNT: "How many input tokens a Gemini request has.",
}
_ACTIONS: Final = {action.value: action for action in Action}
_PATH: Final = re.compile(
    r"/v1(?:beta1?)?/"
    r"(?:(?:projects/([^/]+)/locations/([^/]+)/)?publishers/([^/]+)/)?"
    r"models/(.+):([A-Za-z]+)"
)
_TEMPLATES: Final = (
    "/v1beta/models/{model}:",
    "/v1/models/{model}:",
    "/v1beta1/publishers/google/models/{model}:",
    "/v1beta1/projects/{project}/locations/{location}/publishers/google/models/{model}:",
    "/v1/publishers/google/models/{model}:",
    "/v1/projects/{project}/locations/{location}/publishers/google/models/{model}:",
)


@dataclass(frozen=True, slots=True)
class GeminiFamily:
    """Every `models/{model}:{action}`, below the Gemini API's paths and below Vertex AI's."""

    estimate: EstimateTokens

    summaries: ClassVar[Mapping[str, str]] = {
        template + action: summary
        for template in _TEMPLATES
        for action, summary in SUMMARIES.items()
    }

    def wire_at(self, path: str, query: bytes) -> Wire | None:
        """The wire for a request to this decoded path; None where it names no known action."""
        match = _PATH.fullmatch(path)
        action = _ACTIONS.get(match[5]) if match is not None else None
        if match is None or action is None:
            return None
        project, location, publisher, model, _ = match.groups("")
        # Google's SDKs write a name with a slash as a publisher and its model.
        if publisher not in ("", "google"):
            model = f"{publisher}/{model}"
        return Gemini(self.estimate, model, action, _form(query), project, location)


def _form(query: bytes) -> str:
    """How the answer is asked to stand on the connection; `json` where nothing is said."""
    asked = {value for name, value in parse_qsl(query.decode("latin-1")) if name in ("alt", "$alt")}
    return asked.pop() if len(asked) == 1 else "both" if asked else "json"


@dataclass(frozen=True, slots=True)
class Gemini:
    """`POST /v1beta/models/{model}:{action}`, for one model and one action.

    `project` and `location` are what Vertex AI's paths say; nothing here depends on them.
    """

    estimate: EstimateTokens
    model: str
    action: Action
    form: str = "json"
    project: str = ""
    location: str = ""

    name: ClassVar[WireName] = WireName.GEMINI
    keep_alive: ClassVar[bytes | None] = None  # Gemini CLI gives up at an SSE comment
    end_marker: ClassVar[bytes] = b""

    @property
    def path(self) -> str:
        """Its path as the OpenAPI page has it."""
        return _TEMPLATES[0] + self.action

    @property
    def counting(self) -> bool:
        """True where tokens are counted."""
        return self.action is Action.COUNT

    @property
    def summary(self) -> str:
        """One line for the OpenAPI page."""
        return SUMMARIES[self.action]

    @property
    def framing(self) -> Callable[[], Framing] | None:
        """An array unless events were asked for."""
        return None if self.form == "sse" else JsonArray

    def read(self, body: bytes) -> Reading:
        """Read the facts. Raises `MalformedRequest` naming what is wrong."""
        self._check_address()
        sent, spans = splice.parse(body)
        values, where = gemini_fields.unified(sent, "the body"), ""
        self._check_model(values)
        if self.counting and fields.is_given(values, _COUNTED):
            values, where = self._counted(values), f"{_COUNTED}."
        if not fields.is_given(values, "contents"):
            raise MalformedRequest(f"'{where}contents' is missing; send the conversation in it")
        if fields.is_given(values, "cachedContent"):
            raise MalformedRequest(
                "'cachedContent' names text that the gateway has not seen; send it in 'contents'"
            )
        config = gemini_fields.generation_config(values, where)
        facts = RequestFacts(
            model=self.model,
            streaming=self.action is Action.STREAM,
            operation=Operation.COUNT_TOKENS if self.counting else Operation.CHAT,
            body_bytes=len(body),
            input_tokens_estimate=gemini_text.estimate_input(self.estimate, self.model, values),
            output_tokens_limit=fields.count(config, "maxOutputTokens", fields.MOST_TOKENS),
            answers=fields.count(config, "candidateCount", gemini_fields.MOST_ANSWERS) or 1,
            tool_names=tuple(gemini_fields.tool_names(values, where)),
            read_segments=lambda: gemini_text.read_segments(values, where),
        )
        return Reading(
            facts, body, spans, lambda: (values["contents"], values.get("systemInstruction"))
        )

    def _check_address(self) -> None:
        named = (("model", self.model), ("project", self.project), ("location", self.location))
        for what, name in named:
            if not (len(name) <= fields.MOST_NAME_CHARACTERS and name.isprintable()):
                raise MalformedRequest(
                    f"the {what} in the path must be 1 to {fields.MOST_NAME_CHARACTERS} "
                    "characters, none of them invisible"
                )
        if self.form not in ("json", "sse"):
            raise MalformedRequest("'alt' must be 'sse' or 'json'")

    def _check_model(self, values: Members) -> None:
        """A body may name the model, too: the one of the path, or two readers would see two."""
        if fields.is_given(values, "model"):
            named = fields.text(values["model"], "'model'")
            is_same = named in (self.model, f"models/{self.model}")
            if not (is_same or named.endswith(f"/models/{self.model}")):
                raise MalformedRequest("'model' must name the model of the path, or be left out")

    def _counted(self, values: Members) -> Members:
        if "contents" in values:
            raise MalformedRequest(f"send 'contents' or '{_COUNTED}', not both")
        inner = gemini_fields.members(values[_COUNTED], f"'{_COUNTED}'")
        self._check_model(inner)
        return inner

    def edit(self, reading: Reading, *, upstream_model: str, ask_for_usage: bool) -> Edited:
        """The sender writes the target's model into the path; here it changes where a body
        repeats it. Usage comes unasked.
        """
        if upstream_model == self.model:
            return Edited(reading.body, (), asked_for_usage=False)
        before, after = len(self.model.encode()), len(upstream_model.encode())
        edits = [Edit("url.model", "model_name", before, after)]
        changes: list[tuple[Span, bytes]] = []
        for path, span in self._named_in_body(reading):
            named = msgspec.json.decode(reading.body[span.start : span.end], type=str)
            name = msgspec.json.encode(named.removesuffix(self.model) + upstream_model)
            changes.append((span, name))
            edits.append(Edit(path, "model_name", span.end - span.start, len(name)))
        body = splice.apply(reading.body, changes) if changes else reading.body
        return Edited(body, tuple(edits), asked_for_usage=False)

    def _named_in_body(self, reading: Reading) -> list[tuple[str, Span]]:
        """Where the body repeats the model's name."""
        found: list[tuple[str, Span]] = []
        for key, span in reading.members.items():
            value = msgspec.Raw(reading.body[span.start : span.end])
            if not fields.is_given({key: value}, key):
                continue
            if key == "model":
                found.append((key, span))
            elif self.counting and camel(key) == _COUNTED:
                inner = splice.members(value, key)
                if fields.is_given(inner, "model"):
                    spans = splice.locate(reading.body, span.start, inner, key)
                    found.append((f"{key}.model", spans["model"]))
        return found

    def observer(self, facts: RequestFacts, *, asked_for_usage: bool) -> Observer:
        """A fresh observer for one reply."""
        return CountObserver("totalTokens") if self.counting else GeminiObserver(facts.answers)

    def phrase_denial(self, denial: Denial, assistant: Assistant) -> Answer:
        """400, or 429 for a short rate limit: Gemini CLI shows the first once and stops."""
        if denial.retry_after_seconds is None:
            told = _error(400, denial.message, denial.code)
            return phrases.answer(400, told, is_final=True)
        told = _error(429, denial.message, denial.code, denial.retry_after_seconds)
        return phrases.answer(429, told, retry_after_seconds=denial.retry_after_seconds)

    def phrase_error(self, error: GatewayError, audit_id: str) -> Answer:
        """A failure before the first byte, in Google's form."""
        message = phrases.message_of(error, audit_id)
        return phrases.answer(
            error.status,
            _error(error.status, message, error.code, error.retry_after_seconds),
            retry_after_seconds=error.retry_after_seconds,
            is_final=error.status in phrases.FINAL_STATUSES,
        )

    def phrase_cut(
        self, code: str, message: str, audit_id: str, seen: ReplyFacts | None = None
    ) -> bytes:
        """The protocol's error as the last event; no finish reason is said."""
        error = _error(503, phrases.with_audit_id(message, audit_id), code)
        return b"data: " + msgspec.json.encode(error) + b"\n\n"

    def phrase_count(self, input_tokens: int) -> bytes:
        """The body of a count."""
        return msgspec.json.encode({"totalTokens": input_tokens})


def _error(
    status: int, message: str, code: str, retry_after_seconds: int | None = None
) -> dict[str, object]:
    return {"error": google_error(status, message, code, retry_after_seconds)}


def google_error(
    status: int, message: str, code: str, retry_after_seconds: int | None = None
) -> dict[str, object]:
    """An error as Google tells it; our own word for it is the reason in its details.

    https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
    """
    kind = "type.googleapis.com/google.rpc."
    details = [{"@type": f"{kind}ErrorInfo", "reason": code, "domain": "gatehouse"}]
    if retry_after_seconds is not None:
        seconds = min(max(retry_after_seconds, 1), phrases.MOST_RETRY_AFTER_SECONDS)
        details.append({"@type": f"{kind}RetryInfo", "retryDelay": f"{seconds}s"})
    word = _STATUSES.get(status, "INVALID_ARGUMENT" if status < 500 else "UNAVAILABLE")
    return {"code": status, "message": message, "status": word, "details": details}
