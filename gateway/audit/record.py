"""Build the bodies of ledger records: plain dicts of ASCII keys, texts and integers below 2^53."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.audit.bounds import add_texts, bounded, counted, micros
from gateway.audit.ids import ulid, uuid_hex
from gateway.audit.lost import LostExchange, charged_in, expected_in
from gateway.exchange import (
    Assistant,
    Attempt,
    Edit,
    Exchange,
    Outcome,
    Usage,
    UsageSource,
)
from policy.types import Allow, Cap, Deny, Identity, RequestFacts
from providers.base import Target, WireName

RecordBody = dict[str, object]
"""One record as it is hashed, but for `lane`, `seq` and `prev_hash`: those the writer adds.

Values that are dicts or lists may be shared by several records: they are never changed.
"""

VERSION = 1
MAX_TOOL_NAMES = 256  # names kept; the rest is counted in `tool_names_omitted`

_AUTH_METHODS = {"jwt_": "oidc_token", "ses_": "session"}
"""How the caller proved who it is, by how the id of its credential begins."""


@dataclass(frozen=True, slots=True)
class UnreadRequest:
    """What is known of a request that was refused before its body could be read.

    `identity` is None when the caller is not known; `credential_id` may still name the key
    (revoked or expired ones are known).
    """

    exchange_id: str
    wire: WireName
    path: str
    assistant: Assistant
    config_digest: str
    body_bytes: int = 0
    identity: Identity | None = None
    credential_id: str | None = None


@lru_cache(maxsize=1024)
def _assistant(assistant: Assistant) -> RecordBody:
    body: RecordBody = {"name": bounded(assistant.name), "recognised": assistant.is_recognised}
    add_texts(
        body,
        version=assistant.version,
        session_id=assistant.session_id,
        user_agent=assistant.user_agent,
    )
    return body


@lru_cache(maxsize=1024)
def _caller(identity: Identity) -> RecordBody:
    body: RecordBody = {
        "subject": bounded(identity.subject),
        "roles": sorted(identity.roles),
        "credential_id": identity.credential_id,
        "auth_method": _AUTH_METHODS.get(identity.credential_id[:4], "virtual_key"),
        "identity_kind": identity.kind,
    }
    if identity.team:  # nobody's team is known whose token is refused
        body["team"] = bounded(identity.team)
    return body


def _facts(facts: RequestFacts) -> RecordBody:
    names = facts.tool_names
    body: RecordBody = {
        "operation": str(facts.operation),
        "model": bounded(facts.model),
        "streaming": facts.streaming,
        "body_bytes": facts.body_bytes,
        "input_tokens_estimate": counted(facts.input_tokens_estimate),
        "answers": counted(facts.answers),
        "tool_names": [bounded(name) for name in names[:MAX_TOOL_NAMES]],
    }
    if facts.alias is not None:
        body["asked_model"] = bounded(facts.alias)
    if facts.continues is not None:
        body["continues"] = bounded(facts.continues)
    if facts.output_tokens_limit is not None:
        body["output_tokens_limit"] = counted(facts.output_tokens_limit)
    if len(names) > MAX_TOOL_NAMES:
        body["tool_names_omitted"] = len(names) - MAX_TOOL_NAMES
    return body


def _caps(caps: Iterable[Cap]) -> list[RecordBody]:
    return [
        {
            "account": cap.account,
            "unit": cap.unit.value,
            "amount": counted(cap.amount),
            "window": cap.window.label,
        }
        for cap in caps
    ]


def _usage(usage: Usage) -> RecordBody:
    return {
        "input_tokens": counted(usage.input_tokens),
        "cache_read_tokens": counted(usage.cache_read_tokens),
        "cache_write_5m_tokens": counted(usage.cache_write_5m_tokens),
        "cache_write_1h_tokens": counted(usage.cache_write_1h_tokens),
        "output_tokens": counted(usage.output_tokens),
        "reasoning_tokens": counted(usage.reasoning_tokens),
    }


def _attempt_end(attempt: Attempt) -> RecordBody:
    body: RecordBody = {"attempt": attempt.number, "target": attempt.target.name}
    if attempt.upstream_status is not None:
        body["status"] = attempt.upstream_status
    if attempt.error:
        body["error"] = bounded(attempt.error)
    if attempt.dropped:
        body["dropped"] = [bounded(name) for name in attempt.dropped]
    if attempt.ended_ns is not None:
        body["duration_us"] = micros(attempt.started_ns, attempt.ended_ns)
    return body


def _answering_target(attempts: Sequence[Attempt]) -> str | None:
    if not attempts:
        return None
    status = attempts[-1].upstream_status
    return attempts[-1].target.name if status is not None and 200 <= status < 300 else None


def _path(path: str) -> str:
    return bounded(path.partition("?")[0])  # a query string may carry a key


class Records:
    """Makes record bodies and audit ids.

    `unix_ns` gives UTC nanoseconds since the epoch, `random_bytes` as many random bytes as
    asked for (`time.time_ns` and `os.urandom` in production).
    """

    __slots__ = ("_random_bytes", "_unix_ns")

    def __init__(self, unix_ns: Callable[[], int], random_bytes: Callable[[int], bytes]) -> None:
        self._unix_ns = unix_ns
        self._random_bytes = random_bytes

    def unix_us(self) -> int:
        """Now, in UTC microseconds since the epoch, as records carry it."""
        return self._unix_ns() // 1000

    def new_ulid(self) -> str:
        """A ULID of now: it sorts by time, so it also names lanes."""
        return ulid(self._unix_ns() // 1_000_000, self._random_bytes(16))

    def new_audit_id(self) -> str:
        """The id of an exchange, as the caller is given it: `gh-` and a ULID."""
        return "gh-" + self.new_ulid()

    def admitted(
        self, exchange: Exchange, allow: Allow, left_out: Iterable[str] = ()
    ) -> RecordBody:
        """The request and the decision to let it through.

        `left_out` are targets that policy allowed and a cap that was used up took out.
        """
        body = {
            **self._head("admitted", exchange.id),
            **_request(exchange),
            **_permission(allow),
        }
        if left_out:
            body["left_out"] = sorted(left_out)
        return body

    def denied(self, exchange: Exchange, deny: Deny, status: int) -> RecordBody:
        """The request and the decision to refuse it; `status` is the HTTP status given."""
        return {
            **self._head("denied", exchange.id),
            **_request(exchange),
            **_refusal(deny, status),
        }

    def denied_unread(self, request: UnreadRequest, deny: Deny, status: int) -> RecordBody:
        """A refusal before the body was read, so without facts of it."""
        body = self._head("denied", request.exchange_id)
        if request.identity is not None:
            body |= _caller(request.identity)
        elif request.credential_id is not None:
            body["credential_id"] = request.credential_id
        return {
            **body,
            "assistant": _assistant(request.assistant),
            "wire": request.wire.value,
            "path": _path(request.path),
            "body_bytes": counted(request.body_bytes),
            "config_digest": request.config_digest,
            **_refusal(deny, status),
        }

    def attempted(self, exchange: Exchange, attempt: Attempt) -> RecordBody:
        """One try at one target; durable before the first byte to it leaves."""
        body = {
            **self._head("attempted", exchange.id),
            **_destination(attempt.target),
            "attempt": attempt.number,
            "route_reason": attempt.route_reason,
            "edits": [_edit(edit) for edit in attempt.edits],
        }
        if attempt.expected is not None:
            body |= expected_in(attempt.expected)
        return body

    def completed(self, exchange: Exchange, price_book: str | None) -> RecordBody:
        """The one end of an admitted exchange. `price_book` names the prices `cost` rests on.

        Reads `outcome` (`failed` when none was set), `status`, `error`, `usage`, times.
        """
        body = {
            **self._head("completed", exchange.id),
            "outcome": str(exchange.outcome or Outcome.FAILED),
            "attempts": [_attempt_end(attempt) for attempt in exchange.attempts],
            "usage_source": str(exchange.usage_source),
            "cost_nano_usd": counted(exchange.cost_nano_usd),
            "reply_bytes": counted(exchange.reply_bytes),
            "team": bounded(exchange.identity.team),
            "model": bounded(exchange.facts.model),
        }
        if not exchange.price_known:
            body["price_known"] = False
        if exchange.reply_edits:
            body["reply_edits"] = [
                {"kind": each.kind, "rule": each.rule, "bytes": each.bytes}
                for each in exchange.reply_edits
            ]
        if exchange.vendor_tools:
            body["vendor_tools"] = {k: counted(n) for k, n in exchange.vendor_tools.items()}
        if exchange.status is not None:
            body["status"] = exchange.status
        if exchange.usage is not None:
            body["usage"] = _usage(exchange.usage)
        if exchange.attempts and exchange.attempts[-1].expected is not None:
            body |= charged_in(exchange.attempts[-1].expected)
        if exchange.ended_ns is not None:
            body["duration_us"] = micros(exchange.started_ns, exchange.ended_ns)
        if exchange.first_byte_ns is not None:
            body["first_byte_us"] = micros(exchange.started_ns, exchange.first_byte_ns)
        add_texts(
            body,
            target=_answering_target(exchange.attempts),
            price_book=price_book,
            error=exchange.error,
            finish_reason=exchange.finish_reason,
            response_id=exchange.response_id,
            response_model=exchange.response_model,
            service_tier=exchange.service_tier,
        )
        return body

    def repeated(
        self, exchange_id: str, turn_id: str | None, identity: Identity, deny: Deny, repeats: int
    ) -> RecordBody:
        """How often one asked again and was told the same; `exchange_id` was denied."""
        return {
            **self._head("repeated", exchange_id),
            **_caller(identity),
            **({} if turn_id is None else {"turn_id": turn_id}),
            "rule": deny.rule,
            "repeats": counted(repeats),
        }

    def unknown(self, lost: LostExchange, reason: str = "process ended") -> RecordBody:
        """The end of an admitted exchange whose real end nobody saw.

        Where caps count it, it used what its last attempt was expected to.
        """
        body = self._head("unknown", lost.exchange_id)
        body["attempts"] = [
            {"attempt": each.attempt, "target": each.target} for each in lost.attempts
        ]
        body["reason"] = reason
        expected = lost.attempts[-1].expected if lost.attempts else None
        if expected is not None:
            used = Usage(expected.input_tokens, output_tokens=expected.output_tokens)
            body["usage"], body["usage_source"] = _usage(used), str(UsageSource.ESTIMATED)
            body["cost_nano_usd"] = counted(expected.cost_nano_usd)
            body |= charged_in(expected)
        if lost.team is not None:
            body["team"] = lost.team
        if lost.model is not None:
            body["model"] = lost.model
        return body

    def _head(self, kind: str, exchange_id: str) -> RecordBody:
        return {
            "v": VERSION,
            "record_id": uuid_hex(self._random_bytes(16)),
            "exchange_id": exchange_id,
            "kind": kind,
            "time_unix_us": self._unix_ns() // 1000,
        }


def _request(exchange: Exchange) -> RecordBody:
    body: RecordBody = {
        **_circumstances(
            exchange.identity,
            exchange.assistant,
            exchange.wire,
            exchange.path,
            exchange.config_digest,
        ),
        **_facts(exchange.facts),
        "turn_id": exchange.turn_id,
    }
    if exchange.address is not None:
        body["address"] = bounded(exchange.address)
    return body


@lru_cache(maxsize=1024)
def _circumstances(
    identity: Identity, assistant: Assistant, wire: WireName, path: str, config_digest: str
) -> RecordBody:
    """What the requests of one conversation have in common."""
    return {
        **_caller(identity),
        "assistant": _assistant(assistant),
        "wire": wire.value,
        "path": _path(path),
        "config_digest": config_digest,
    }


@lru_cache(maxsize=1024)
def _permission(allow: Allow) -> RecordBody:
    return {
        "data_class": allow.data_class.label,
        "targets": list(allow.targets),
        "caps": _caps(allow.caps),
        "warnings": [bounded(warning) for warning in allow.warnings],
        **({"shadow": list(allow.shadow)} if allow.shadow else {}),
        **({"exceptions": list(allow.exceptions)} if allow.exceptions else {}),
    }


def _destination(target: Target) -> RecordBody:
    vendor = target.vendor
    record = vendor.record
    body: RecordBody = {
        "target": target.name,
        "vendor": vendor.name,
        "upstream_model": target.upstream_model,
        "in_house": record.in_house,
    }
    known = (
        ("provider", record.otel_provider),
        ("region", vendor.region or record.region),
        ("jurisdiction", vendor.jurisdiction or record.jurisdiction),
        ("retention", vendor.retention or record.retention),
    )
    for name, text in known:
        if text is not None:
            body[name] = text
    return body


def _edit(edit: Edit) -> RecordBody:
    return {
        "path": bounded(edit.path),
        "kind": edit.kind,
        "bytes_before": edit.bytes_before,
        "bytes_after": edit.bytes_after,
    }


def _refusal(deny: Deny, status: int) -> RecordBody:
    body: RecordBody = {
        "rule": deny.rule,
        "code": deny.code,
        "reason": bounded(deny.reason),
        "status": status,
    }
    if deny.alternative:
        body["alternative"] = bounded(deny.alternative)
    return body
