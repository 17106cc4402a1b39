"""Read groups of attributes from ledger records; the table says which signals each stands on.

A thousand exchanges differ in ids, sizes and times and in little else. What they share is read in
`Group`s, which remember what was made of the same values before.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from gateway.telemetry import names
from gateway.telemetry.fitting import Value, fit_count
from gateway.telemetry.model import Common, Pseudonym, Record
from gateway.telemetry.names import Attribute, Signal
from gateway.telemetry.story import Story

_REMEMBERED = 512  # of each group; some 100 kB
_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")  # an id; an address or a name is none
_NAMED = re.compile(r"(?<=/models/).+(?=:[A-Za-z]+\Z)|(?<=/projects/)[^/]+|(?<=/locations/)[^/]+")

_SIGNALS = tuple(Signal)


def put_in(values: dict[str, Value], attribute: Attribute, value: object) -> None:
    """Set one attribute of one span or log record, unless it is absent or of another type."""
    if value is not None and (fitting := attribute.fit(value)) is not None:
        values[attribute.name] = fitting


class Attributes:
    """Some attributes, each fitted once and placed on every signal the table allows.

    What is absent, and what is not of the table's type, is left out.
    """

    __slots__ = ("_on",)

    def __init__(self) -> None:
        self._on: dict[Signal, dict[str, Value]] = {signal: {} for signal in _SIGNALS}

    def on(self, signal: Signal) -> Mapping[str, Value]:
        """What stands on this signal; to look at, not to change."""
        return self._on[signal]

    def put(self, attribute: Attribute, value: object) -> None:
        """Set one attribute."""
        if value is not None and (fitting := attribute.fit(value)) is not None:
            for signal in attribute.on:
                self._on[signal][attribute.name] = fitting


NO_ATTRIBUTES = Attributes()


class Group:
    """Attributes that are read together: some copied from a record's body, some worked out."""

    def __init__(self, copied: Mapping[Attribute, str], *worked_out: Attribute) -> None:
        self._attributes = (*copied, *worked_out)
        self._keys = tuple(copied.values())
        # Typed: a truth value is no number, though equal to one.
        self._remembered = lru_cache(maxsize=_REMEMBERED, typed=True)(self._fit)

    def read(self, body: Mapping[str, object], *worked_out: object) -> Attributes:
        """The group as this body has it. The same values give the same object."""
        values = (*map(body.get, self._keys), *worked_out)
        try:
            return self._remembered(*values)
        except TypeError:  # a list where the table has none: not to be remembered, and left out
            return self._fit(*values)

    def _fit(self, *values: object) -> Attributes:
        group = Attributes()
        for attribute, value in zip(self._attributes, values, strict=True):
            group.put(attribute, value)
        return group


