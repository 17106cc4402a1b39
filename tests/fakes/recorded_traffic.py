"""Requests as the ledger remembers them, made up, and what a policy had decided of each."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import strategies as st

from gateway.audit.record import Records
from gateway.exchange import Assistant
from gateway.replay.recorded import RecordedAssistant, RecordedExchange, RecordedRequest
from policy.engine import Policy
from policy.types import (
    Allow,
    Circumstances,
    DataClass,
    Decision,
    Deny,
    Identity,
    Operation,
    RequestFacts,
)
from tests.fakes.ledger import an_exchange, attempt_of, complete, some_facts

TOOLS = ("bash", "Read", "mcp__db__query", "edit")


def moment(text: str) -> int:
    """UTC seconds of `2026-07-10T09:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def a_request(at: str = "2026-06-01T12:00", **changes: Any) -> RecordedRequest:
    """An ordinary request that was let through to the house."""
    values: dict[str, Any] = {
        "exchange_id": "gh-1",
        "kind": "admitted",
        "time_unix_us": moment(at) * 1_000_000,
        "team": "web",
        "subject": "ada",
        "roles": ("developer",),
        "credential_id": "key-1",
        "assistant": RecordedAssistant("claude-code", "2.1.200"),
        "operation": "chat",
        "model": "coder",
        "body_bytes": 1000,
        "input_tokens_estimate": 300,
        "targets": ("house/qwen3", "anthropic/claude", "silent/model"),
    }
    return RecordedRequest(**(values | changes))


def ended(request: RecordedRequest, cost_nano_usd: int = 100) -> RecordedExchange:
    """It was answered by the first of its targets."""
    return RecordedExchange(request, next(iter(request.targets), None), cost_nano_usd)


@dataclass(frozen=True)
class Asked:
    """A request as it really was: with its address, and with all its tools."""

    team: str
    subject: str
    roles: tuple[str, ...]
    key: str
    assistant: tuple[str, str | None]
    model: str
    operation: str
    body_bytes: int
    input_tokens: int
    tools: tuple[str, ...]
    kept_tools: int
    address: str | None
    is_kept: bool
    """Whether the address is on record."""
    unix_seconds: int

    def decided_by(self, policy: Policy) -> Decision:
        """What really came of it."""
        facts = RequestFacts(
            self.model,
            False,
            Operation(self.operation),
            self.body_bytes,
            self.input_tokens,
            None,
            1,
            self.tools,
            tuple,
        )
        identity = Identity(self.subject, self.team, frozenset(self.roles), self.key)
        now = Circumstances(self.unix_seconds, *self.assistant, self.address)
        return policy.decide(identity, facts, now)

    def recorded(self, decision: Decision) -> RecordedRequest:
        """What the ledger kept."""
        is_allowed = isinstance(decision, Allow)
        request = a_request(
            kind="admitted" if is_allowed else "denied",
            team=self.team,
            subject=self.subject,
            roles=self.roles,
            credential_id=self.key,
            assistant=RecordedAssistant(*self.assistant),
            model=self.model,
            operation=self.operation,
            body_bytes=self.body_bytes,
            input_tokens_estimate=self.input_tokens,
            tool_names=self.tools[: self.kept_tools],
            tool_names_omitted=len(self.tools[self.kept_tools :]),
            address=self.address if self.is_kept else None,
            targets=decision.targets if isinstance(decision, Allow) else (),
            warnings=decision.warnings if isinstance(decision, Allow) else (),
            rule=None if isinstance(decision, Allow) else decision.rule,
        )
        return msgspec.structs.replace(request, time_unix_us=self.unix_seconds * 1_000_000)


some_asked = st.builds(
    Asked,
    team=st.sampled_from(("web", "ops", "gone")),
    subject=st.sampled_from(("ada", "bob")),
    roles=st.sampled_from((("developer",), ("ci", "developer"), ())),
    key=st.sampled_from(("key-1", "key-2")),
    assistant=st.sampled_from(
        (
            ("claude-code", "2.1.199"),
            ("claude-code", "2.1.200"),
            ("claude-code", None),
            ("codex", "0.9"),
            ("unrecognised", None),
        )
    ),
    model=st.sampled_from(("coder", "qwen", "claude-opus", "none")),
    operation=st.sampled_from(("chat", "embeddings")),
    body_bytes=st.sampled_from((0, 100, 101, 5000, 5001)),
    input_tokens=st.sampled_from((0, 299, 300, 5001)),
    tools=st.lists(st.sampled_from(TOOLS), max_size=3, unique=True).map(tuple),
    kept_tools=st.sampled_from((0, 1, 9, 9, 9)),
    address=st.sampled_from((None, "10.1.2.3", "192.168.1.1", "::1")),
    is_kept=st.booleans(),
    unix_seconds=st.sampled_from(
        tuple(
            moment(each)
            for each in (
                "2026-06-01T11:59",
                "2026-06-01T12:00",
                "2026-07-09T15:59",
                "2026-07-09T16:00",
                "2026-07-09T23:59",
                "2026-07-10T00:00",
                "2026-07-11T03:00",
                "2026-08-01T22:30",
            )
        )
    ),
)


def bodies_of(
    request: RecordedRequest, seed: int, cost_nano_usd: int = 100
) -> list[dict[str, Any]]:
    """The records of a request, as the gateway's own builder makes them: to its end, or denied."""
    exchange = an_exchange("gh-" + f"{seed:026}", request.team or "", request.model or "")
    exchange.identity = Identity(
        request.subject or "", request.team or "", frozenset(request.roles), request.credential_id
    )
    assistant = request.assistant
    exchange.assistant = Assistant(assistant.name, assistant.version)
    exchange.facts = some_facts(request.model or "", request.tool_names)
    records = Records(lambda: request.time_unix_us * 1000, random.Random(seed).randbytes)
    if request.kind == "denied":
        return [records.denied(exchange, Deny(request.rule or "", "so"), 403)]
    allow = Allow(request.targets, DataClass.INTERNAL)
    told = [records.admitted(exchange, allow)]
    told.append(records.attempted(exchange, attempt_of(exchange, request.targets[0])))
    complete(exchange).cost_nano_usd = cost_nano_usd
    return [*told, records.completed(exchange, "prices-1")]
