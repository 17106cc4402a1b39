"""Record bodies of whole exchanges, made by the gateway's own builder from made-up exchanges."""

import random
from collections.abc import Iterable

from gateway.audit.chain import GENESIS, canonical, record_hash
from gateway.audit.lost import LostExchange, PastAttempt
from gateway.audit.record import RecordBody, Records
from gateway.exchange import (
    Assistant,
    Attempt,
    Edit,
    Exchange,
    Outcome,
    ReplyEdit,
    Usage,
    UsageSource,
)
from gateway.telemetry.model import Record
from policy.types import (
    Allow,
    Cap,
    DataClass,
    Deny,
    Identity,
    Operation,
    RequestFacts,
    Unit,
    Window,
)
from providers.base import Target, Vendor, VendorRecord, Via, WireName

CANARY = "canary-7f3a91"
"""Stands in every field of a record that must never leave by telemetry."""

START_NS = 1_795_000_000_000_000_000
MS = 1_000_000


def a_target(
    vendor: str, model: str, *, in_house: bool = True, provider: str | None = None
) -> Target:
    """A target at a vendor of this name; `provider` is OpenTelemetry's name for its kind."""
    record = VendorRecord(
        vendor,
        in_house,
        None,
        {},
        {},
        None,
        Via.DIRECT,
        region="eu-west",
        otel_provider=provider,
    )
    return Target(
        Vendor(
            vendor,
            record,
            "http://x",
            None,
            frozenset(),
            Via.DIRECT,
            jurisdiction="EU",
            retention="none",
        ),
        model,
    )


HOUSE = a_target("house", "qwen3-coder")
VENDOR = a_target("deepseek", "deepseek-chat", in_house=False)


