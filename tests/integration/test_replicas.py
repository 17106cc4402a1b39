"""Several replicas on one PostgreSQL: killed, cut off, stopped; nothing is lost, or ended twice."""

import asyncio
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from gateway.audit.chain import ChainHead, find_breaks
from gateway.database_address import DatabaseAddress
from gateway.store.database import open_store
from gateway.store.ledger import Ledger, LedgerRow
from tests.fakes.gateway_process import GatewayProcess, gateway_process
from tests.fakes.house import CHAT, CONFIGURATION
from tests.fakes.pair import question
from tests.fakes.postgres import execute, own_server, state_at
from tests.fakes.rough_client import rough_client
from tests.fakes.vendor import FakeVendor
from tests.fakes.waiting import until

ROOT = Path(__file__).parents[2]
ENDS = ("completed", "unknown")


class Child:
    """A process that records as fast as it can (`tests.fakes.ledger_child`), and what it told.

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
        await until(lambda: len(self.acknowledged) >= wanted, 60)

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


async def until_it_is(holds: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.05)


async def rows_of(url: str) -> list[LedgerRow]:
    """Every record there is; all chains are whole."""
    database = await open_store(Path(), DatabaseAddress.read(url))
    ledger = Ledger(database)
    try:
        for lane in await ledger.lanes():
            chain = await ledger.chain(lane, after_seq=0, limit=1_000_000)
            assert find_breaks(ChainHead.of_new(lane), chain) == []
        rows, _ = await ledger.after({}, 1_000_000)
        return rows
    finally:
        await database.close()


async def lanes(url: str) -> dict[str, int | None]:
    """The lanes of gateways in the order of their beginning, and how far each was recovered."""
    query = "SELECT lane, recovered_seq FROM audit_lane WHERE purpose IS NULL ORDER BY lane"
    return {row["lane"]: row["recovered_seq"] for row in await execute(url, query)}


async def recovered(url: str, lane: str, seconds: float = 60) -> None:
    """Return once another replica has ended what this lane left open."""

    async def is_recovered() -> bool:
        return (await lanes(url))[lane] is not None

    await until_it_is(is_recovered, seconds)


def admitted_in(rows: list[LedgerRow], lane: str) -> Counter[str]:
    return Counter(row.exchange_id for row in rows if (row.lane, row.kind) == (lane, "admitted"))


def ends_of(rows: list[LedgerRow], exchanges: Counter[str]) -> Counter[str]:
    ended = (row.exchange_id for row in rows if row.kind in ENDS)
    return Counter(each for each in ended if each in exchanges)


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
                (first, *_) = await lanes(postgres_url)
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
            await asyncio.sleep(3)
            await own.start()
            await asyncio.gather(one.acknowledges(5000), two.acknowledges(5000))
        told = {*one.acknowledged, *two.acknowledged}
        with a_child(tmp_path / "one", url) as again, a_child(tmp_path / "two", url) as too:
            await again.acknowledges(10)  # by now it has brought over what its journal had
            await too.acknowledges(10)
            first, second, *_ = await lanes(url)
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
            (first, *_) = await lanes(url)
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


async def is_left(url: str, lane: str) -> bool:
    """Whether nobody is expected to write to the lane, or to end it."""
    (row,) = await execute(url, "SELECT beat FROM audit_lane WHERE lane = $1", lane)
    return row["beat"] is None


@pytest.fixture
async def vendor() -> AsyncIterator[FakeVendor]:
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        vendor.says("one two three four five six")
        yield vendor


def a_folder(tmp_path: Path, name: str, vendor: FakeVendor, durable_in: str = "database") -> Path:
    folder = tmp_path / name
    folder.mkdir()
    text = CONFIGURATION.format(url=vendor.url, most_bytes=1_000_000)
    storage = f"storage: {{ durable_in: {durable_in} }}\n"
    (folder / "gatehouse.yaml").write_text(text + storage)
    return folder


async def ask(gateway: GatewayProcess, key: str) -> tuple[int, str]:
    """Status and audit id of one request."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        url = f"http://127.0.0.1:{gateway.port}{CHAT}"
        answer = await client.post(url, content=question(stream=False), headers=headers)
    return answer.status_code, answer.headers["x-gatehouse-audit-id"]


