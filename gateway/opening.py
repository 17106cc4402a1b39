"""Open what a gateway keeps: data folder, database, pepper, and a lane of its own in the ledger."""

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.database_lane import DatabaseLane
from gateway.audit.filing import Store
from gateway.audit.journal import FOLDER_NAME as JOURNAL_FOLDER
from gateway.audit.journal import Journal
from gateway.audit.journaled_lane import JournaledLane
from gateway.audit.lock import LedgerLock
from gateway.audit.record import Records
from gateway.audit.sync import Syncer, best_syncer
from gateway.audit.writer import LedgerWriter, WriterMeter
from gateway.caps.in_process import InProcessCounters
from gateway.caps.outage import OutagePlan
from gateway.caps.port import Counters
from gateway.configuration.counters import SharedCounting
from gateway.configuration.storage import DurableIn, Storage
from gateway.database_address import DatabaseAddress
from gateway.pepper import check_of, chosen_pepper
from gateway.randomness import BufferedRandom
from gateway.store.account_usage import AccountBook
from gateway.store.database import FILE_NAME, Database, StoreError, open_store
from gateway.store.installation import hold_to_pepper
from gateway.store.lane import SqliteLane
from gateway.store.lanes import Lanes
from gateway.store.place import named_database
from gateway.store.recovery import LaneWatch
from gateway.store.sqlite import prepare_folder
from gateway.virtual_key import Hasher
from providers.base import Secret

LOCK_PATIENCE_SECONDS = 2.0
RECORD_SECONDS = 5.0  # how long a record may take to become durable


@dataclass(frozen=True, slots=True)
class Opened:
    """What a gateway keeps, open. `address` is None where the database lies in the folder.

    `lane` is the name of our own in the ledger.
    """

    folder: Path
    lane: str
    address: DatabaseAddress | None
    durable_in: DurableIn
    database: Database
    hasher: Hasher
    pepper: bytes
    records: Records

    @property
    def database_url(self) -> Secret | None:
        """The address as processes beside us need it: with its password."""
        return None if self.address is None else self.address.url


async def lock_folder(folder: Path, stack: AsyncExitStack) -> None:
    """Make the data folder if need be, and have it alone.

    Before all else: nothing is migrated or started beside a gateway that runs. Raises `StoreError`
    or `DataFolderInUse`.
    """
    prepare_folder(folder)
    lock = LedgerLock(folder)
    await asyncio.to_thread(lock.acquire, LOCK_PATIENCE_SECONDS)
    stack.callback(lock.release)


async def open_data(
    folder: Path, storage: Storage, environ: Mapping[str, str], stack: AsyncExitStack
) -> Opened:
    """Open the database that is named, or the folder's, under the pepper that belongs to it.

    Raises `StoreError`.
    """
    address = named_database(environ, storage.address)
    durable_in = _durable_in(storage, address)
    make = os.urandom if address is None else None
    pepper = chosen_pepper(folder, storage.pepper, environ, make)
    database = await open_store(folder, address)
    stack.push_async_callback(database.close)
    await hold_to_pepper(database, check_of(pepper))
    records = Records(time.time_ns, BufferedRandom().take)
    lane = records.new_ulid()
    return Opened(folder, lane, address, durable_in, database, Hasher(pepper), pepper, records)


def _durable_in(storage: Storage, address: DatabaseAddress | None) -> DurableIn:
    if address is not None:
        return storage.durable_in or "database"
    if storage.durable_in == "database":
        raise StoreError(
            "storage.durable_in: database is for PostgreSQL: name one in storage.url, or leave "
            "durable_in out, since SQLite is always written behind the synced journal"
        )
    return "journal"


async def open_ledger(opened: Opened, meter: WriterMeter, stack: AsyncExitStack) -> LedgerWriter:
    """Begin a lane of our own, and see to it that what others left open has an end.

    In a folder that is ours alone that is done here; beside other replicas it is watched for.
    Raises `LedgerUnavailable`.
    """
    syncer = await best_syncer(opened.folder)
    stack.callback(syncer.close)
    lanes = Lanes(opened.database, opened.records)
    watch = LaneWatch(lanes, opened.lane)
    stack.push_async_callback(watch.stop)  # when the lane is closed
    lane = _lane(opened, syncer)
    writer = LedgerWriter(lane, opened.records, meter=meter, wait_seconds=RECORD_SECONDS)
    await writer.start()
    stack.push_async_callback(writer.close)
    if opened.address is None:
        await lanes.end_unsettled(but_lane=opened.lane)
    else:
        watch.start()
    return writer


def _lane(opened: Opened, syncer: Syncer) -> JournaledLane:
    journal = Journal(opened.folder / JOURNAL_FOLDER)
    kind = DatabaseLane if opened.durable_in == "database" else JournaledLane
    return kind(opened.lane, journal, syncer, _store(opened))


def _store(opened: Opened) -> Store:
    now = opened.records.unix_us()
    if opened.address is None:
        return SqliteLane(opened.folder / FILE_NAME, opened.lane, opened_unix_us=now)
    from gateway.store.postgres_lane import PostgresLane  # its driver is loaded where it is used

    return PostgresLane(opened.address, opened.lane, opened_unix_us=now)


async def open_counters(
    counting: SharedCounting | None, opened: Opened, stack: AsyncExitStack
) -> Counters:
    """The counters of caps, which know from the ledger what was used: in this process, or in a
    store that replicas share. One that is away now is found later."""
    history = AccountBook(opened.database, _unix_s)
    await history.start()
    stack.push_async_callback(history.stop)
    if counting is None:
        return InProcessCounters(time.monotonic_ns, _unix_s, history)
    from gateway.caps.shared import SharedCounters  # its client is loaded where it is used
    from gateway.caps.store import ValkeyStore

    timeout_seconds = counting.timeout_ms / 1000
    store = ValkeyStore(counting.url, namespace=counting.namespace, timeout_seconds=timeout_seconds)
    plan = OutagePlan(counting.replicas, counting.allowed_nano_usd)
    counters = SharedCounters(
        store,
        history,
        plan,
        monotonic_ns=time.monotonic_ns,
        unix_s=_unix_s,
        lease_seconds=counting.lease_seconds,
    )
    await counters.start()
    stack.push_async_callback(counters.stop)
    return counters


def _unix_s() -> int:
    return int(time.time())
