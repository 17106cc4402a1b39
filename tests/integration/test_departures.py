"""Clients that leave and a ledger that fails: nothing runs on, and every exchange has one end."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.audit.journal import Journal
from gateway.audit.sync import KernelSyncer, Told
from gateway.store.database import FILE_NAME
from tests.fakes.house import CHAT, MESSAGES
from tests.fakes.pair import Pair, a_pair, assert_cut, is_whole
from tests.fakes.vendor import Ending
from tests.fakes.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

on_both_wires = pytest.mark.parametrize("path", [CHAT, MESSAGES])
streamed_or_not = pytest.mark.parametrize("streaming", [True, False])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """One request at a time: a reservation that leaks is noticed by the next one."""
    async with a_pair(tmp_path_factory.mktemp("pair"), parallel=1) as pair:
        yield pair


@pytest_asyncio.fixture(loop_scope="module")
async def pair(running: Pair) -> AsyncIterator[Pair]:
    """One gateway for all who only leave."""
    await running.begins_anew()
    yield running
    await assert_well(running)


@pytest_asyncio.fixture(loop_scope="module")
async def own_pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """For who harms its ledger, or changes what it knows of vendors."""
    async with a_pair(tmp_path, parallel=1) as pair:
        yield pair
        await assert_well(pair)


async def assert_well(pair: Pair) -> None:
    """Nothing runs on, nothing is held back, and every exchange has one end."""
    pair.first.recovers()
    pair.second.recovers()
    await until(lambda: len(pair.gateway.inside.calls) == 0)
    assert (await pair.ask(CHAT, stream=False)).status_code == 200
    one_end_each(pair)


def one_end_each(pair: Pair) -> None:
    kinds = Counter((each["exchange_id"], each["kind"]) for each in pair.gateway.records())
    admitted = {exchange for exchange, kind in kinds if kind == "admitted"}
    ends = {
        exchange: kinds[exchange, "completed"] + kinds[exchange, "unknown"] for exchange, _ in kinds
    }
    assert {exchange: ends[exchange] for exchange in admitted} == dict.fromkeys(admitted, 1)


@contextmanager
def database_out_of_order(pair: Pair) -> Iterator[None]:
    """While this lasts the database refuses every record, at once."""
    alter(pair, "ALTER TABLE audit_leaf RENAME TO audit_leaf_away")
    try:
        yield
    finally:
        alter(pair, "ALTER TABLE audit_leaf_away RENAME TO audit_leaf")


@contextmanager
def journal_out_of_order() -> Iterator[None]:
    """While this lasts the journal refuses every record, at once."""

    def refuse(journal: Journal, records: Sequence[bytes]) -> int:
        raise OSError("No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "append", refuse)
        yield


@contextmanager
def ledger_out_of_order(pair: Pair) -> Iterator[None]:
    """While this lasts neither device takes a record."""
    with database_out_of_order(pair), journal_out_of_order():
        yield


def alter(pair: Pair, statement: str) -> None:
    with closing(sqlite3.connect(pair.gateway.data / FILE_NAME, timeout=5)) as connection:
        connection.execute(statement)


@contextmanager
def ledger_slow() -> Iterator[None]:
    """While this lasts a record waits."""
    freed, in_earnest = asyncio.Event(), KernelSyncer.sync

    async def wait(syncer: KernelSyncer, descriptor: int, synced: Told | None = None) -> None:
        await freed.wait()
        await in_earnest(syncer, descriptor, synced)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KernelSyncer, "sync", wait)
        yield
        freed.set()


@on_both_wires
async def test_a_client_that_leaves_a_stream_ends_the_upstream_call(pair: Pair, path: str) -> None:
    pair.first.holds(before_event=5)
    async with pair.asking(path) as client:
        await client.head()
        seen = await client.chunk()
        while b"one" not in seen:
            seen += await client.chunk()
    await pair.first.calls[0].until_gone()
    end = await pair.gateway.until_closed()
    assert (end["outcome"], end["usage_source"]) == ("client_left", "counted")
    assert end["usage"]["output_tokens"] > 0
    assert "finish_reason" not in end


@on_both_wires
@streamed_or_not
async def test_a_client_that_leaves_before_the_first_byte_ends_the_upstream_call(
    pair: Pair, path: str, streaming: bool
) -> None:
    pair.first.holds()
    async with pair.asking(path, stream=streaming):
        call = await pair.first.until_called()
    await call.until_gone()
    end = await pair.gateway.until_closed()
    assert end["outcome"] == "client_left"
    assert end["usage_source"] == "none"
    assert end["cost_nano_usd"] == 0
    assert pair.second.calls == []


@on_both_wires
async def test_a_client_that_leaves_after_the_preamble_ends_the_upstream_call(
    pair: Pair, path: str
) -> None:
    pair.first.holds(before_event=1)
    async with pair.asking(path):
        call = await pair.first.until_called()
        await until(lambda: call.pieces_sent == 1)
    await call.until_gone()
    assert (await pair.gateway.until_closed())["outcome"] == "client_left"


@on_both_wires
@streamed_or_not
async def test_a_client_that_leaves_during_the_second_attempt_ends_it(
    pair: Pair, path: str, streaming: bool
) -> None:
    pair.first.fails(500)
    pair.second.holds()
    async with pair.asking(path, stream=streaming):
        call = await pair.second.until_called()
    await call.until_gone()
    end = await pair.gateway.until_closed()
    assert end["outcome"] == "client_left"
    assert [each.get("error") for each in end["attempts"]] == ["unavailable", None]


@on_both_wires
async def test_a_client_that_leaves_while_the_end_is_held_back_closes_the_books(
    pair: Pair, path: str
) -> None:
    pair.first.says("one")
    pair.first.cuts_after(events=4 if path == CHAT else 6, ending=Ending.STALL)
    async with pair.asking(path) as client:
        await client.head()
        seen = await client.chunk()
        while b"one" not in seen:
            seen += await client.chunk()
        await until(lambda: pair.first.calls[0].pieces_sent >= 4)
    await pair.first.calls[0].until_gone()
    end = await pair.gateway.until_closed()
    assert end["outcome"] == "client_left"
    assert not is_whole(path, seen)


@on_both_wires
@streamed_or_not
async def test_a_client_that_leaves_while_the_ledger_writes_reaches_no_model(
    pair: Pair, path: str, streaming: bool
) -> None:
    with ledger_slow():
        async with pair.asking(path, stream=streaming):
            await until(lambda: len(pair.gateway.inside.calls) == 1)
        await until(lambda: len(pair.gateway.inside.calls) == 0)
    end = await pair.gateway.until_closed()
    assert end["outcome"] == "client_left"
    assert pair.first.calls == []


@on_both_wires
async def test_a_client_that_leaves_while_the_end_is_recorded_leaves_one_end(
    pair: Pair, path: str
) -> None:
    gate = pair.first.holds(before_event=5)
    async with pair.asking(path) as client:
        await client.head()
        await client.chunk()
        with ledger_slow():
            gate.set()
            await until(lambda: pair.first.calls[0].pieces_sent >= 9)
            client.vanishes()
            await until(lambda: len(pair.gateway.inside.calls) == 0)
    await pair.gateway.until_closed()
    one_end_each(pair)


async def test_a_client_that_leaves_a_bridged_wait_ends_the_upstream_call(pair: Pair) -> None:
    pair.first.holds()
    async with pair.asking(CHAT) as client:
        call = await pair.first.until_called()
        (open_call,) = pair.gateway.inside.calls
        pair.gateway.inside.calls.tick(open_call.last_sent + 16)
        await client.head()
    await call.until_gone()
    assert (await pair.gateway.until_closed())["outcome"] == "client_left"


@on_both_wires
@streamed_or_not
async def test_without_a_ledger_nothing_is_sent(own_pair: Pair, path: str, streaming: bool) -> None:
    with ledger_out_of_order(own_pair):
        answer = await own_pair.ask(path, stream=streaming)
        async with own_pair.gateway.client() as client:
            readiness = await client.get("/readyz")
    assert answer.status_code == 503
    assert "audit ledger" in answer.json()["error"]["message"]
    assert own_pair.first.calls == []
    assert own_pair.second.calls == []
    assert readiness.status_code == 503
    assert own_pair.gateway.records() == []


@on_both_wires
async def test_one_device_of_the_ledger_is_enough(own_pair: Pair, path: str) -> None:
    with database_out_of_order(own_pair):
        assert (await own_pair.ask(path)).status_code == 200
    with journal_out_of_order():
        assert (await own_pair.ask(path)).status_code == 200
    assert own_pair.gateway.kinds().count("completed") == 2


@on_both_wires
async def test_without_a_ledger_a_denial_is_not_given_either(own_pair: Pair, path: str) -> None:
    with ledger_out_of_order(own_pair):
        answer = await own_pair.ask(path, "gpt-9")
    assert answer.status_code == 503


@on_both_wires
async def test_a_ledger_that_dies_in_the_middle_withholds_the_end(
    own_pair: Pair, path: str
) -> None:
    gate = own_pair.first.holds(before_event=5)
    async with own_pair.asking(path) as client:
        await client.head()
        seen = await client.chunk()
        with ledger_out_of_order(own_pair):
            gate.set()
            while piece := await client.chunk():
                seen += piece
    assert b"six" in seen
    assert_cut(path, seen)
    assert b"audit" in seen
    end = await own_pair.gateway.until_closed()
    assert end["kind"] == "unknown"


@on_both_wires
async def test_a_ledger_that_dies_in_the_middle_withholds_a_whole_answer(
    own_pair: Pair, path: str
) -> None:
    gate = own_pair.first.holds()
    async with own_pair.asking(path, stream=False) as client:
        await own_pair.first.until_called()
        with ledger_out_of_order(own_pair):
            gate.set()
            answer = await client.answer()
    assert answer.status == 503
    assert b"six" not in answer.body
    assert (await own_pair.gateway.until_closed())["kind"] == "unknown"


async def test_every_admitted_exchange_of_a_mixed_run_has_one_end(tmp_path: Path) -> None:
    async with a_pair(tmp_path) as pair:
        troubles = [
            {},
            {"failure": None, "resets": True},
            {"error_event_at": 3},
            {"omits_end": True},
            {"silent": True},
        ]
        for trouble in troubles * 6:
            pair.first.behaves(times=1, **trouble)
        asking = [
            asyncio.create_task(
                ask_or_leave(pair, (CHAT, MESSAGES)[number % 2], leaves=number % 5 == 4)
            )
            for number in range(30)
        ]
        await until(lambda: sum(task.done() for task in asking) >= 24)
        await until(lambda: nobody_waits(pair, asking))
        await asyncio.gather(*asking)
        await pair.gateway.until_closed(30)
        one_end_each(pair)
        outcomes = Counter(
            each["outcome"] for each in pair.gateway.records() if each["kind"] == "completed"
        )
        assert sum(outcomes.values()) == 30
        assert outcomes["complete"] >= 10


def nobody_waits(pair: Pair, asking: list["asyncio.Task[None]"]) -> bool:
    """Give up on upstreams that are still silent; whether all have been answered by now."""
    pair.client.sweep(asyncio.get_running_loop().time() + 700)
    return all(task.done() for task in asking)


async def ask_or_leave(pair: Pair, path: str, *, leaves: bool) -> None:
    async with pair.asking(path, stream=True) as client:
        if leaves:
            await until(lambda: len(pair.gateway.inside.calls) > 0)
        else:
            await client.answer()


def bill_after_cancel(pair: Pair) -> None:
    """From now on the engine is one that bills answers nobody waits for."""
    in_force = pair.gateway.inside.in_force
    known = in_force.configuration
    models = {
        name: tuple(
            replace(
                target,
                vendor=replace(
                    target.vendor, record=replace(target.vendor.record, bills_after_cancel=True)
                ),
            )
            for target in targets
        )
        for name, targets in known.models.items()
    }
    in_force.replace(replace(known, models=models), in_force.since_unix_seconds)


@on_both_wires
async def test_a_stream_that_is_billed_anyway_is_read_to_its_end(own_pair: Pair, path: str) -> None:
    bill_after_cancel(own_pair)
    gate = own_pair.first.holds(before_event=5)
    async with own_pair.asking(path) as client:
        await client.head()
        await client.chunk()
    await until(lambda: len(own_pair.gateway.inside.calls) == 0)
    assert own_pair.gateway.kinds() == ["admitted", "attempted"]
    gate.set()
    end = await own_pair.gateway.until_closed()
    assert (end["outcome"], end["usage_source"]) == ("client_left", "vendor")
    assert end["usage"]["output_tokens"] == 7
    assert not own_pair.first.calls[0].gone


@on_both_wires
@streamed_or_not
async def test_an_answer_that_is_billed_anyway_is_awaited(
    own_pair: Pair, path: str, streaming: bool
) -> None:
    bill_after_cancel(own_pair)
    gate = own_pair.first.holds()
    async with own_pair.asking(path, stream=streaming):
        await own_pair.first.until_called()
    await until(lambda: len(own_pair.gateway.inside.calls) == 0)
    assert own_pair.gateway.kinds() == ["admitted", "attempted"]
    gate.set()
    end = await own_pair.gateway.until_closed()
    assert (end["outcome"], end["usage_source"]) == ("client_left", "vendor")
    assert end["usage"]["output_tokens"] == 7


async def test_what_is_being_drained_is_closed_when_the_gateway_stops(tmp_path: Path) -> None:
    async with a_pair(tmp_path) as pair:
        bill_after_cancel(pair)
        pair.first.holds(before_event=5)
        async with pair.asking(CHAT) as client:
            await client.head()
            await client.chunk()
        await until(lambda: len(pair.gateway.inside.calls) == 0)
    assert pair.story()[-1]["outcome"] == "client_left"
    assert pair.story()[-1]["usage_source"] == "counted"
