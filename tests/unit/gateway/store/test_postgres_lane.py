"""The lane in PostgreSQL: durable, whole, and honest about what became of a batch."""

import asyncio

import asyncpg
import pytest

from gateway.audit.batch import Batch, OpenExchanges
from gateway.audit.chain import ChainHead, find_breaks, record_hash
from gateway.audit.filing import LaneRefused
from gateway.audit.record import RecordBody
from gateway.database_address import DatabaseAddress
from gateway.store.account_usage import AccountBook
from gateway.store.database import open_store
from gateway.store.lanes import Lanes
from gateway.store.ledger import Ledger
from gateway.store.postgres_lane import PostgresLane
from tests.fakes.ledger import Clock, a_ledger_in, a_story, some_records
from tests.fakes.postgres import cut_connections, execute, own_server

LANE = "01TESTLANE0000000000000000"
OTHER = "01OTHERLANE000000000000000"
SOON = 5.0


@pytest.fixture
def address(postgres_url: str) -> DatabaseAddress:
    return DatabaseAddress.read(postgres_url)


def a_lane(address: DatabaseAddress, lane: str = LANE) -> PostgresLane:
    return PostgresLane(address, lane, opened_unix_us=1)


def a_batch(head: ChainHead, *bodies: RecordBody) -> Batch:
    """A batch of these, or of one refused request, behind a head."""
    opened = OpenExchanges()
    batch = Batch(head, opened)
    for body in bodies or (a_story(some_records()).denied(),):
        if body["kind"] in {"attempted", "completed"}:
            batch._opened.add(body["exchange_id"])
        batch.add(body)
    return batch


def denied_in(count: int, lane: str = LANE) -> list[bytes]:
    records = some_records()
    bodies = [a_story(records).denied() for _ in range(count)]
    return a_batch(ChainHead.of_new(lane), *bodies).raws


async def kinds(address: DatabaseAddress, lane: str = LANE) -> list[str]:
    query = "SELECT kind FROM audit_body WHERE lane = $1 ORDER BY seq"
    return [row["kind"] for row in await execute(address.url.reveal(), query, lane)]


async def lane_row(address: DatabaseAddress, lane: str = LANE) -> asyncpg.Record:
    (row,) = await execute(address.url.reveal(), "SELECT * FROM audit_lane WHERE lane = $1", lane)
    return row


@pytest.mark.parametrize("count", [1, 2, 3, 256])
async def test_a_batch_of_any_size_is_written_whole(tmp_path, address, count):
    async with a_ledger_in(tmp_path, address=address) as folder:
        await folder.write(*[a_story(folder.records).denied() for _ in range(count)])
        chain = await folder.chain()
    assert [record.seq for record in chain] == list(range(1, count + 1))
    assert find_breaks(ChainHead.of_new(folder.writer.lane), chain) == []


async def test_a_row_has_every_column_as_the_other_database_has_it(tmp_path, address):
    rows = []
    for each in (None, address):
        async with a_ledger_in(tmp_path / str(each is None), Clock(), each) as folder:
            await folder.write_story(team="web", response_id="resp_1")
            async with folder.database.reading() as connection:
                found = await connection.exec_driver_sql(
                    "SELECT seq, kind, team, subject, model, outcome, cost_nano_usd, total_tokens,"
                    " response_id FROM audit_body ORDER BY seq"
                )
                rows.append([tuple(row) for row in found])
    assert rows[0] == rows[1]


async def test_a_text_with_a_nul_in_it_stops_nobody(tmp_path, address):
    async with a_ledger_in(tmp_path, address=address) as folder:
        story = a_story(folder.records, team="we\0b", model="co\0der")
        await folder.write(story.admitted(), story.attempted(), story.completed())
        (first, *_) = await folder.ledger.newest(3)
        chain = await folder.chain()
    assert first.body["model"] == "co\0der"
    assert find_breaks(ChainHead.of_new(folder.writer.lane), chain) == []


