"""Exchanges of many people, models and assistants, filed in a ledger as a gateway files them."""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.audit.batch import Batch, OpenExchanges
from gateway.audit.chain import ChainHead
from gateway.audit.lost import LostExchange
from gateway.audit.record import RecordBody, Records
from gateway.exchange import Assistant, Exchange, Outcome, Usage, UsageSource
from gateway.store.database import Database, open_database
from gateway.store.tables import BODIES, LANES, LEAVES
from policy.types import Deny, Identity
from tests.fakes.ledger import ALLOW, Clock, an_exchange, attempt_of

HOUR = 3600
DAY = 86_400
NOON = 1_790_078_400  # 2026-09-22T12:00:00Z


@dataclass(frozen=True)
class Use:
    """One exchange as a test wants it. `outcome` is one of the ledger's, `denied` or `unknown`."""

    team: str = "web"
    user: str = "ann"
    is_service: bool = False
    model: str = "coder"
    assistant: str = "codex"
    target: str = "house/qwen3-coder"
    outcome: str = "complete"
    usage: Usage = field(default_factory=lambda: Usage(100, 20, 3, 2, 50, 10))
    cost_nano_usd: int = 1_500_000_000
    price_known: bool = True
    unix_seconds: int = NOON


class Uses:
    """Makes the records of uses, each at its own time."""

    def __init__(self, seed: int = 7) -> None:
        self._clock = Clock()
        self.records = Records(self._clock.unix_ns, random.Random(seed).randbytes)

    def bodies(self, use: Use) -> list[RecordBody]:
        """All records of one use, in order."""
        self._clock.now_us = use.unix_seconds * 1_000_000
        exchange = self._exchange(use)
        if use.outcome == "denied":
            return [self.records.denied(exchange, Deny("model_access", "not yours"), 403)]
        opened = [
            self.records.admitted(exchange, ALLOW),
            self.records.attempted(exchange, attempt_of(exchange, use.target)),
        ]
        return [*opened, self._end(use, exchange)]

    def _exchange(self, use: Use) -> Exchange:
        exchange = an_exchange(self.records.new_audit_id(), use.team, use.model)
        roles = frozenset({"developer"})
        exchange.identity = Identity(
            use.user, use.team, roles, "key_aaaaaaaaaaaa", None, use.is_service
        )
        exchange.assistant = Assistant(use.assistant, "1.2", "session-1", "agent/1.2")
        return exchange

    def _end(self, use: Use, exchange: Exchange) -> RecordBody:
        if use.outcome == "unknown":
            return self.records.unknown(LostExchange(exchange.id, use.team, use.model, ()))
        exchange.outcome = Outcome(use.outcome)
        exchange.status = 200 if use.outcome != "failed" else 502
        exchange.usage, exchange.usage_source = use.usage, UsageSource.VENDOR
        exchange.cost_nano_usd, exchange.price_known = use.cost_nano_usd, use.price_known
        exchange.attempts[-1].upstream_status = exchange.status
        return self.records.completed(exchange, "prices-1")


def some_uses(count: int, seed: int = 3) -> list[Use]:
    """Uses of every kind, over ten days, by a dozen people."""
    rnd = random.Random(seed)
    outcomes = ("complete", "complete", "complete", "client_left", "cut", "failed")
    return [
        Use(
            team=rnd.choice(("web", "payments", "data")),
            user=rnd.choice(("ann", "bob", "cem", "dee")),
            is_service=rnd.random() < 0.2,
            model=rnd.choice(("coder", "small", "large")),
            assistant=rnd.choice(("codex", "claude-code", "unrecognised")),
            target=rnd.choice(("house/qwen3-coder", "deepseek/deepseek-chat", "openai/gpt")),
            outcome=rnd.choice((*outcomes, "denied", "unknown")),
            usage=Usage(*[rnd.randrange(5000) for _ in range(6)]),
            cost_nano_usd=rnd.randrange(10**10),
            price_known=rnd.random() < 0.9,
            unix_seconds=NOON + rnd.randrange(10 * DAY),
        )
        for _ in range(count)
    ]


def file_uses(folder: Path, uses: Iterable[Use], seed: int = 7) -> None:
    """Put the records of these uses into a folder's ledger, in a lane of their own."""
    asyncio.run(_file_in_folder(folder, uses, seed))


async def file_uses_in(database: Database, uses: Iterable[Use], seed: int = 7) -> None:
    """The same, into an open database."""
    made = Uses(seed)
    await file_bodies_in(
        database, [body for use in uses for body in made.bodies(use)], made.records
    )


async def file_bodies_in(
    database: Database, bodies: Iterable[RecordBody], records: Records
) -> None:
    """Put records into a ledger beside whoever writes there, in a lane of their own."""
    batch = Batch(ChainHead.of_new(records.new_ulid()), OpenExchanges())
    for body in bodies:
        batch.add(body)
    head, opened = batch.head, records.unix_us()
    lane = {"lane": head.lane, "opened_unix_us": opened, "settled_seq": head.seq}
    async with database.writing() as connection:
        await connection.execute(LANES.insert(), lane)
        for table, rows in ((LEAVES, batch.rows.leaves), (BODIES, batch.rows.bodies)):
            named = [dict(zip(table.c.keys(), row, strict=True)) for row in rows]
            await connection.execute(table.insert(), named)


async def _file_in_folder(folder: Path, uses: Iterable[Use], seed: int) -> None:
    database = open_database(folder)
    await file_uses_in(database, uses, seed)
    await database.close()