class Stories:
    """Makes the bodies of exchanges, in the order in which the ledger would take them."""

    def __init__(self, seed: int = 1) -> None:
        self._now_ns = START_NS
        self._random = random.Random(seed)
        self.records = Records(lambda: self._now_ns, self._random.randbytes)

    def later(self, milliseconds: int) -> None:
        """Time passes."""
        self._now_ns += milliseconds * MS

    def exchange(self, *attempts: Attempt, streaming: bool = True) -> Exchange:
        """An exchange that has just begun."""
        facts = RequestFacts(
            model="coder",
            streaming=streaming,
            operation=Operation.CHAT,
            body_bytes=2048,
            input_tokens_estimate=512,
            output_tokens_limit=4096,
            answers=1,
            tool_names=(f"mcp__{CANARY}",),
            read_segments=lambda: (),
        )
        return Exchange(
            id=self.records.new_audit_id(),
            wire=WireName.ANTHROPIC_MESSAGES,
            path="/v1/messages",
            identity=Identity(
                f"{CANARY}@example.com", "web", frozenset({f"role-{CANARY}"}), "key01"
            ),
            assistant=Assistant("claude-code", "2.1.0", "5e55-1d", "claude-cli/2.1.0"),
            facts=facts,
            turn_id="5e" * 16,
            config_digest="d16e57",
            started_unix_ns=self._now_ns,
            started_ns=self._now_ns,
            attempts=list(attempts),
        )

    def admitted(self, exchange: Exchange) -> RecordBody:
        """The request was let through."""
        cap = Cap(f"user:{CANARY}", Unit.REQUESTS, 10, Window.MINUTE)
        return self.records.admitted(
            exchange,
            Allow(
                (HOUSE.name, VENDOR.name),
                DataClass.INTERNAL,
                (cap,),
                (f"warning {CANARY}",),
                exceptions=("bg_aaaaaaaaaaaa",),
            ),
        )

    def denied(self, exchange: Exchange | None = None) -> list[RecordBody]:
        """The request was refused."""
        deny = Deny("model_access", f"reason {CANARY}", f"ask {CANARY}", code="model_not_found")
        return [self.records.denied(exchange or self.exchange(), deny, 403)]

    def repeated(self) -> list[RecordBody]:
        """The request was refused, and asked again five times."""
        exchange = self.exchange()
        (denied,) = self.denied(exchange)
        deny = Deny("model_access", f"reason {CANARY}")
        again = self.records.repeated(exchange.id, exchange.turn_id, exchange.identity, deny, 5)
        return [denied, again]

    def attempt(self, exchange: Exchange, target: Target, reason: str = "primary") -> RecordBody:
        """One more try, on its way."""
        edit = Edit(f"messages.{CANARY}", "model_name", 7, 13)
        attempt = Attempt(len(exchange.attempts) + 1, target, reason, (edit,), self._now_ns)
        exchange.attempts.append(attempt)
        return self.records.attempted(exchange, attempt)

    def attempt_ended(
        self, exchange: Exchange, status: int | None, error: str | None = None
    ) -> None:
        """The try under way is over."""
        attempt = exchange.attempts[-1]
        attempt.upstream_status, attempt.error, attempt.ended_ns = status, error, self._now_ns

    def ended(
        self, exchange: Exchange, outcome: Outcome, *, status: int = 200, error: str | None = None
    ) -> RecordBody:
        """The exchange is over."""
        exchange.outcome, exchange.status, exchange.error = outcome, status, error
        exchange.ended_ns = self._now_ns
        return self.records.completed(exchange, "2026-11")

    def answered(self, outcome: Outcome = Outcome.COMPLETE) -> list[RecordBody]:
        """One attempt in the house that gave an answer, whole or not."""
        exchange = self.exchange()
        bodies = [self.admitted(exchange)]
        self.later(2)
        bodies.append(self.attempt(exchange, HOUSE))
        self.later(30)
        exchange.first_byte_ns = self._now_ns
        self.later(70)
        error = {Outcome.CUT: "reply_cut"}.get(outcome)
        self.attempt_ended(exchange, 200, error)
        self._answer(exchange)
        bodies.append(self.ended(exchange, outcome, error=error))
        self.later(1)
        return bodies

    def fell_back(self) -> list[RecordBody]:
        """The first target was busy, the second answered."""
        exchange = self.exchange()
        bodies = [self.admitted(exchange), self.attempt(exchange, HOUSE)]
        self.later(10)
        self.attempt_ended(exchange, 429, "busy")
        bodies.append(self.attempt(exchange, VENDOR, "fallback:busy"))
        self.later(40)
        exchange.first_byte_ns = self._now_ns
        self.attempt_ended(exchange, 200)
        exchange.attempts[-1].dropped = ("logit_bias", "cache_control")
        self._answer(exchange)
        return [*bodies, self.ended(exchange, Outcome.COMPLETE)]

    def failed(self) -> list[RecordBody]:
        """No target answered."""
        exchange = self.exchange()
        bodies = [self.admitted(exchange), self.attempt(exchange, HOUSE)]
        self.later(10)
        self.attempt_ended(exchange, None, "unavailable")
        return [
            *bodies,
            self.ended(exchange, Outcome.FAILED, status=502, error="upstream_failed"),
        ]

    def lost(self) -> list[RecordBody]:
        """The process died while the second target was thinking; told at the next start."""
        exchange = self.exchange()
        bodies = [self.admitted(exchange), self.attempt(exchange, HOUSE)]
        self.later(10)
        bodies.append(self.attempt(exchange, VENDOR, "fallback:busy"))
        self.later(3_600_000)
        past = (PastAttempt(1, HOUSE.name), PastAttempt(2, VENDOR.name))
        return [
            *bodies,
            self.records.unknown(LostExchange(exchange.id, "web", "coder", past)),
        ]

    def _answer(self, exchange: Exchange) -> None:
        exchange.usage = Usage(100, 20, 30, 4, 50, 10)
        exchange.usage_source = UsageSource.VENDOR
        exchange.cost_nano_usd = 1_234_567
        exchange.finish_reason = "end_turn"
        exchange.response_id = "msg_01"
        exchange.response_model = "qwen3-coder-480b"
        exchange.reply_bytes = 4000
        exchange.reply_edits = (ReplyEdit("warning", "leaves", 120),)


def chained(bodies: Iterable[RecordBody], lane: str = "01LANE") -> list[Record]:
    """Bodies as the projection reads them: with place and hash."""
    head, records = GENESIS, []
    for seq, body in enumerate(bodies, start=1):
        body.update(lane=lane, seq=seq, prev_hash=head.hex())
        head = record_hash(canonical(body))
        records.append(Record.read(lane, seq, head.hex(), body))
    return records