@pytest.mark.parametrize("durable_in", ["database", "journal"])
async def test_requests_go_on_while_the_database_is_away_and_all_are_on_record(
    tmp_path: Path, vendor: FakeVendor, durable_in: str
) -> None:
    with own_server() as own:
        url = await own.server.new_database()
        folders = [a_folder(tmp_path, name, vendor, durable_in) for name in ("one", "two")]
        async with gateway_process(folders[0], environ=state_at(url)) as one:
            key = one.developer_key
            async with gateway_process(folders[1], environ=state_at(url), developer_key=key) as two:
                answers = await under_load((one, two), key, own.stop, own.start)
                one.terminate()
                two.terminate()
                assert [await one.ended(), await two.ended()] == [0, 0]
        rows = await rows_of(url)
    assert {status for status, _ in answers} == {200}
    kinds = Counter((row.exchange_id, row.kind) for row in rows)
    for _, audit_id in answers:
        story = [kinds[audit_id, kind] for kind in ("admitted", "attempted", "completed")]
        assert story == [1, 1, 1]


async def under_load(gateways, key, stop, start) -> list[tuple[int, str]]:
    """Ask both all the time, while the database stops for five seconds and comes back."""
    done = asyncio.Event()

    async def ask_on(gateway: GatewayProcess) -> list[tuple[int, str]]:
        answers = []
        while not done.is_set():
            answers.append(await ask(gateway, key))
        return answers

    asking = [asyncio.create_task(ask_on(each)) for each in gateways for _ in range(3)]
    await asyncio.sleep(0.5)
    await stop()
    await asyncio.sleep(5)
    await start()
    await asyncio.sleep(1.5)
    done.set()
    return [answer for answers in await asyncio.gather(*asking) for answer in answers]


async def test_with_neither_database_nor_disk_nothing_leaves_and_either_is_enough(
    tmp_path: Path, vendor: FakeVendor
) -> None:
    with own_server() as own:
        url = await own.server.new_database()
        folder = a_folder(tmp_path, "one", vendor)
        (folder / "data").mkdir()
        (folder / "data" / "journal").write_text("where a folder should be")
        async with gateway_process(folder, environ=state_at(url)) as one:
            key = one.developer_key
            assert (await ask(one, key))[0] == 200
            await own.stop()
            asked = len(vendor.calls)
            assert (await ask(one, key))[0] == 503
            assert len(vendor.calls) == asked
            await own.start()

            async def is_served() -> bool:
                return (await ask(one, key))[0] == 200

            await until_it_is(is_served)
        rows = await rows_of(url)
    admitted = Counter(row.exchange_id for row in rows if row.kind == "admitted")
    assert ends_of(rows, admitted) == admitted


async def test_a_gateway_killed_in_an_answer_is_recovered_by_another_within_a_minute(
    tmp_path: Path, vendor: FakeVendor, postgres_url: str
) -> None:
    vendor.holds(before_event=5)
    folders = [a_folder(tmp_path, name, vendor) for name in ("one", "two")]
    async with (
        gateway_process(folders[0], environ=state_at(postgres_url)) as one,
        gateway_process(folders[1], environ=state_at(postgres_url)) as two,
    ):
        async with rough_client(one.port) as client:
            await client.posts(CHAT, question(), authorization=f"Bearer {one.developer_key}")
            assert (await client.head())[0] == 200
            (first, *_) = await lanes(postgres_url)
            one.kill()
            await one.ended()
        await recovered(postgres_url, first, seconds=60)
        vendor.recovers()
        assert (await ask(two, one.developer_key))[0] == 200
    rows = [row for row in await rows_of(postgres_url) if row.kind == "unknown"]
    (end,) = rows
    assert end.body["attempts"] == [{"attempt": 1, "target": "house/qwen3-coder"}]
    assert end.body["reason"] == "process ended"


async def test_a_key_made_or_revoked_at_one_replica_holds_at_the_other(
    tmp_path: Path, vendor: FakeVendor, postgres_url: str
) -> None:
    folders = [a_folder(tmp_path, name, vendor) for name in ("one", "two")]
    environ = state_at(postgres_url)
    async with gateway_process(folders[0], environ=environ) as one:
        assert one.developer_key
        async with gateway_process(folders[1], environ=environ) as two:
            assert two.developer_key == ""  # the first keys are made once
            assert (await ask(two, one.developer_key))[0] == 200
            query = "UPDATE virtual_key SET revoked_unix_us = 1, changed_revision = 99"
            await execute(postgres_url, query)
            await execute(postgres_url, "UPDATE key_revision SET revision = 99")

            async def is_refused() -> bool:
                return (await ask(two, one.developer_key))[0] == 401

            await until_it_is(is_refused)
