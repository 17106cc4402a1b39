"""Processes that record in one PostgreSQL: killed, cut off; nothing is lost, or ended twice."""

import asyncio
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.audit.database_lane import CAUGHT_UP_RECORDS
from tests.fakes.ledger_database import admitted_in, ends_of, lanes_of, recovered, rows_of
from tests.fakes.postgres import execute, own_server
from tests.fakes.waiting import until, until_it_is

ROOT = Path(__file__).parents[2]


class Child:
    """A process that records without end (`tests.fakes.ledger_child`), and what it told.

    A thread listens all the time: a child that is not listened to stands still.
    """

    def __init__(self, folder: Path, url: str) -> None:
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tests.fakes.ledger_child", str(folder), url]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        self.acknowledged: list[str] = []
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith(b"\n"):
                self.acknowledged.append(line.decode().strip())

    async def acknowledges(self, records: int) -> None:
        """Return once it has acknowledged so many more."""
        wanted = len(self.acknowledged) + records
        await until(lambda: len(self.acknowledged) >= wanted)

    def kill(self) -> None:
        """End it at once; all that it had told by then is known."""
        self.process.kill()
        self.process.wait()
        self._listener.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert self.process.returncode == -9, "the child ended by itself"


@contextmanager
def a_child(folder: Path, url: str) -> Iterator[Child]:
    child = Child(folder, url)
    try:
        yield child
    finally:
        if child.process.returncode is None:
            child.kill()


async def test_a_killed_replica_is_recovered_by_those_that_live_with_one_end_each(
    tmp_path: Path, postgres_url: str
) -> None:
    with a_child(tmp_path / "one", postgres_url) as one:
        await one.acknowledges(700)
        with a_child(tmp_path / "two", postgres_url) as two:
            await two.acknowledges(100)
            with a_child(tmp_path / "three", postgres_url) as three:
                await three.acknowledges(100)
                one.kill()
                (first, *_) = await lanes_of(postgres_url)
                await recovered(postgres_url, first)
    rows = await rows_of(postgres_url)
    acknowledged = {*one.acknowledged, *two.acknowledged, *three.acknowledged}
    assert acknowledged <= {row.body["record_id"] for row in rows}
    admitted = admitted_in(rows, first)
    assert ends_of(rows, admitted) == admitted
    attempted = Counter(row.exchange_id for row in rows if row.kind == "attempted")
    unknown = [row for row in rows if row.kind == "unknown" and row.exchange_id in admitted]
    assert [len(row.body["attempts"]) for row in unknown] == [
        attempted[row.exchange_id] for row in unknown
    ]


async def test_a_database_that_is_away_for_a_while_costs_no_record_and_no_chain(
    tmp_path: Path,
) -> None:
    with own_server() as own:
        url = await own.server.new_database()
        with a_child(tmp_path / "one", url) as one, a_child(tmp_path / "two", url) as two:
            await one.acknowledges(300)
            await two.acknowledges(300)
            await own.stop()
            await asyncio.sleep(1)  # what was on its way at the stop has been told
            await asyncio.gather(one.acknowledges(1000), two.acknowledges(1000))
            await own.start()
            await until_it_is(lambda: has_caught_up(url, one, two))
            await asyncio.gather(one.acknowledges(500), two.acknowledges(500))
        told = {*one.acknowledged, *two.acknowledged}
        with a_child(tmp_path / "one", url) as again, a_child(tmp_path / "two", url) as too:
            await again.acknowledges(10)  # by now it has brought over what its journal had
            await too.acknowledges(10)
            first, second, *_ = await lanes_of(url)
            await recovered(url, first)
            await recovered(url, second)
        rows = await rows_of(url)
    assert told <= {row.body["record_id"] for row in rows}
    for lane in (first, second):
        admitted = admitted_in(rows, lane)
        assert ends_of(rows, admitted) == admitted


async def test_a_replica_that_comes_back_with_its_journal_ends_nothing_twice(
    tmp_path: Path,
) -> None:
    """It was killed while only its journal took records; meanwhile another recovered its lane."""
    with own_server() as own:
        url = await own.server.new_database()
        with a_child(tmp_path / "one", url) as one:
            await one.acknowledges(300)
            await own.stop()
            await one.acknowledges(1000)
            one.kill()
        await own.start()
        with a_child(tmp_path / "two", url) as two:
            await two.acknowledges(100)
            (first, *_) = await lanes_of(url)
            await recovered(url, first)
            before = await rows_of(url)
            with a_child(tmp_path / "one", url) as again:
                await again.acknowledges(10)
                await until_it_is(lambda: is_left(url, first))  # what was in the journal too
        rows = await rows_of(url)
    assert set(one.acknowledged) <= {row.body["record_id"] for row in rows}
    late = [row for row in rows if row.kind == "late"]
    ended_before = {row.exchange_id for row in before if row.kind == "unknown"}
    assert late
    assert {row.exchange_id for row in late} <= ended_before
    admitted = admitted_in(rows, first)
    assert len(admitted) > len(admitted_in(before, first))
    assert ends_of(rows, admitted) == admitted


async def has_caught_up(url: str, *children: Child) -> bool:
    """Whether what the journals took while the database was away is there, but for the newest."""
    query = "SELECT DISTINCT ON (lane) record_id FROM audit_leaf ORDER BY lane, seq DESC"
    newest = {row["record_id"] for row in await execute(url, query)}
    return all(newest & {*each.acknowledged[-CAUGHT_UP_RECORDS:]} for each in children)


async def is_left(url: str, lane: str) -> bool:
    """Whether nobody is expected to write to the lane, or to end it."""
    (row,) = await execute(url, "SELECT beat FROM audit_lane WHERE lane = $1", lane)
    return row["beat"] is None
