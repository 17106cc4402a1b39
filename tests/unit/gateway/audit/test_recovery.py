"""After a start every exchange that was admitted has exactly one end."""

from collections import Counter

import pytest

from gateway.audit.recovery import recover
from gateway.errors import LedgerUnavailable
from tests.fakes.ledger import Clock, LedgerFolder, a_ledger_in, a_story

LATER = 1_790_000_100_000_000


async def ends(folder: LedgerFolder) -> Counter[str]:
    rows, _ = await folder.ledger.after({}, 10_000)
    return Counter(row.exchange_id for row in rows if row.kind in {"completed", "unknown"})


async def recovered(folder: LedgerFolder) -> int:
    return await recover(folder.ledger, folder.writer, folder.records)


async def test_what_was_left_open_is_ended_as_unknown_with_its_attempts(tmp_path):
    async with a_ledger_in(tmp_path) as first:
        done = await first.write_story()
        left = a_story(first.records, team="payments", model="small")
        await first.write(left.admitted(), left.attempted("house/small"))
    async with a_ledger_in(tmp_path, Clock(LATER)) as second:
        assert await recovered(second) == 1
        assert await ends(second) == {done: 1, left.exchange.id: 1}
        (end,) = await second.ledger.newest(1)
    assert (end.kind, end.lane) == ("unknown", second.writer.lane)
    assert end.body["attempts"] == [{"attempt": 1, "target": "house/small"}]
    assert (end.body["team"], end.body["model"]) == ("payments", "small")
    assert end.body["reason"] == "process ended"


async def test_recovering_again_changes_nothing(tmp_path):
    async with a_ledger_in(tmp_path) as first:
        left = a_story(first.records)
        await first.write(left.admitted())
    async with a_ledger_in(tmp_path, Clock(LATER)) as second:
        await recovered(second)
        assert await recovered(second) == 0
    async with a_ledger_in(tmp_path, Clock(2 * LATER)) as third:
        assert await recovered(third) == 0
        assert await ends(third) == {left.exchange.id: 1}


async def test_more_than_a_page_is_recovered(tmp_path):
    async with a_ledger_in(tmp_path) as first:
        await first.write(*[a_story(first.records).admitted() for _ in range(1203)])
    async with a_ledger_in(tmp_path, Clock(LATER)) as second:
        assert await recovered(second) == 1203
        assert set((await ends(second)).values()) == {1}


async def test_a_recovery_cut_short_is_finished_by_the_next(tmp_path):
    async with a_ledger_in(tmp_path) as first:
        await first.write(*[a_story(first.records).admitted() for _ in range(3)])
    async with a_ledger_in(tmp_path, Clock(LATER)) as second:
        (lost, *_) = await second.ledger.open_exchanges(1, but_lane=second.writer.lane)
        await second.write(second.records.unknown(lost))
    async with a_ledger_in(tmp_path, Clock(2 * LATER)) as third:
        assert await recovered(third) == 2
        assert sorted((await ends(third)).values()) == [1, 1, 1]


async def test_our_own_exchanges_are_left_alone(tmp_path):
    async with a_ledger_in(tmp_path) as folder:
        running = a_story(folder.records)
        await folder.write(running.admitted())
        assert await recovered(folder) == 0
        await folder.write(running.completed())
        assert await ends(folder) == {running.exchange.id: 1}


async def test_a_ledger_that_takes_nothing_stops_the_start(tmp_path):
    async with a_ledger_in(tmp_path) as first:
        await first.write(a_story(first.records).admitted())
    async with a_ledger_in(tmp_path, Clock(LATER)) as second:
        await second.writer.close()
        with pytest.raises(LedgerUnavailable):
            await recovered(second)