async def test_what_only_the_journal_has_is_taken_over_once(address):
    ours, theirs = denied_in(5), denied_in(3, OTHER)
    lane = a_lane(address)
    assert (await lane.open(ours[:2])).seq == 2
    assert (await lane.open([*theirs, *ours])).seq == 5
    assert (await lane.open(ours)).record_hash == record_hash(ours[-1])
    await lane.close()
    assert len(await kinds(address)) + len(await kinds(address, OTHER)) == 8


async def test_a_journal_longer_than_a_page_is_taken_over_whole(address):
    lane = a_lane(address)
    raws = denied_in(1203)
    assert (await lane.open(raws)).seq == 1203
    await lane.close()
    assert len(await kinds(address)) == 1203


async def test_a_lane_that_a_journal_brings_something_of_is_watched_from_then_on(address):
    lane = a_lane(address)
    await lane.open(denied_in(3, OTHER))
    before = await lane_row(address, OTHER)
    await lane.open(denied_in(3, OTHER))
    await lane.close()
    assert before["beat"] == 2  # entered, and something new
    assert (await lane_row(address, OTHER))["beat"] == 2
    assert (await lane_row(address))["beat"] == 1


async def test_a_gap_in_the_journal_is_told_and_the_rest_is_kept(address, caplog):
    lane = a_lane(address)
    raws = denied_in(5)
    assert (await lane.open([*raws[:2], *raws[3:]])).seq == 5
    await lane.close()
    assert [record.message for record in caplog.records] == ["ledger_records_lost"]


async def test_a_mark_never_goes_back(address):
    lane = a_lane(address)
    batch = a_batch(await lane.open(()))
    await lane.write(batch.rows, 1, SOON)
    await lane.write(a_batch(batch.head).rows, 0, SOON)
    await lane.close()
    assert (await lane_row(address))["settled_seq"] == 1


async def test_a_batch_that_is_there_already_is_refused_whole(address):
    lane = a_lane(address)
    head = await lane.open(())
    await lane.write(a_batch(head).rows, None, SOON)
    with pytest.raises(LaneRefused, match="duplicate"):
        await lane.write(a_batch(head).rows, None, SOON)
    with pytest.raises(LaneRefused, match="no connection"):
        await lane.write(a_batch(head).rows, None, SOON)
    assert (await lane.open(())).seq == 1
    await lane.close()


async def test_a_database_that_is_slow_is_given_up_and_its_fate_is_known_after_opening(address):
    lane = a_lane(address)
    head = await lane.open(())
    holder = await asyncpg.connect(address.url.reveal())
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE audit_body IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(LaneRefused):
        await lane.write(a_batch(head).rows, None, 0.1)
    opening = asyncio.create_task(lane.open(()))
    await transaction.rollback()
    await holder.close()
    head = await opening
    await lane.write(a_batch(head).rows, None, SOON)
    await lane.close()
    assert len(await kinds(address)) == head.seq + 1


async def test_opening_waits_for_what_an_earlier_connection_has_under_way(address):
    """A commit that we gave up may still come: who reads the head before it would write twice."""
    lane = a_lane(address)
    await lane.open(())
    earlier = await asyncpg.connect(address.url.reveal())
    under_way = earlier.transaction()
    await under_way.start()
    await earlier.execute("SELECT 1 FROM audit_lane WHERE lane = $1 FOR SHARE", LANE)
    await earlier.execute("INSERT INTO audit_leaf VALUES ($1, 1, 'r', $2, $2, 1)", LANE, b"h" * 32)
    opening = asyncio.create_task(lane.open(()))
    await asyncio.wait([opening], timeout=0.3)
    assert not opening.done()
    await under_way.commit()
    assert (await opening).seq == 1
    await lane.close()
    await earlier.close()


async def test_a_server_that_went_away_is_a_refusal_and_opening_works_when_it_is_back():
    with own_server() as own:
        address = DatabaseAddress.read(await own.server.new_database())
        await (await open_store("", address)).close()
        lane = a_lane(address)
        batch = a_batch(await lane.open(()))
        await lane.write(batch.rows, None, SOON)
        await own.stop()
        with pytest.raises(LaneRefused):
            await lane.write(a_batch(batch.head).rows, None, SOON)
        with pytest.raises(LaneRefused, match="is it up"):
            await lane.open(())
        await own.start()
        assert await lane.open(()) == batch.head
        await lane.close()


