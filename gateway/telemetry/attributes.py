"""Fill in the attributes of one signal from ledger records; the table says what may stand where."""

import re
from collections.abc import Mapping

from gateway.telemetry import names
from gateway.telemetry.fitting import Fit, Value, fit_count
from gateway.telemetry.model import Pseudonym, Record
from gateway.telemetry.names import Attribute, Signal
from gateway.telemetry.story import Story

_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")  # an id; an address or a name is none

Copies = tuple[tuple[Attribute, str], ...]

_CALLER: Copies = (
    (names.TEAM, "team"),
    (names.KEY, "credential_id"),
    (names.API, "wire"),
    (names.OPERATION, "operation"),
    (names.MODEL, "model"),
)
_REQUEST: Copies = (
    (names.AUTH_METHOD, "auth_method"),
    (names.HTTP_ROUTE, "path"),
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
    (names.PROVIDER, "vendor"),
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


_Rows = tuple[tuple[str, Fit, str], ...]


def _by_signal(copies: Copies) -> Mapping[Signal, _Rows]:
    """The rows the table allows on each signal, ready to be copied: names, fits and keys."""
    return {
        signal: tuple(
            (attribute.name, attribute.fit, key)
            for attribute, key in copies
            if signal in attribute.on
        )
        for signal in Signal
    }


_CALLER_ON = _by_signal(_CALLER)
_REQUEST_ON = _by_signal(_REQUEST)
_ASSISTANT_ON = _by_signal(_ASSISTANT)
_ATTEMPTED_ON = _by_signal(_ATTEMPTED)
_ANSWER_ON = _by_signal(_ANSWER)
_ENDED_ON = _by_signal(_ENDED)


class Attributes:
    """The attributes of one span or log record.

    What the table does not allow on `signal`, what is absent, and what is not of the table's type
    is left out.
    """

    __slots__ = ("signal", "values")

    def __init__(self, signal: Signal, known: Mapping[str, Value] | None = None) -> None:
        self.signal = signal
        self.values: dict[str, Value] = dict(known or {})

    def put(self, attribute: Attribute, value: object) -> None:
        """Set one attribute."""
        if value is not None and self.signal in attribute.on:
            fitting = attribute.fit(value)
            if fitting is not None:
                self.values[attribute.name] = fitting

    def _copy(self, source: Mapping[str, object], rows: _Rows) -> None:
        for name, fit, key in rows:
            value = source.get(key)
            if value is not None and (fitting := fit(value)) is not None:
                self.values[name] = fitting

    def put_record(self, record: Record) -> None:
        """Which ledger record this tells."""
        self.put(names.RECORD_ID, record.body.get("record_id"))
        self.put(names.EXCHANGE, record.body.get("exchange_id"))

    def put_caller(self, opening: Record, pseudonym: Pseudonym) -> None:
        """Who asked, for which model, in which session, and what was decided."""
        self._copy(opening.body, _CALLER_ON[self.signal])
        session = opening.part("assistant").get("session_id")
        if isinstance(session, str) and _SESSION.fullmatch(session):
            self.put(names.CONVERSATION, session)
        if (subject := opening.text("subject")) is not None:
            self.put(names.USER, pseudonym(subject))
        self.put(names.DECISION, "deny" if opening.kind == "denied" else "allow")

    def put_request(self, opening: Record) -> None:
        """What was asked, with which tool, and how it was decided."""
        self._copy(opening.body, _REQUEST_ON[self.signal])
        self._copy(opening.part("assistant"), _ASSISTANT_ON[self.signal])
        answers = opening.number("answers")
        rule, warnings = opening.text("rule"), opening.body.get("warnings")
        self.put(names.REQUEST_CHOICES, None if answers == 1 else answers)
        self.put(names.HTTP_METHOD, "POST")
        self.put(names.PHASE, "request")
        self.put(names.RULES, (rule,) if rule else None)
        self.put(names.WARNING_COUNT, len(warnings) if isinstance(warnings, list) else None)

    def put_attempt(self, story: Story, attempt: Record) -> None:
        """Where one try went, why there, and how it ended."""
        number = attempt.number("attempt") or 1
        self._copy(attempt.body, _ATTEMPTED_ON[self.signal])
        edits = attempt.parts("edits")
        kinds = {kind for edit in edits if isinstance(kind := edit.get("kind"), str)}
        self.put(names.EDIT_COUNT, len(edits) or None)
        self.put(names.EDIT_KINDS, sorted(kinds))
        self.put(names.RESEND_COUNT, number - 1 or None)
        self.put(names.HTTP_STATUS, story.end_of(attempt).get("status"))

    def put_answer(self, story: Story) -> None:
        """What the answer was and what it cost; of the attempt that gave it."""
        end = story.end
        self._copy(end.body, _ANSWER_ON[self.signal])
        self.put(names.FINISH_REASONS, (end.text("finish_reason") or "",))
        self._put_usage(end.part("usage"))
        first_byte_us = end.number("first_byte_us")
        attempt, opening = story.last_attempt, story.opening
        streamed = opening is not None and opening.body.get("streaming") is True
        if first_byte_us is not None and streamed and attempt is not None:
            waited_us = story.start_us + first_byte_us - attempt.time_us
            self.put(names.FIRST_CHUNK, max(waited_us, 0) / 1e6)

    def _put_usage(self, usage: Mapping[str, object]) -> None:
        if not usage:
            return
        fresh = fit_count(usage.get("input_tokens")) or 0
        read = fit_count(usage.get("cache_read_tokens")) or 0
        written = fit_count(usage.get("cache_write_5m_tokens")) or 0
        written += fit_count(usage.get("cache_write_1h_tokens")) or 0
        self.put(names.INPUT_TOKENS, fresh + read + written)
        self.put(names.OUTPUT_TOKENS, usage.get("output_tokens"))
        self.put(names.REASONING_TOKENS, usage.get("reasoning_tokens"))
        self.put(names.CACHE_READ_TOKENS, read)
        self.put(names.CACHE_WRITE_TOKENS, written)
        self.put(names.CACHE_CREATION_TOKENS, written)

    def put_end(self, story: Story) -> None:
        """How the exchange ended and what it took."""
        end = story.end
        self._copy(end.body, _ENDED_ON[self.signal])
        self.put(names.OUTCOME, story.outcome)
        self.put(names.ATTEMPTS, len(story.attempts))
        if story.attempts:
            self.put(names.ROUTE_REASON, story.attempts[-1].text("route_reason"))
        total_us = end.number("duration_us")
        if total_us is not None:
            spent = (fit_count(each.get("duration_us")) for each in end.parts("attempts"))
            upstream_us = sum(each or 0 for each in spent)
            self.put(names.UPSTREAM_US, upstream_us)
            self.put(names.GATEWAY_US, max(total_us - upstream_us, 0))
