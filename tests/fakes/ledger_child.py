"""A process that records exchanges without end, and says on stdout what is durable.

Arguments: its data folder, and the address of a PostgreSQL database if it is to keep it there.
On its own it is as fast as it can; beside others, who share the machine, it takes breath.
"""

import asyncio
import os
import random
import sys
import time
from pathlib import Path

from gateway.audit.database_lane import DatabaseLane
from gateway.audit.journal import FOLDER_NAME, Journal
from gateway.audit.journaled_lane import JournaledLane
from gateway.audit.lock import LedgerLock
from gateway.audit.record import RecordBody, Records
from gateway.audit.sync import best_syncer
from gateway.audit.writer import LedgerWriter
from gateway.database_address import DatabaseAddress
from gateway.store.database import open_store
from gateway.store.lane import SqliteLane
from gateway.store.lanes import Lanes
from gateway.store.postgres_lane import PostgresLane
from gateway.store.recovery import LaneWatch
from gateway.store.sqlite import FILE_NAME
from tests.fakes.ledger import a_story

AT_ONCE = 12
LOOK_SECONDS = 0.1
DEAD_AFTER_SECONDS = 1.0
BREATH_SECONDS = 0.01  # at most


async def serve(folder: Path, address: DatabaseAddress | None) -> None:
    """Start as a gateway does, then record until somebody ends this process."""
    LedgerLock(folder).acquire()
    records = Records(time.time_ns, os.urandom)
    database = await open_store(folder, address)
    lane = records.new_ulid()
    journal = Journal(folder / FOLDER_NAME, segment_bytes=64 * 1024)
    syncer = await best_syncer(folder)
    lanes = Lanes(database, records)
    if address is None:
        store = SqliteLane(folder / FILE_NAME, lane, opened_unix_us=records.unix_us())
        writer = LedgerWriter(JournaledLane(lane, journal, syncer, store), records)
        await writer.start()
        await lanes.end_unsettled(but_lane=lane)
    else:
        remote = PostgresLane(address, lane, opened_unix_us=records.unix_us())
        writer = LedgerWriter(DatabaseLane(lane, journal, syncer, remote), records)
        await writer.start()
        pace = {"look_seconds": LOOK_SECONDS, "dead_after_seconds": DEAD_AFTER_SECONDS}
        LaneWatch(lanes, lane, **pace).start()
    breath = 0.0 if address is None else BREATH_SECONDS
    await asyncio.gather(*[record_for_ever(writer, records, breath) for _ in range(AT_ONCE)])


async def record_for_ever(writer: LedgerWriter, records: Records, breath_seconds: float) -> None:
    while True:
        story = a_story(records)
        await acknowledged(writer, story.admitted())
        for _ in range(random.randint(1, 3)):  # else all are at the same point at any time
            await acknowledged(writer, story.attempted())
            await asyncio.sleep(random.uniform(0, breath_seconds))
        await acknowledged(writer, story.completed())


async def acknowledged(writer: LedgerWriter, body: RecordBody) -> None:
    await writer.append(body)
    os.write(1, f"{body['record_id']}\n".encode())


if __name__ == "__main__":
    place = DatabaseAddress.read(sys.argv[2]) if len(sys.argv) > 2 else None
    asyncio.run(serve(Path(sys.argv[1]), place))