_CALLER = Group(
    {
        names.TEAM: "team",
        names.KEY: "credential_id",
        names.IDENTITY_KIND: "identity_kind",
        names.API: "wire",
        names.OPERATION: "operation",
        names.MODEL: "model",
        names.ASKED_MODEL: "asked_model",
    },
    names.CONVERSATION,
    names.USER,
    names.DECISION,
)
_REQUEST = Group(
    {
        names.AUTH_METHOD: "auth_method",
        names.URL_PATH: "path",
        names.REQUEST_STREAM: "streaming",
        names.REQUEST_MAX_TOKENS: "output_tokens_limit",
        names.DATA_CLASS: "data_class",
        names.BUNDLE: "config_digest",
        names.REASON: "code",
    },
    names.HTTP_ROUTE,
    names.REQUEST_CHOICES,
    names.TARGETS,
    names.RULES,
    names.WARNING_COUNT,
    names.EXCEPTIONS,
    names.HTTP_METHOD,
    names.PHASE,
)
_ASSISTANT = Group(
    {
        names.CLIENT_NAME: "name",
        names.CLIENT_VERSION: "version",
        names.CLIENT_RECOGNISED: "recognised",
        names.USER_AGENT: "user_agent",
    },
)
_ATTEMPT = Group(
    {
        names.ATTEMPT: "attempt",
        names.TARGET: "target",
        names.VENDOR: "vendor",
        names.REQUEST_MODEL: "upstream_model",
        names.VENDOR_IN_HOUSE: "in_house",
        names.VENDOR_REGION: "region",
        names.VENDOR_JURISDICTION: "jurisdiction",
        names.VENDOR_RETENTION: "retention",
        names.ROUTE_REASON: "route_reason",
    },
    names.PROVIDER,
    names.RESEND_COUNT,
    names.EDIT_COUNT,
    names.EDIT_KINDS,
    names.HTTP_STATUS,
    names.DROPPED,
    names.ERROR_TYPE,
)
_ANSWER = Group(
    {
        names.RESPONSE_MODEL: "response_model",
        names.USAGE_SOURCE: "usage_source",
        names.PRICE_BOOK: "price_book",
    },
    names.FINISH_REASONS,
)
_END = Group(
    {
        names.TEAM: "team",
        names.MODEL: "model",
        names.HTTP_STATUS: "status",
        names.TARGET: "target",
    },
    names.OUTCOME,
    names.ERROR_TYPE,
    names.ATTEMPTS,
    names.ROUTE_REASON,
    names.REPLY_EDIT_KINDS,
    names.REPLY_EDIT_RULES,
)


_CHANGED_KEY = Group(
    {names.TEAM: "team", names.KEY: "key_id", names.IDENTITY_KIND: "identity_kind"}, names.USER
)


def read_changed_key(record: Record, pseudonym: Pseudonym) -> Attributes:
    """Which key was changed, and whose it is; nothing of any other record."""
    subject = record.text("subject")
    if record.text("key_id") is None or subject is None:
        return NO_ATTRIBUTES
    return _CHANGED_KEY.read(record.body, pseudonym(subject))


_CHANGED_EXCEPTION = Group({}, names.EXCEPTIONS)


LOUD = "break_glass_"
"""How the kinds of records begin that tell of exceptions."""


def read_changed(record: Record, pseudonym: Pseudonym) -> Attributes:
    """Which key or exception was changed or tried; nothing of any other record."""
    glass = record.text("about_id")
    if glass is not None and record.kind.startswith(LOUD):
        return _CHANGED_EXCEPTION.read({}, (glass,))
    return read_changed_key(record, pseudonym)


def read_caller(opening: Record, pseudonym: Pseudonym) -> Attributes:
    """Who asked, for which model, in which session, and what was decided."""
    session, subject = opening.part("assistant").get("session_id"), opening.text("subject")
    is_id = isinstance(session, str) and _SESSION.fullmatch(session)
    return _CALLER.read(
        opening.body,
        session if is_id else None,
        None if subject is None else pseudonym(subject),
        "allow" if opening.kind == "admitted" else "deny",
    )


@lru_cache(maxsize=_REMEMBERED)
def route_of(path: str | None) -> str | None:
    """The endpoint of a path: of those that name a model, one for all models."""
    return None if path is None else _NAMED.sub("{name}", path)


def read_request(opening: Record) -> Attributes:
    """What was asked, and how it was decided."""
    answers, rule = opening.number("answers"), opening.text("rule")
    warnings = opening.body.get("warnings")
    return _REQUEST.read(
        opening.body,
        route_of(opening.text("path")),
        None if answers == 1 else answers,
        _texts(opening.body.get("targets")),
        (rule,) if rule else None,
        len(warnings) if isinstance(warnings, list) else None,
        _texts(opening.body.get("exceptions")),
        "POST",
        "request",
    )


def read_assistant(opening: Record) -> Attributes:
    """With which tool it was asked."""
    return _ASSISTANT.read(opening.part("assistant"))


def measure_request(opening: Record) -> Attributes:
    """How large the request was, and which turn it tries: what no other request shares for long."""
    measured = Attributes()
    measured.put(names.TURN, opening.body.get("turn_id"))
    measured.put(names.REPEATS, opening.body.get("repeats"))
    measured.put(names.REQUEST_BYTES, opening.body.get("body_bytes"))
    measured.put(names.INPUT_ESTIMATE, opening.body.get("input_tokens_estimate"))
    return measured


