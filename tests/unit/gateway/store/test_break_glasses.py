"""Exceptions are kept, change once, end once, and every change of one is in the ledger with it."""

import asyncio

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.audit.chain import ChainHead, find_breaks
from gateway.store.break_glasses import BreakGlasses, BreakGlassNotFound, BreakGlassStands
from gateway.store.changes import Actor
from gateway.store.database import Database
from gateway.store.ledger import Ledger
from policy.break_glass import Lifts
from policy.rulebook.document import MatchDocument
from tests.fakes.break_glass import ANNA, BEN, PROPOSED_US, SECOND_US, a_stored_glass

LATER_US = PROPOSED_US + 60 * SECOND_US
OVER_US = PROPOSED_US + 7200 * SECOND_US
ONE = a_stored_glass().id


@pytest.fixture
def glasses(database: Database) -> BreakGlasses:
    return BreakGlasses(database)


async def kinds(database: Database) -> list[str]:
    return [row.kind.removeprefix("break_glass_") for row in await Ledger(database).newest(50)]


async def test_an_exception_is_kept_as_it_was_opened(glasses, database):
    everything = a_stored_glass(
        lifts=Lifts(("a", "b"), ("deepseek",), ("codex",), 5),
        match=MatchDocument(
            teams=("web",), users=("ann",), assistants=("codex < 2",), models=("*",)
        ),
        proposed_by=Actor.os_user("root"),
    )
    await glasses.begin(everything)
    assert await glasses.find(ONE) == everything
    assert await kinds(database) == ["opened"]


async def test_exceptions_are_listed_oldest_first(glasses):
    await glasses.begin(a_stored_glass(2, proposed_unix_us=LATER_US))
    await glasses.begin(a_stored_glass(3))
    assert [each.id[-1] for each in await glasses.list()] == ["3", "2"]


async def test_a_proposal_is_open_from_the_moment_it_is_approved(glasses, database):
    await glasses.begin(a_stored_glass(is_open=False))
    assert await glasses.not_over() == []
    opened = await glasses.approve(ONE, BEN, LATER_US)
    assert (opened.opened_unix_us, opened.approved_by) == (LATER_US, BEN)
    assert opened.until_unix_us == LATER_US // SECOND_US * SECOND_US + 7200 * SECOND_US
    assert await glasses.not_over() == [opened]
    assert await kinds(database) == ["proposed", "approved", "opened"]


@pytest.mark.parametrize("now_us", [LATER_US, OVER_US])
async def test_what_is_open_or_over_is_not_approved(glasses, database, now_us):
    await glasses.begin(a_stored_glass())
    with pytest.raises(BreakGlassStands, match="there is nothing to approve"):
        await glasses.approve(ONE, BEN, now_us)
    assert await kinds(database) == ["opened"]


async def test_a_proposal_that_waited_too_long_is_not_approved(glasses):
    await glasses.begin(a_stored_glass(is_open=False))
    with pytest.raises(BreakGlassStands, match="is lapsed"):
        await glasses.approve(ONE, BEN, PROPOSED_US + 24 * 3600 * SECOND_US)


@pytest.mark.parametrize("is_open", [True, False])
async def test_one_that_is_closed_is_open_no_more(glasses, database, is_open):
    await glasses.begin(a_stored_glass(is_open=is_open))
    closed = await glasses.close(ONE, BEN, LATER_US)
    assert (closed.closed_by, closed.closed_unix_us) == (BEN, LATER_US)
    assert await glasses.not_over() == []
    assert (await kinds(database))[-1] == "closed"


async def test_it_is_closed_once(glasses):
    await glasses.begin(a_stored_glass())
    await glasses.close(ONE, BEN, LATER_US)
    with pytest.raises(BreakGlassStands, match="is closed already"):
        await glasses.close(ONE, ANNA, LATER_US + 1)


async def test_one_whose_time_is_over_is_not_closed(glasses):
    await glasses.begin(a_stored_glass())
    with pytest.raises(BreakGlassStands, match="is ended already"):
        await glasses.close(ONE, BEN, OVER_US)


async def test_its_end_is_recorded_once_whoever_notices(glasses, database):
    await glasses.begin(a_stored_glass())
    await glasses.begin(a_stored_glass(2, is_open=False))
    assert await glasses.end_due(LATER_US) == 0
    ended = await asyncio.gather(*(glasses.end_due(OVER_US) for _ in range(4)))
    assert sum(ended) == 1
    assert (await glasses.find(ONE)).ended_unix_us == OVER_US
    assert await kinds(database) == ["opened", "proposed", "ended"]


async def test_one_that_was_closed_does_not_end_again(glasses):
    await glasses.begin(a_stored_glass())
    await glasses.close(ONE, BEN, LATER_US)
    assert await glasses.end_due(OVER_US) == 0


async def test_a_refused_attempt_is_recorded_and_changes_nothing(glasses, database):
    await glasses.begin(a_stored_glass(is_open=False))
    await glasses.refuse(a_stored_glass(), "approve", "it takes another person", ANNA, LATER_US)
    assert await glasses.find(ONE) == a_stored_glass(is_open=False)
    assert await kinds(database) == ["proposed", "refused"]


async def test_all_that_became_of_one_is_found_by_its_id_and_is_one_chain(glasses, database):
    await glasses.begin(a_stored_glass(is_open=False))
    await glasses.approve(ONE, BEN, LATER_US)
    await glasses.end_due(OVER_US + 60 * SECOND_US)
    ledger = Ledger(database)
    rows = await ledger.exchange(ONE.upper())
    assert [row.kind[12:] for row in rows] == ["proposed", "approved", "opened", "ended"]
    (lane,) = await ledger.lanes()
    chain = await ledger.chain(lane, after_seq=0, limit=10)
    assert len(chain) == 4
    assert find_breaks(ChainHead.of_new(lane), chain) == []


async def test_an_exception_that_cannot_be_kept_leaves_no_record(glasses, database):
    await glasses.begin(a_stored_glass())
    with pytest.raises(IntegrityError):
        await glasses.begin(a_stored_glass())
    assert await kinds(database) == ["opened"]


@pytest.mark.parametrize("glass_id", ["", "bg_nobody", "%", "' OR 1=1--"])
async def test_an_id_that_is_none_is_not_found(glasses, glass_id):
    await glasses.begin(a_stored_glass())
    with pytest.raises(BreakGlassNotFound):
        await glasses.approve(glass_id, BEN, LATER_US)
    with pytest.raises(BreakGlassNotFound):
        await glasses.close(glass_id, BEN, LATER_US)
