"""What a gateway keeps is opened as it is said, in a folder that it has alone."""

import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.audit.database_lane import DatabaseLane
from gateway.audit.journaled_lane import JournaledLane
from gateway.audit.lock import DataFolderInUse
from gateway.audit.writer import LedgerWriter, SilentMeter
from gateway.configuration.storage import NO_STORAGE, Storage
from gateway.database_address import DatabaseAddress
from gateway.opening import Opened, lock_folder, open_data, open_ledger
from gateway.store.lanes import Lanes
from gateway.store.schema import StoreError
from providers.base import Secret
from tests.fakes.ledger import a_story
from tests.fakes.postgres import PEPPER, execute, state_at


async def test_a_folder_is_made_and_had_alone(tmp_path):
    folder = tmp_path / "new" / "data"
    async with AsyncExitStack() as first:
        await lock_folder(folder, first)
        async with AsyncExitStack() as second:
            with pytest.raises(DataFolderInUse, match=str(os.getpid())):
                await lock_folder(folder, second)
    async with AsyncExitStack() as third:
        await lock_folder(folder, third)


async def test_without_a_word_everything_lies_in_the_folder(tmp_path):
    async with AsyncExitStack() as stack:
        opened = await open_data(tmp_path, NO_STORAGE, {}, stack)
        assert (opened.address, opened.durable_in) == (None, "journal")
        assert opened.pepper == (tmp_path / "pepper").read_bytes()
    assert (tmp_path / "gatehouse.db").exists()


async def test_with_an_address_the_folder_holds_no_database_and_no_pepper(tmp_path, postgres_url):
    async with AsyncExitStack() as stack:
        opened = await open_data(tmp_path, NO_STORAGE, state_at(postgres_url), stack)
        assert opened.address == DatabaseAddress.read(postgres_url)
        assert (opened.durable_in, opened.pepper) == ("database", bytes.fromhex(PEPPER))
    assert list(tmp_path.iterdir()) == []


async def test_the_configuration_may_say_it_all(tmp_path, postgres_url):
    storage = Storage(DatabaseAddress.read(postgres_url), "journal", Secret(PEPPER))
    async with AsyncExitStack() as stack:
        opened = await open_data(tmp_path, storage, {}, stack)
        assert opened.durable_in == "journal"


@pytest.mark.parametrize(
    ("storage", "environ", "told"),
    [
        (Storage(durable_in="database"), {}, "durable_in: database is for PostgreSQL"),
        (NO_STORAGE, {"GATEHOUSE_DATABASE_URL": "mysql://x/y"}, "GATEHOUSE_DATABASE_URL: "),
        (NO_STORAGE, {"GATEHOUSE_PEPPER": "short"}, "holds no pepper"),
        (
            Storage(DatabaseAddress.read("postgresql://gate:secret@127.0.0.1:1/x")),
            {},
            "the pepper must be named",
        ),
        (
            Storage(DatabaseAddress.read("postgresql://gate:secret@127.0.0.1:1/x")),
            {"GATEHOUSE_PEPPER": PEPPER},
            "cannot use PostgreSQL at gate@127.0.0.1:1/x",
        ),
    ],
)
async def test_what_cannot_be_is_refused_in_words(tmp_path, storage, environ, told):
    async with AsyncExitStack() as stack:
        with pytest.raises(StoreError, match=told) as refused:
            await open_data(tmp_path, storage, environ, stack)
    assert "secret" not in str(refused.value)


async def test_a_replica_with_another_pepper_is_refused(tmp_path, postgres_url):
    async with AsyncExitStack() as stack:
        await open_data(tmp_path, NO_STORAGE, state_at(postgres_url), stack)
    other = state_at(postgres_url) | {"GATEHOUSE_PEPPER": "6f" * 32}
    async with AsyncExitStack() as stack:
        with pytest.raises(StoreError, match="another pepper"):
            await open_data(tmp_path, NO_STORAGE, other, stack)


async def opened_at(folder: Path, address: DatabaseAddress | None, stack: AsyncExitStack) -> Opened:
    storage = Storage(address, None, Secret(PEPPER))
    await lock_folder(folder, stack)
    return await open_data(folder, storage, {}, stack)


async def write_and_leave_open(writer: LedgerWriter, opened: Opened) -> str:
    story = a_story(opened.records)
    await writer.append(story.admitted())
    await writer.flush()
    return story.exchange.id


async def test_a_lane_is_the_databases_first_or_the_journals(tmp_path, postgres_url):
    address = DatabaseAddress.read(postgres_url)
    kinds = []
    for durable_in in ("database", "journal"):
        async with AsyncExitStack() as stack:
            storage = Storage(address, durable_in, Secret(PEPPER))
            opened = await open_data(tmp_path, storage, {}, stack)
            writer = await open_ledger(opened, SilentMeter(), stack)
            kinds.append(type(writer._lane))
            await write_and_leave_open(writer, opened)
    assert kinds == [DatabaseLane, JournaledLane]


async def test_in_a_folder_of_ones_own_what_was_left_open_has_its_end_at_the_start(tmp_path):
    async with AsyncExitStack() as stack:
        opened = await opened_at(tmp_path, None, stack)
        writer = await open_ledger(opened, SilentMeter(), stack)
        await write_and_leave_open(writer, opened)
    async with AsyncExitStack() as stack:
        opened = await opened_at(tmp_path, None, stack)
        later = await open_ledger(opened, SilentMeter(), stack)
        lanes = Lanes(opened.database, opened.records)
        assert await lanes.open_exchanges(writer.lane) == []
        assert await lanes.unsettled(but_lane=later.lane) == []


async def test_beside_other_replicas_a_lane_shows_that_its_writer_lives(tmp_path, postgres_url):
    beats = "SELECT beat FROM audit_lane WHERE lane = $1"
    async with AsyncExitStack() as stack:
        opened = await opened_at(tmp_path, DatabaseAddress.read(postgres_url), stack)
        writer = await open_ledger(opened, SilentMeter(), stack)
        seen = []
        while 2 not in seen:  # entered, and one look
            seen += [row["beat"] for row in await execute(postgres_url, beats, writer.lane)]
    rows = await execute(postgres_url, beats, writer.lane)
    assert [row["beat"] for row in rows] == [None]


async def test_what_a_replica_leaves_open_is_not_ended_by_one_that_starts(tmp_path, postgres_url):
    address = DatabaseAddress.read(postgres_url)
    async with AsyncExitStack() as living:
        opened = await opened_at(tmp_path / "one", address, living)
        writer = await open_ledger(opened, SilentMeter(), living)
        exchange_id = await write_and_leave_open(writer, opened)
        async with AsyncExitStack() as starting:
            other = await opened_at(tmp_path / "two", address, starting)
            await open_ledger(other, SilentMeter(), starting)
            lanes = Lanes(other.database, other.records)
            (lost,) = await lanes.open_exchanges(writer.lane)
            assert lost.exchange_id == exchange_id
