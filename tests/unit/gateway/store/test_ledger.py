"""What was recorded is found again: newest, by what it says, by its id, and past a position."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.continuation import Origin
from gateway.database_address import DatabaseAddress
from gateway.errors import LedgerUnavailable
from gateway.store.database import open_store
from gateway.store.ledger import AmbiguousAuditId, ExchangeNotFound, Ledger, Search
from tests.fakes.ledger import ALLOW, Clock, LedgerFolder, a_ledger_in, a_story, some_facts
from tests.fakes.postgres import own_server

CLOCK_START = 1_790_000_000_000_000


@pytest.fixture
async def folder(tmp_path: Path, address: DatabaseAddress | None) -> AsyncIterator[LedgerFolder]:
    async with a_ledger_in(tmp_path, Clock(CLOCK_START), address) as opened:
        yield opened


async def test_the_newest_records_come_in_the_order_they_were_written(folder):
    ids = [await folder.write_story() for _ in range(5)]
    found = await folder.ledger.newest(4)
    assert [row.kind for row in found] == ["completed", "admitted", "attempted", "completed"]
    assert [row.exchange_id for row in found] == [ids[3], *[ids[4]] * 3]


async def test_a_row_carries_the_record_as_it_was_hashed(folder):
    audit_id = await folder.write_story()
    (row,) = await folder.ledger.newest(1)
    assert row.body["exchange_id"] == audit_id
    assert row.body["outcome"] == "complete"
    assert row.record_hash == (await folder.chain())[-1].record_hash.hex()


@pytest.mark.parametrize(
    ("search", "kinds"),
    [
        (Search(team="web"), ["admitted", "completed"]),
        (Search(subject="ann"), ["admitted", "denied", "admitted"]),
        (Search(model="coder"), ["admitted", "completed", "denied"]),
        (Search(kind="attempted"), ["attempted", "attempted"]),
        (Search(outcome="complete"), ["completed", "completed"]),
        (Search(outcome="model_access"), ["denied"]),
        (Search(team="payments", kind="completed"), ["completed"]),
        (Search(turn_id="5e" * 16, team="lab"), ["denied"]),
        (Search(turn_id="5e5e", kind="completed"), ["completed", "completed"]),
        (Search(turn_id="5f"), []),
        (Search(team="nobody"), []),
    ],
)
async def test_records_are_found_by_what_they_say(folder, search, kinds):
    await folder.write_story(team="web", model="coder")
    await folder.write(a_story(folder.records, team="lab", model="coder").denied())
    await folder.write_story(team="payments", model="small")
    assert [row.kind for row in await folder.ledger.newest(50, search)] == kinds


async def test_exchanges_are_found_by_the_break_glass_they_passed_under(folder):
    ids = [f"bg_{letter * 12}" for letter in "abc"]
    found = []
    for exceptions in ((ids[0],), (), (ids[1], ids[0])):
        story = a_story(folder.records)
        allow = replace(ALLOW, exceptions=exceptions)
        await folder.write(folder.records.admitted(story.exchange, allow))
        found.append(story.exchange.id)
    under = await folder.ledger.newest(50, Search(exception=ids[0]))
    assert [row.exchange_id for row in under] == [found[0], found[2]]
    assert await folder.ledger.newest(50, Search(exception=ids[2])) == []


async def test_a_tools_name_cannot_stand_in_for_a_break_glass(folder):
    story, other = a_story(folder.records), "bg_" + "z" * 12
    hostile = (other, f'x","exceptions":["{other}"')
    story.exchange.facts = some_facts(tool_names=hostile)
    allow = replace(ALLOW, exceptions=("bg_" + "a" * 12,))
    await folder.write(folder.records.admitted(story.exchange, allow))
    assert await folder.ledger.newest(50, Search(exception=other)) == []


@pytest.mark.parametrize("hostile", ["' OR 1=1--", "%", "_" * 1000, "web\x00", "*", "🦊"])
@pytest.mark.parametrize(
    "field", ["team", "subject", "model", "kind", "outcome", "turn_id", "exception"]
)
async def test_hostile_words_find_nothing(folder, field, hostile):
    await folder.write_story()
    assert await folder.ledger.newest(50, Search(**{field: hostile})) == []


async def test_a_span_of_time_holds_its_beginning_and_not_its_end(folder):
    await folder.write_story()
    times = [row.time_unix_us for row in await folder.ledger.newest(3)]
    span = Search(since_unix_us=times[0], until_unix_us=times[2])
    assert [row.time_unix_us for row in await folder.ledger.newest(3, span)] == times[:2]


async def test_an_exchange_is_shown_whole_and_in_order(folder):
    audit_id = await folder.write_story()
    await folder.write_story()
    found = await folder.ledger.exchange(audit_id)
    assert [row.kind for row in found] == ["admitted", "attempted", "completed"]


async def test_an_exchange_is_found_by_an_unambiguous_beginning_in_any_case(folder):
    audit_id = await folder.write_story()
    found = await folder.ledger.exchange(audit_id[3:20].lower())
    assert {row.exchange_id for row in found} == {audit_id}


async def test_a_beginning_of_several_ids_names_them(folder):
    ids = {await folder.write_story() for _ in range(2)}
    with pytest.raises(AmbiguousAuditId) as refused:
        await folder.ledger.exchange("gh-0")
    assert set(refused.value.candidates) == ids


@pytest.mark.parametrize("audit_id", ["gh-ZZZZ", "' OR 1=1--", "%", "gh_0", "gh-\x00"])
async def test_an_id_nobody_was_given_is_not_found(folder, audit_id):
    await folder.write_story()
    with pytest.raises(ExchangeNotFound):
        await folder.ledger.exchange(audit_id)


async def test_following_gives_each_record_once(folder):
    await folder.write_story()
    position = await folder.ledger.end()
    await folder.write_story()
    await folder.write_story()
    first, position = await folder.ledger.after(position, limit=4)
    second, position = await folder.ledger.after(position, limit=4)
    third, _ = await folder.ledger.after(position, limit=4)
    kinds = [row.kind for row in first + second + third]
    assert kinds == ["admitted", "attempted", "completed"] * 2


async def test_following_from_nowhere_begins_at_the_first_record(folder):
    await folder.write_story()
    found, _ = await folder.ledger.after({}, limit=100)
    assert [row.seq for row in found] == [1, 2, 3]


async def test_following_with_a_search_passes_over_the_rest_for_good(folder):
    await folder.write_story(team="web")
    wanted = Search(team="payments")
    found, position = await folder.ledger.after({}, 100, wanted)
    assert found == []
    assert position == await folder.ledger.end()
    await folder.write_story(team="payments")
    found, _ = await folder.ledger.after(position, 100, wanted)
    assert [row.kind for row in found] == ["admitted", "completed"]


async def test_following_goes_on_in_the_lane_of_the_next_process(tmp_path, address):
    async with a_ledger_in(tmp_path, Clock(2_000_000), address) as first:
        await first.write_story()
        position = await first.ledger.end()
    async with a_ledger_in(tmp_path, Clock(1_000_000), address) as second:  # its clock was set back
        audit_id = await second.write_story()
        found, _ = await second.ledger.after(position, 100)
    assert {row.exchange_id for row in found} == {audit_id}


async def test_a_sink_takes_each_record_and_its_cursor_does_not_move_back(folder):
    await folder.write_story()
    ledger = folder.ledger
    first = await ledger.pending("otlp", 2)
    await ledger.advance("otlp", first)
    rest = await ledger.pending("otlp", 10)
    assert [row.seq for row in first + rest] == [1, 2, 3]
    await ledger.advance("otlp", rest)
    await ledger.advance("otlp", first)
    assert await ledger.pending("otlp", 10) == []


async def test_sinks_do_not_share_a_cursor(folder):
    await folder.write_story()
    await folder.ledger.advance("otlp", await folder.ledger.pending("otlp", 10))
    assert len(await folder.ledger.pending("archive", 10)) == 3


async def test_a_sink_misses_no_lane_even_when_a_clock_was_set_back(tmp_path, address):
    async with a_ledger_in(tmp_path, Clock(2_000_000), address) as first:
        await first.write_story()
        await first.ledger.advance("otlp", await first.ledger.pending("otlp", 10))
    async with a_ledger_in(tmp_path, Clock(1_000_000), address) as second:
        await second.write_story()
        assert len(await second.ledger.pending("otlp", 10)) == 3
        assert await second.ledger.lanes() == [second.writer.lane, first.writer.lane]


async def test_an_answers_origin_is_found_by_its_id_also_after_a_restart(folder, tmp_path, address):
    await folder.write_story(team="web", response_id="resp_1")
    async with a_ledger_in(tmp_path, address=address) as later:
        found = await later.ledger.origin_of("resp_1")
    assert found == Origin("ann", "web", "house/qwen3-coder", kept_tokens=100 + 20 + 3 + 2 + 50)


@pytest.mark.parametrize("unknown", ["resp_2", "chatcmpl-1", "", "' OR 1=1--", "%", "resp_1\x00"])
async def test_an_answer_nobody_was_given_has_no_origin(folder, unknown):
    await folder.write_story(response_id="resp_1")
    await folder.write_story(response_id="chatcmpl-1")
    assert await folder.ledger.origin_of(unknown) is None


async def test_of_two_answers_with_one_id_the_newer_counts(folder):
    await folder.write_story(team="web", response_id="resp_1")
    await folder.write_story(team="lab", response_id="resp_1")
    found = await folder.ledger.origin_of("resp_1")
    assert found is not None
    assert found.team == "lab"


async def test_an_answer_that_cannot_be_looked_up_is_no_answer_of_nobodys():
    with own_server() as own:
        address = DatabaseAddress.read(await own.server.new_database())
        database = await open_store(Path(), address)
        await own.stop()
        with pytest.raises(LedgerUnavailable, match="cannot be looked up now"):
            await Ledger(database).origin_of("resp_1")
        await database.close()
