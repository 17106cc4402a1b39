"""Read groups of attributes from ledger records; the table says which signals each stands on."""

import re
from collections.abc import Mapping

from gateway.telemetry import names
from gateway.telemetry.fitting import Value, fit_count
from gateway.telemetry.model import Pseudonym, Record
from gateway.telemetry.names import Attribute, Signal
from gateway.telemetry.story import Story

_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")  # an id; an address or a name is none

_SIGNALS = tuple(Signal)

Copies = tuple[tuple[Attribute, str], ...]

_NAMED = re.compile(r"(?<=/models/).+(?=:[A-Za-z]+\Z)|(?<=/projects/)[^/]+|(?<=/locations/)[^/]+")
_CALLER: Copies = (
    (names.TEAM, "team"),
    (names.KEY, "credential_id"),
    (names.API, "wire"),
    (names.OPERATION, "operation"),
    (names.MODEL, "model"),
    (names.ASKED_MODEL, "asked_model"),
)
_REQUEST: Copies = (
    (names.AUTH_METHOD, "auth_method"),
    (names.URL_PATH, "path"),
    (names.REQUEST_BYTES, "body_bytes"),
    (names.INPUT_ESTIMATE, "input_tokens_estimate"),
    (names.REQUEST_STREAM, "streaming"),
    (names.REQUEST_MAX_TOKENS, "output_tokens_limit"),
    (names.DATA_CLASS, "data_class"),
    (names.BUNDLE, "config_digest"),
    (names.TARGETS, "targets"),
    (names.REASON, "code"),
)
_ASSISTANT: Copies = (
    (names.CLIENT_NAME, "name"),
    (names.CLIENT_VERSION, "version"),
    (names.CLIENT_RECOGNISED, "recognised"),
    (names.USER_AGENT, "user_agent"),
)
_ATTEMPTED: Copies = (
    (names.ATTEMPT, "attempt"),
    (names.TARGET, "target"),
    (names.VENDOR, "vendor"),
    (names.REQUEST_MODEL, "upstream_model"),
    (names.VENDOR_IN_HOUSE, "in_house"),
    (names.VENDOR_REGION, "region"),
    (names.VENDOR_JURISDICTION, "jurisdiction"),
    (names.VENDOR_RETENTION, "retention"),
    (names.ROUTE_REASON, "route_reason"),
)
_ANSWER: Copies = (
    (names.RESPONSE_ID, "response_id"),
    (names.RESPONSE_MODEL, "response_model"),
    (names.USAGE_SOURCE, "usage_source"),
    (names.COST, "cost_nano_usd"),
    (names.PRICE_BOOK, "price_book"),
)
_ENDED: Copies = (
    (names.TEAM, "team"),
    (names.MODEL, "model"),
    (names.HTTP_STATUS, "status"),
    (names.REPLY_BYTES, "reply_bytes"),
    (names.TOTAL_US, "duration_us"),
    (names.TTFT_US, "first_byte_us"),
    (names.TARGET, "target"),
)


def put_in(values: dict[str, Value], attribute: Attribute, value: object) -> None:
    """Set one attribute of one span or log record, unless it is absent or of another type."""
    if value is not None and (fitting := attribute.fit(value)) is not None:
        values[attribute.name] = fitting


class Attributes:
    """A group of attributes, each fitted once and placed on every signal the table allows.

    What is absent, and what is not of the table's type, is left out. Groups of one exchange are
    read once and joined, because most of what a span says its neighbours say too.
    """

    __slots__ = ("_on",)

    def __init__(self) -> None:
        self._on: dict[Signal, dict[str, Value]] = {signal: {} for signal in _SIGNALS}

    def on(self, signal: Signal) -> dict[str, Value]:
        """What stands on this signal, for the caller to keep."""
        return dict(self._on[signal])

    def put(self, attribute: Attribute, value: object) -> None:
        """Set one attribute."""
        if value is not None and (fitting := attribute.fit(value)) is not None:
            for signal in attribute.on:
                self._on[signal][attribute.name] = fitting

    def copy(self, source: Mapping[str, object], copies: Copies) -> None:
        """Set attributes to what `source` holds under their keys."""
        for attribute, key in copies:
            self.put(attribute, source.get(key))


def read_caller(opening: Record, pseudonym: Pseudonym) -> Attributes:
    """Who asked, for which model, in which session, and what was decided."""
    caller = Attributes()
    caller.copy(opening.body, _CALLER)
    session = opening.part("assistant").get("session_id")
    if isinstance(session, str) and _SESSION.fullmatch(session):
        caller.put(names.CONVERSATION, session)
    if (subject := opening.text("subject")) is not None:
        caller.put(names.USER, pseudonym(subject))
    caller.put(names.DECISION, "deny" if opening.kind == "denied" else "allow")
    return caller


