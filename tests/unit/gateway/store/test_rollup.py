"""The rollup equals the ledger, whoever sums it, how often, and from where."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from gateway.audit.batch import Batch, OpenExchanges
from gateway.database_address import DatabaseAddress
from gateway.exchange import Usage
from gateway.store.database import Database, open_store
from gateway.store.lanes import Lanes
from gateway.store.postgres_lane import PostgresLane
from gateway.store.rollup import Rollup
from gateway.store.tables import BODIES, USAGE_HOURS
from gateway.usage import SUMS
from tests.conftest import Opening
from tests.fakes.used import HOUR, NOON, Use, Uses, file_bodies_in, file_uses_in, some_uses

KEY = ("hour_unix_seconds", "team", "subject", "is_service", "model", "assistant", "target")


async def summed(database: Database) -> dict[tuple[Any, ...], dict[str, int]]:
    """What the rollup holds, by its key."""
    async with database.reading() as connection:
        rows = (await connection.execute(select(USAGE_HOURS))).mappings().all()
    return {tuple(row[each] for each in KEY): {name: row[name] for name in SUMS} for row in rows}


async def reckoned(database: Database) -> dict[tuple[Any, ...], dict[str, int]]:
    """The same, reckoned record by record from the ledger's own JSON."""
    async with database.reading() as connection:
        bodies = [orjson.loads(each) for each in await connection.scalars(select(BODIES.c.body))]
    openings = {each["exchange_id"]: each for each in bodies if each["kind"] == "admitted"}
    found: dict[tuple[Any, ...], Counter[str]] = {}
    for body in bodies:
        if body["kind"] in ("completed", "unknown", "denied"):
            opening = openings.get(body["exchange_id"], body)
            found.setdefault(_key_of(body, opening), Counter()).update(_sums_of(body))
    return {key: {name: sums[name] for name in SUMS} for key, sums in found.items()}


def _key_of(body: dict[str, Any], opening: dict[str, Any]) -> tuple[Any, ...]:
    return (
        body["time_unix_us"] // (HOUR * 1_000_000) * HOUR,
        opening["team"],
        opening["subject"],
        opening["identity_kind"] == "service",
        opening["model"][:128],
        opening["assistant"]["name"],
        body.get("target", ""),
    )


def _sums_of(body: dict[str, Any]) -> dict[str, int]:
    usage = body.get("usage", {})
    written = ("cache_write_5m_tokens", "cache_write_1h_tokens")
    return {
        "requests": 1,
        "denied": body["kind"] == "denied",
        "failed": body.get("outcome") in ("failed", "cut") or body["kind"] == "unknown",
        "unpriced": body["kind"] == "unknown" or "price_known" in body,
        "input_tokens": usage.get("input_tokens", 0),
        "cache_read_tokens": usage.get("cache_read_tokens", 0),
        "cache_write_tokens": sum(usage.get(each, 0) for each in written),
        "output_tokens": usage.get("output_tokens", 0),
        "cost_nano_usd": body.get("cost_nano_usd", 0),
    }


async def test_it_equals_the_ledger(database: Database) -> None:
    for seed in range(3):  # three lanes
        await file_uses_in(database, some_uses(150, seed), seed)
    await Rollup(database).catch_up()
    found = await summed(database)
    assert len(found) > 100
    assert found == await reckoned(database)


@pytest.mark.parametrize("step_records", [1, 2, 7])
async def test_it_is_the_same_whatever_is_summed_at_a_time(
    database: Database, step_records: int
) -> None:
    await file_uses_in(database, some_uses(60))
    await Rollup(database, step_records=step_records).catch_up()
    assert await summed(database) == await reckoned(database)


async def test_only_what_is_new_is_summed(database: Database) -> None:
    rollup = Rollup(database)
    await file_uses_in(database, some_uses(40, 1), 1)
    await rollup.catch_up()
    await file_uses_in(database, some_uses(40, 2), 2)
    assert await rollup.behind() > 0
    await rollup.catch_up()
    assert await rollup.behind() == 0
    await rollup.catch_up()
    assert await summed(database) == await reckoned(database)


async def test_several_at_once_count_each_record_once(database: Database, opening: Opening) -> None:
    for seed in range(4):
        await file_uses_in(database, some_uses(60, seed), seed)
    others = [await opening() for _ in range(3)]
    await asyncio.gather(*[Rollup(each, step_records=9).catch_up() for each in (database, *others)])
    for other in others:
        await other.close()
    assert await summed(database) == await reckoned(database)


