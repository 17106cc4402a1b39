"""Several replicas on one PostgreSQL: killed, cut off, stopped; nothing is lost, or ended twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.audit.database_lane import PATIENCE_SECONDS
from gateway.audit.filing import RETRY_SECONDS
from gateway.store.recovery import DEAD_AFTER_SECONDS, LOOK_SECONDS
from tests.fakes.gateway_process import HASTY, GatewayProcess, gateway_process
from tests.fakes.house import CHAT, CONFIGURATION
from tests.fakes.ledger_database import ends_of, lanes_of, recovered, rows_of
from tests.fakes.pair import question
from tests.fakes.postgres import execute, own_server, state_at
from tests.fakes.rough_client import rough_client
from tests.fakes.vendor import FakeVendor
from tests.fakes.waiting import until, until_it_is

PAUSE_SECONDS = 0.02


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
    """Ask both all the time, while the database stops for some seconds and comes back."""
    done = asyncio.Event()
    told = 0

    async def ask_on(gateway: GatewayProcess) -> list[tuple[int, str]]:
        nonlocal told
        answers = []
        while not done.is_set():
            answers.append(await ask(gateway, key))
            told += 1
            await asyncio.sleep(PAUSE_SECONDS)
        return answers

    async def more(answers: int) -> None:
        wanted = told + answers
        await until(lambda: told >= wanted)

    asking = [asyncio.create_task(ask_on(each)) for each in gateways for _ in range(3)]
    await more(50)
    await stop()
    await asyncio.gather(more(50), asyncio.sleep(2 * PATIENCE_SECONDS))
    await start()
    await asyncio.gather(more(50), asyncio.sleep(2 * RETRY_SECONDS))
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
    assert LOOK_SECONDS + DEAD_AFTER_SECONDS < 60  # the other one is hasty here
    vendor.holds(before_event=5)
    folders = [a_folder(tmp_path, name, vendor) for name in ("one", "two")]
    async with (
        gateway_process(folders[0], environ=state_at(postgres_url)) as one,
        gateway_process(folders[1], environ=state_at(postgres_url), command=HASTY) as two,
    ):
        async with rough_client(one.port) as client:
            await client.posts(CHAT, question(), authorization=f"Bearer {one.developer_key}")
            assert (await client.head())[0] == 200
            (first, *_) = await lanes_of(postgres_url)
            one.kill()
            await one.ended()
        await recovered(postgres_url, first)
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