def route_of(path: str | None) -> str | None:
    """The endpoint of a path: of those that name a model, one for all models."""
    return None if path is None else _NAMED.sub("{name}", path)


def read_request(opening: Record) -> Attributes:
    """What was asked, with which tool, and how it was decided."""
    request = Attributes()
    request.copy(opening.body, _REQUEST)
    request.copy(opening.part("assistant"), _ASSISTANT)
    answers = opening.number("answers")
    rule, warnings = opening.text("rule"), opening.body.get("warnings")
    request.put(names.REQUEST_CHOICES, None if answers == 1 else answers)
    request.put(names.HTTP_ROUTE, route_of(opening.text("path")))
    request.put(names.HTTP_METHOD, "POST")
    request.put(names.PHASE, "request")
    request.put(names.RULES, (rule,) if rule else None)
    request.put(names.WARNING_COUNT, len(warnings) if isinstance(warnings, list) else None)
    return request


def read_attempt(story: Story, attempt: Record) -> Attributes:
    """Where one try went, why there, and how it ended."""
    tried = Attributes()
    tried.copy(attempt.body, _ATTEMPTED)
    tried.put(names.PROVIDER, attempt.text("provider") or attempt.text("vendor"))
    edits = attempt.parts("edits")
    kinds = {kind for edit in edits if isinstance(kind := edit.get("kind"), str)}
    tried.put(names.EDIT_COUNT, len(edits) or None)
    tried.put(names.EDIT_KINDS, sorted(kinds))
    tried.put(names.RESEND_COUNT, (attempt.number("attempt") or 1) - 1 or None)
    ended = story.end_of(attempt)
    tried.put(names.HTTP_STATUS, ended.get("status"))
    tried.put(names.DROPPED, ended.get("dropped"))
    tried.put(names.ERROR_TYPE, story.error_of(attempt))
    return tried


def read_answer(story: Story) -> Attributes:
    """What the answer was and what it cost; of the attempt that gave it."""
    end, answer = story.end, Attributes()
    answer.copy(end.body, _ANSWER)
    answer.put(names.FINISH_REASONS, (end.text("finish_reason") or "",))
    usage = end.part("usage")
    if usage:
        _put_usage(answer, usage)
    first_byte_us = end.number("first_byte_us")
    attempt, opening = story.last_attempt, story.opening
    streamed = opening is not None and opening.body.get("streaming") is True
    if first_byte_us is not None and streamed and attempt is not None:
        waited_us = story.start_us + first_byte_us - attempt.time_us
        answer.put(names.FIRST_CHUNK, max(waited_us, 0) / 1e6)
    return answer


def _put_usage(answer: Attributes, usage: Mapping[str, object]) -> None:
    fresh = fit_count(usage.get("input_tokens")) or 0
    read = fit_count(usage.get("cache_read_tokens")) or 0
    written = fit_count(usage.get("cache_write_5m_tokens")) or 0
    written += fit_count(usage.get("cache_write_1h_tokens")) or 0
    answer.put(names.INPUT_TOKENS, fresh + read + written)
    answer.put(names.OUTPUT_TOKENS, usage.get("output_tokens"))
    answer.put(names.REASONING_TOKENS, usage.get("reasoning_tokens"))
    answer.put(names.CACHE_READ_TOKENS, read)
    answer.put(names.CACHE_WRITE_TOKENS, written)
    answer.put(names.CACHE_CREATION_TOKENS, written)


def read_end(story: Story) -> Attributes:
    """How the exchange ended and what it took."""
    end, ended = story.end, Attributes()
    ended.copy(end.body, _ENDED)
    ended.put(names.OUTCOME, story.outcome)
    ended.put(names.ERROR_TYPE, story.error)
    ended.put(names.ATTEMPTS, len(story.attempts))
    if story.last_attempt is not None:
        ended.put(names.ROUTE_REASON, story.last_attempt.text("route_reason"))
    total_us = end.number("duration_us")
    if total_us is not None:
        spent = (fit_count(each.get("duration_us")) for each in story.attempt_ends)
        upstream_us = sum(each or 0 for each in spent)
        ended.put(names.UPSTREAM_US, upstream_us)
        ended.put(names.GATEWAY_US, max(total_us - upstream_us, 0))
    return ended