async def test_it_is_made_anew_from_the_ledger(database: Database) -> None:
    await file_uses_in(database, some_uses(50))
    rollup = Rollup(database)
    await rollup.catch_up()
    async with database.writing() as connection:  # what nobody should do
        await connection.execute(USAGE_HOURS.update().values(requests=9))
    await rollup.rebuild()
    assert await summed(database) == await reckoned(database)


async def test_an_end_that_another_run_wrote_counts_for_who_asked(database: Database) -> None:
    made = Uses()
    admitted, attempted, unknown = made.bodies(Use(outcome="unknown", user="eve"))
    await file_bodies_in(database, [admitted, attempted], made.records)
    await Rollup(database).catch_up()
    assert await summed(database) == {}
    await file_bodies_in(database, [unknown], made.records)
    await Rollup(database).catch_up()
    ((key, sums),) = (await summed(database)).items()
    assert key[2] == "eve"
    assert (sums["requests"], sums["failed"], sums["unpriced"]) == (1, 1, 1)


async def test_the_strange_things_a_client_may_name_do_not_stop_it(database: Database) -> None:
    denied = [Use(outcome="denied", model=each) for each in ("nul\0 \\u0000 \u2028", "ü" * 600)]
    await file_uses_in(database, [*denied, Use(usage=Usage(2**53 - 1))])
    await Rollup(database).catch_up()
    found = await summed(database)
    assert {key[4] for key in found} >= {"coder", "ü" * 128}
    assert len(found) == 3
    assert sum(each["input_tokens"] for each in found.values()) == 2**53 - 1


async def test_it_is_kept_once_somebody_has_asked(database: Database) -> None:
    await file_uses_in(database, [Use()])
    rollup = Rollup(database)
    assert not await rollup.is_kept()
    await rollup.catch_up()
    assert await rollup.is_kept()


async def test_the_ledgers_writer_finds_the_lock_free_between_steps(database: Database) -> None:
    await file_uses_in(database, some_uses(20))
    written: list[int] = []

    async def write_in_between(seconds: float) -> None:
        assert seconds > 0
        await file_uses_in(database, [Use()], seed=100 + len(written))
        written.append(1)

    await Rollup(database, step_records=10, sleep=write_in_between).catch_up()
    assert len(written) >= 3


async def test_an_hour_holds_what_ended_in_it(database: Database) -> None:
    times = (NOON - 1, NOON, NOON + HOUR - 1, NOON + HOUR)
    await file_uses_in(database, [Use(unix_seconds=each) for each in times])
    await Rollup(database).catch_up()
    found = {key[0]: sums["requests"] for key, sums in (await summed(database)).items()}
    assert found == {NOON - HOUR: 1, NOON: 2, NOON + HOUR: 1}


async def test_an_end_that_came_late_takes_the_place_of_the_estimate_and_is_no_request(
    postgres_url: str,
) -> None:
    address, made = DatabaseAddress.read(postgres_url), Uses()
    admitted, attempted, completed = made.bodies(Use(cost_nano_usd=7))
    attempted["expected"] = {"input_tokens": 90, "output_tokens": 9, "cost_nano_usd": 5}
    database = await open_store(Path(), address)
    lane = PostgresLane(address, "01TESTLANE0000000000000000", opened_unix_us=1)
    opened = OpenExchanges()
    batch = Batch(await lane.open(()), opened)
    batch.add(admitted)
    batch.add(attempted)
    await lane.write(batch.rows, None, 5.0)
    opened.note_durable(admitted)
    assert await Lanes(database, made.records).end("01TESTLANE0000000000000000", 1) == 1
    rollup = Rollup(database)
    await rollup.catch_up()
    ((estimate, sums),) = (await summed(database)).items()
    assert (sums["requests"], sums["cost_nano_usd"], sums["output_tokens"]) == (1, 5, 9)
    batch = Batch(batch.head, opened)
    batch.add(completed)
    await lane.write(batch.rows, None, 5.0)
    await lane.close()
    await rollup.catch_up()
    found = await summed(database)
    await database.close()
    (told,) = found.keys() - {estimate}
    assert told[-1] == "house/qwen3-coder"
    assert [found[estimate][name] for name in ("requests", "cost_nano_usd")] == [1, 0]
    assert [found[told][name] for name in ("requests", "cost_nano_usd")] == [0, 7]
    assert found[told]["output_tokens"] == completed["usage"]["output_tokens"]
