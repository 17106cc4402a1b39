"""Exchanges to record, a lane that does what the test says, and a real ledger in a folder."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.batch import Batch
from gateway.audit.chain import ChainedRecord, ChainHead
from gateway.audit.database_lane import DatabaseLane
from gateway.audit.filing import LaneRefused
from gateway.audit.journal import Journal
from gateway.audit.journaled_lane import JournaledLane
from gateway.audit.record import RecordBody, Records
from gateway.audit.sync import ThreadSyncer, Told
from gateway.audit.writer import LedgerWriter
from gateway.database_address import DatabaseAddress
from gateway.exchange import Assistant, Attempt, Edit, Exchange, Outcome, Usage, UsageSource
from gateway.store.database import Database, open_store
from gateway.store.lane import SqliteLane
from gateway.store.lanes import Lanes
from gateway.store.ledger import Ledger
from gateway.store.postgres_lane import PostgresLane
from gateway.store.sqlite import SqliteDatabase
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

ALLOW = Allow(
    ("house/qwen3-coder", "deepseek/deepseek-chat"),
    DataClass.INTERNAL,
    (Cap("team:web", Unit.REQUESTS, 600, Window.MINUTE),),
)


class Clock:
    """UTC time that moves one microsecond whenever somebody looks, or as far as it is told."""

    def __init__(self, unix_us: int = 1_790_000_000_000_000) -> None:
        self.now_us = unix_us

    def unix_us(self) -> int:
        self.now_us += 1
        return self.now_us

    def unix_ns(self) -> int:
        return self.unix_us() * 1000


def some_records(clock: Clock | None = None, seed: int = 7) -> Records:
    return Records((clock or Clock()).unix_ns, random.Random(seed).randbytes)


def a_target(name: str = "house/qwen3-coder") -> Target:
    vendor_name, _, model = name.partition("/")
    record = VendorRecord("vllm", True, None, {}, {}, None, Via.DIRECT, region="on-premises")
    vendor = Vendor(vendor_name, record, "http://127.0.0.1:1", None, frozenset(), Via.DIRECT)
    return Target(vendor, model)


def some_facts(model: str = "coder", tool_names: tuple[str, ...] = ("read",)) -> RequestFacts:
    return RequestFacts(model, True, Operation.CHAT, 1234, 300, 4096, 1, tool_names, lambda: ())


def an_exchange(exchange_id: str, team: str = "web", model: str = "coder") -> Exchange:
    return Exchange(
        id=exchange_id,
        wire=WireName.OPENAI_CHAT,
        path="/v1/chat/completions",
        identity=Identity("ann", team, frozenset({"developer"}), "key_aaaaaaaaaaaa"),
        assistant=Assistant("codex", "1.2", "session-1", "codex/1.2"),
        facts=some_facts(model),
        turn_id="5e" * 16,
        config_digest="ab" * 32,
        started_unix_ns=0,
        started_ns=1_000_000,
    )


def attempt_of(exchange: Exchange, target: str = "house/qwen3-coder") -> Attempt:
    edits = (Edit("model", "model_name", 7, 13),)
    number = len(exchange.attempts) + 1
    attempt = Attempt(number, a_target(target), "primary", edits, started_ns=2_000_000)
    exchange.attempts.append(attempt)
    return attempt


def complete(exchange: Exchange) -> Exchange:
    exchange.outcome = Outcome.COMPLETE
    exchange.status = 200
    exchange.usage = Usage(100, 20, 3, 2, 50, 10)
    exchange.usage_source = UsageSource.VENDOR
    exchange.cost_nano_usd = 12_345
    exchange.ended_ns = 9_000_000
    for attempt in exchange.attempts:
        attempt.upstream_status = 200
        attempt.ended_ns = 8_000_000
    return exchange


@dataclass
class Story:
    """The bodies of one whole exchange, made one by one."""

    records: Records
    exchange: Exchange

    def admitted(self) -> RecordBody:
        return self.records.admitted(self.exchange, ALLOW)

    def attempted(self, target: str = "house/qwen3-coder") -> RecordBody:
        return self.records.attempted(self.exchange, attempt_of(self.exchange, target))

    def completed(self) -> RecordBody:
        return self.records.completed(complete(self.exchange), "prices-1")

    def denied(self, rule: str = "model_access") -> RecordBody:
        return self.records.denied(self.exchange, Deny(rule, "not for this team"), 403)


def a_story(records: Records, team: str = "web", model: str = "coder") -> Story:
    return Story(records, an_exchange(records.new_audit_id(), team, model))


class FakeLane:
    """A lane in memory. `gate` holds writes back while it is clear; the rest says how to fail."""

    def __init__(self, lane: str = "01TESTLANE0000000000000000") -> None:
        self.durable_head = ChainHead.of_new(lane)
        self.head = self.durable_head
        self.batches: list[list[RecordBody]] = []
        self.settled_seq = 0
        self.is_open = False
        self.refuses = False
        self.refuses_after_its_work = False
        self.tell_durable: Told | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self._begun = asyncio.Event()
        self._changed = asyncio.Condition()

    @property
    def kinds(self) -> list[str]:
        return [str(body["kind"]) for batch in self.batches for body in batch]

    async def begun(self) -> None:
        """Return once a write has begun."""
        await asyncio.wait_for(self._begun.wait(), 20)

    async def holds(self, *kinds: str) -> None:
        """Return once these kinds, in this order, are all that is durable."""

        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: self.kinds == list(kinds)), 20)

    async def open(self) -> None:
        if self.refuses:
            raise LaneRefused("unable to open database file")
        self.head = self.durable_head
        self.is_open = True

    async def write(
        self, batch: Batch, settled_seq: int | None, durable: Told | None = None
    ) -> None:
        self.tell_durable = durable
        self._begun.set()
        await asyncio.wait_for(self.gate.wait(), 20)
        if self.refuses:
            self.is_open = False
            raise LaneRefused("database or disk is full")
        if batch.records:
            async with self._changed:
                self.batches.append(list(batch.records))
                self._changed.notify_all()
        self.settled_seq = self.settled_seq if settled_seq is None else settled_seq
        self.durable_head = batch.head
        if self.refuses_after_its_work:
            self.refuses_after_its_work = False
            self.is_open = False
            raise LaneRefused("disk I/O error")
        self.head = batch.head

    async def flush(self) -> None:
        if self.refuses:
            raise LaneRefused("database is locked")

    async def close(self) -> None:
        self.is_open = False


@dataclass
class LedgerFolder:
    """A data folder with its ledger open for writing and reading."""

    database: Database
    ledger: Ledger
    lanes: Lanes
    writer: LedgerWriter
    records: Records

    async def write(self, *bodies: RecordBody) -> None:
        for waiter in [self.writer.append(body) for body in bodies]:
            await waiter
        await self.writer.flush()

    async def write_story(
        self, team: str = "web", model: str = "coder", response_id: str | None = None
    ) -> str:
        story = a_story(self.records, team, model)
        story.exchange.response_id = response_id
        await self.write(story.admitted(), story.attempted(), story.completed())
        return story.exchange.id

    async def chain(self, lane: str | None = None) -> list[ChainedRecord]:
        return await self.ledger.chain(lane or self.writer.lane, after_seq=0, limit=100_000)


def a_lane_in(database: SqliteDatabase, records: Records, **options: object) -> JournaledLane:
    """A lane of its own beside the database, over the folder's journal."""
    lane, opened = records.new_ulid(), records.unix_us()
    store = SqliteLane(database.file, lane, opened_unix_us=opened, **options)
    return JournaledLane(lane, Journal(database.file.parent / "journal"), ThreadSyncer(), store)


def a_lane_at(address: DatabaseAddress, folder: Path, records: Records) -> DatabaseLane:
    """A lane of its own in PostgreSQL, with a journal in the folder."""
    lane = records.new_ulid()
    store = PostgresLane(address, lane, opened_unix_us=records.unix_us())
    return DatabaseLane(lane, Journal(folder / "journal"), ThreadSyncer(), store)


@asynccontextmanager
async def a_ledger_in(
    folder: Path, clock: Clock | None = None, address: DatabaseAddress | None = None
) -> AsyncIterator[LedgerFolder]:
    """The ledger of a folder, or at an address, with a lane of its own; closed in order."""
    records = Records((clock or Clock()).unix_ns, os.urandom)
    database = await open_store(folder, address)
    lane = a_lane_in(database, records) if address is None else a_lane_at(address, folder, records)
    writer = LedgerWriter(lane, records)
    try:
        await writer.start()
        yield LedgerFolder(database, Ledger(database), Lanes(database, records), writer, records)
    finally:
        await writer.close()
        await database.close()
