"""A process that records exchanges as fast as it can, and says on stdout what is durable."""

import asyncio
import os
import sys
import time
from pathlib import Path

from gateway.audit.journal import FOLDER_NAME, Journal
from gateway.audit.journaled_lane import JournaledLane
from gateway.audit.lock import LedgerLock
from gateway.audit.record import RecordBody, Records
from gateway.audit.recovery import recover
from gateway.audit.sync import best_syncer
from gateway.audit.writer import LedgerWriter
from gateway.store.database import open_database
from gateway.store.lane import SqliteLane
from gateway.store.ledger import Ledger
from tests.fakes.ledger import a_story

AT_ONCE = 12


async def serve(folder: Path) -> None:
    """Start as a gateway does, then record until somebody ends this process."""
    LedgerLock(folder).acquire()
    records = Records(time.time_ns, os.urandom)
    database = open_database(folder)
    lane = records.new_ulid()
    store = SqliteLane(database.file, lane, opened_unix_us=records.unix_us())
    journal = Journal(folder / FOLDER_NAME, segment_bytes=64 * 1024, limit_bytes=1024 * 1024)
    syncer = await best_syncer(folder)
    writer = LedgerWriter(JournaledLane(lane, journal, syncer, store), records)
    await writer.start()
    await recover(Ledger(database), writer, records)
    await asyncio.gather(*[record_for_ever(writer, records) for _ in range(AT_ONCE)])


async def record_for_ever(writer: LedgerWriter, records: Records) -> None:
    while True:
        story = a_story(records)
        await acknowledged(writer, story.admitted())
        await acknowledged(writer, story.attempted())
        await acknowledged(writer, story.completed())


async def acknowledged(writer: LedgerWriter, body: RecordBody) -> None:
    await writer.append(body)
    os.write(1, f"{body['record_id']}\n".encode())


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
