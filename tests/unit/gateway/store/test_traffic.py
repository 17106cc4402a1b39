"""Every record of a request or its end comes once, in the order of time, whatever the pages."""

import pytest

from gateway.audit.record import RecordBody
from gateway.store.changes import Actor
from gateway.store.keys import Keys
from gateway.store.traffic import TrafficRow, traffic
from tests.fakes.ledger import a_ledger_in
from tests.unit.gateway.store.test_keys import a_key

EVER = 2**62


async def rows(folder, since: int = 0, until: int = EVER, **options) -> list[TrafficRow]:
    pages = traffic(folder.database, since, until, **options)
    return [row async for page in pages for row in page]


@pytest.mark.parametrize("page_records", [1, 2, 3, 1000])
async def test_pages_hold_all_records_of_exchanges_once(tmp_path, page_records):
    async with a_ledger_in(tmp_path) as folder:
        stories = [await folder.write_story() for _ in range(4)]
        await Keys(folder.database).create(a_key(), b"d" * 32, Actor.os_user("anna"))
        found = await rows(folder, page_records=page_records)
    assert [(row.exchange_id, row.kind) for row in found] == [
        (story, kind) for story in stories for kind in ("admitted", "completed")
    ]
    assert [row.cost_nano_usd for row in found[:2]] == [None, 12_345]


async def test_a_span_holds_its_beginning_and_not_its_end(tmp_path):
    async with a_ledger_in(tmp_path) as folder:
        await folder.write_story()
        bodies: list[RecordBody] = [row.body for row in await folder.ledger.newest(10)]
        first, last = (int(str(bodies[at]["time_unix_us"])) for at in (0, -1))
        assert [row.kind for row in await rows(folder, first, last)] == ["admitted"]
        assert [row.kind for row in await rows(folder, first + 1, last + 1)] == ["completed"]