async def test_a_connection_that_the_server_is_just_ending_is_a_refusal(address):
    lane = a_lane(address)
    head = await lane.open(())
    await cut_connections(address.url.reveal())
    with pytest.raises(LaneRefused):
        await lane.write(a_batch(head).rows, None, SOON)
    assert await lane.open(()) == head
    await lane.close()


async def recover(address: DatabaseAddress, beat: int) -> int:
    """What another replica does that believes the writer dead."""
    database = await open_store("", address)
    ended = await Lanes(database, some_records(seed=99)).end(LANE, beat)
    await database.close()
    return ended


async def test_an_end_that_comes_after_recovery_keeps_its_place_and_counts_for_its_cost(address):
    lane = a_lane(address)
    story, other = a_story(some_records()), a_story(some_records(seed=8))
    batch = a_batch(await lane.open(()), story.admitted(), story.attempted())
    await lane.write(batch.rows, None, SOON)
    assert await recover(address, beat=1) == 1
    late = a_batch(batch.head, story.completed(), other.admitted(), other.completed())
    await lane.write(late.rows, None, SOON)
    await lane.close()
    assert await kinds(address) == ["admitted", "attempted", "late", "admitted", "completed"]
    database = await open_store("", address)
    ledger = Ledger(database)
    chain = await ledger.chain(LANE, after_seq=0, limit=10)
    used = await AccountBook(database, lambda: 0).used("team:web", 0)
    await database.close()
    assert find_breaks(ChainHead.of_new(LANE), chain) == []
    assert sum(each.nano_usd for each in used) == 2 * 12_345


async def test_a_journal_that_comes_back_after_recovery_makes_no_second_end(address):
    story = a_story(some_records())
    before = a_lane(address)
    batch = a_batch(await before.open(()), story.admitted(), story.attempted())
    await before.write(batch.rows, None, SOON)
    await before.close()
    journaled = [*batch.raws, *a_batch(batch.head, story.completed()).raws]
    assert await recover(address, beat=1) == 1
    after = a_lane(address, OTHER)
    await after.open(journaled)
    await after.close()
    assert await kinds(address) == ["admitted", "attempted", "late"]
    row = await lane_row(address)
    assert (row["recovered_seq"], row["beat"]) == (2, 1)
    assert await recover(address, beat=1) == 0


async def test_what_a_journal_brings_open_after_recovery_is_recovered_too(address):
    first, second = a_story(some_records()), a_story(some_records(seed=8))
    before = a_lane(address)
    batch = a_batch(await before.open(()), first.admitted())
    await before.write(batch.rows, None, SOON)
    await before.close()
    assert await recover(address, beat=1) == 1
    after = a_lane(address, OTHER)
    await after.open([*batch.raws, *a_batch(batch.head, second.admitted()).raws])
    await after.close()
    assert await recover(address, beat=1) == 1
    assert await recover(address, beat=1) == 0


async def test_recovery_and_a_write_at_the_same_moment_make_one_end(address):
    lane = a_lane(address)
    records = some_records()
    stories = [a_story(records) for _ in range(40)]
    batch = a_batch(await lane.open(()), *[story.admitted() for story in stories])
    await lane.write(batch.rows, None, SOON)

    async def complete() -> None:
        head = batch.head
        for story in stories:
            ending = a_batch(head, story.completed())
            await lane.write(ending.rows, None, SOON)
            head = ending.head

    _, ended = await asyncio.gather(complete(), recover(address, beat=1))
    await lane.close()
    completed = (await kinds(address)).count("completed")
    assert completed + ended == 40
    assert (await kinds(address)).count("late") == ended


async def test_an_answer_whose_id_holds_a_nul_is_written(tmp_path, address):
    async with a_ledger_in(tmp_path, address=address) as folder:
        await folder.write_story(team="web", response_id="resp_\0evil")
    query = "SELECT response_id FROM audit_body WHERE kind = 'completed'"
    (row,) = await execute(address.url.reveal(), query)
    assert row["response_id"] == "resp_\ufffdevil"