def read_attempt(story: Story, attempt: Record) -> Attributes:
    """Where one try went, why there, and how it ended."""
    edits, ended = attempt.parts("edits"), story.end_of(attempt)
    kinds = {kind for edit in edits if isinstance(kind := edit.get("kind"), str)}
    return _ATTEMPT.read(
        attempt.body,
        attempt.text("provider") or attempt.text("vendor"),
        (attempt.number("attempt") or 1) - 1 or None,
        len(edits) or None,
        tuple(sorted(kinds)),
        ended.get("status"),
        _texts(ended.get("dropped")),
        story.error_of(attempt),
    )


def read_answer(story: Story) -> Attributes:
    """What the answer was; of the attempt that gave it."""
    return _ANSWER.read(story.end.body, (story.end.text("finish_reason") or "",))


def measure_answer(story: Story) -> Attributes:
    """What the answer used, what it cost, and how long its first byte took."""
    end, measured = story.end, Attributes()
    measured.put(names.RESPONSE_ID, end.body.get("response_id"))
    measured.put(names.COST, end.body.get("cost_nano_usd"))
    usage = end.part("usage")
    if usage:
        _put_usage(measured, usage)
    first_byte_us = end.number("first_byte_us")
    attempt, opening = story.last_attempt, story.opening
    streamed = opening is not None and opening.body.get("streaming") is True
    if first_byte_us is not None and streamed and attempt is not None:
        waited_us = story.start_us + first_byte_us - attempt.time_us
        measured.put(names.FIRST_CHUNK, max(waited_us, 0) / 1e6)
    return measured


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
    """How the exchange ended."""
    last = story.last_attempt
    return _END.read(
        story.end.body,
        story.outcome,
        story.error,
        len(story.attempts),
        None if last is None else last.text("route_reason"),
        *_told_inside(story.end),
    )


def _told_inside(end: Record) -> tuple[object, object]:
    """What kinds of words of ours stand in the answer, and of which rules."""
    edits = end.parts("reply_edits")
    if not edits:
        return None, None
    kinds, rules = ({str(edit.get(name)) for edit in edits} for name in ("kind", "rule"))
    return tuple(sorted(kinds)), tuple(sorted(rules))


def measure_end(story: Story) -> Attributes:
    """What the exchange took, in bytes and in time."""
    end, measured = story.end, Attributes()
    measured.put(names.REPLY_BYTES, end.body.get("reply_bytes"))
    measured.put(names.TTFT_US, end.body.get("first_byte_us"))
    total_us = end.number("duration_us")
    if total_us is not None:
        spent = (fit_count(each.get("duration_us")) for each in story.attempt_ends)
        upstream_us = sum(each or 0 for each in spent)
        measured.put(names.TOTAL_US, total_us)
        measured.put(names.UPSTREAM_US, upstream_us)
        measured.put(names.GATEWAY_US, max(total_us - upstream_us, 0))
    return measured


def _texts(value: object) -> object:
    """A list as something that can be remembered."""
    return tuple(value) if isinstance(value, list) else value


@lru_cache(maxsize=4 * _REMEMBERED)
def merge(signal: Signal, *groups: Attributes) -> Common:
    """What these groups say on one signal; where two say the same, the later one holds."""
    values: dict[str, Value] = {}
    for group in groups:
        values.update(group.on(signal))
    return Common(values)


def own_of(signal: Signal, record: Record, *measured: Attributes) -> dict[str, Value]:
    """What one span or log record says that no other does: its record, and what was measured."""
    own: dict[str, Value] = {}
    put_in(own, names.RECORD_ID, record.body.get("record_id"))
    put_in(own, names.EXCHANGE, record.body.get("exchange_id"))
    for each in measured:
        own.update(each.on(signal))
    return own
