"""What passed because of an exception is counted, by whom and for what."""

from msgspec.structs import replace

from gateway.store.passed import Passed, passed_under
from tests.fakes.ledger import ALLOW, LedgerFolder, a_ledger_in, a_story

ONE, OTHER = "bg_" + "a" * 12, "bg_" + "b" * 12

LATER = 1 << 60


async def admit(folder: LedgerFolder, model: str, *exceptions: str) -> None:
    story = a_story(folder.records, model=model)
    allow = replace(ALLOW, exceptions=exceptions)
    await folder.write(folder.records.admitted(story.exchange, allow))


async def test_requests_are_counted_by_model_most_first(tmp_path, address):
    async with a_ledger_in(tmp_path, address=address) as folder:
        await admit(folder, "small", ONE)
        for _ in range(3):
            await admit(folder, "coder", OTHER, ONE)
        await admit(folder, "coder", OTHER)
        await admit(folder, "coder")
        assert await passed_under(folder.database, ONE, 0, LATER) == [
            Passed("web", "ann", "coder", 3),
            Passed("web", "ann", "small", 1),
        ]


async def test_what_was_before_or_after_is_left_out(tmp_path, address):
    async with a_ledger_in(tmp_path, address=address) as folder:
        await admit(folder, "coder", ONE)
        (row,) = await folder.ledger.newest(1)
        assert await passed_under(folder.database, ONE, row.time_unix_us + 1, LATER) == []
        assert await passed_under(folder.database, ONE, 0, row.time_unix_us - 1) == []


async def test_a_wildcard_is_no_id(tmp_path, address):
    async with a_ledger_in(tmp_path, address=address) as folder:
        await admit(folder, "coder", ONE)
        assert await passed_under(folder.database, "bg_%", 0, LATER) == []
        assert await passed_under(folder.database, "_" * 15, 0, LATER) == []
