"""An exception is opened by whom it may be, with a second person where that is configured."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.acting import Acting
from gateway.break_glass import BreakGlassDesk, BreakGlassRefused, Wanted
from gateway.store.break_glasses import BreakGlasses, BreakGlassNotFound
from gateway.store.changes import Actor
from gateway.store.database import Database, open_database
from gateway.store.ledger import Ledger
from gateway.store.stored_break_glass import BreakGlassState
from gateway.store.stored_key import StoredKey
from policy.break_glass import BreakGlassTerms, Lifts
from policy.rulebook.document import MatchDocument
from tests.fakes.break_glass import PROPOSED_US

ONE, TWO = BreakGlassTerms(7200, 1), BreakGlassTerms(7200, 2)
ROOT = Acting(Actor.os_user("root"))


def somebody(name: str, *roles: str, is_service: bool = False) -> Acting:
    having = frozenset(roles or {"security"})
    key = StoredKey(f"key_{name}", "wxyz", "web", name, having, 1, is_service=is_service)
    return Acting(Actor.caller(key.identity), key)


ANNA, BEN = somebody("anna"), somebody("ben")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_database(tmp_path)
    yield opened
    await opened.close()


def a_desk(database: Database, terms: BreakGlassTerms) -> BreakGlassDesk:
    return BreakGlassDesk(BreakGlasses(database), terms, lambda: PROPOSED_US, os.urandom)


def wanted(seconds: int = 7200) -> Wanted:
    return Wanted("the model is down", Lifts(("r",)), MatchDocument(teams=("web",)), seconds)


async def kinds(database: Database) -> list[str]:
    return [row.kind.removeprefix("break_glass_") for row in await Ledger(database).newest(50)]


@pytest.mark.parametrize("by", [ROOT, ANNA, somebody("paul", "platform")])
async def test_one_person_is_enough_unless_it_takes_two(database, by):
    opened = await a_desk(database, ONE).open(wanted(), by)
    assert opened.state(PROPOSED_US) is BreakGlassState.OPEN
    assert opened.proposed_by == by.actor
    assert await kinds(database) == ["opened"]


@pytest.mark.parametrize("by", [somebody("dev", "developer"), somebody("eve", "auditor")])
async def test_who_may_not_open_it_is_refused_and_recorded(database, by):
    desk = a_desk(database, ONE)
    with pytest.raises(BreakGlassRefused, match="this takes one of: admin, platform, security"):
        await desk.open(wanted(), by)
    (row,) = await Ledger(database).newest(5)
    assert row.body["actor"] == by.actor.told()
    assert (row.kind, row.body["attempt"]) == ("break_glass_refused", "open")
    assert await desk.glasses.list() == []


async def test_longer_than_configured_is_refused(database):
    with pytest.raises(BreakGlassRefused, match="open 2 hours at most"):
        await a_desk(database, ONE).open(wanted(7201), ANNA)


async def test_where_it_takes_two_it_waits_for_another_person(database):
    desk = a_desk(database, TWO)
    proposed = await desk.open(wanted(), ANNA)
    assert proposed.state(PROPOSED_US) is BreakGlassState.PROPOSED
    opened = await desk.approve(proposed.id, BEN)
    assert opened.state(PROPOSED_US) is BreakGlassState.OPEN
    assert (opened.proposed_by, opened.approved_by) == (ANNA.actor, BEN.actor)
    assert await kinds(database) == ["proposed", "approved", "opened"]


@pytest.mark.parametrize("by", [ROOT, somebody("ci", "platform", is_service=True)])
async def test_where_it_takes_two_nobody_opens_it_without_a_key_of_their_own(database, by):
    with pytest.raises(BreakGlassRefused, match="this takes two people"):
        await a_desk(database, TWO).open(wanted(), by)
    assert await kinds(database) == ["refused"]


@pytest.mark.parametrize(
    ("by", "why"),
    [
        (ANNA, "another person than anna"),
        (ROOT, "give yours with --key"),
        (somebody("paul", "platform"), "this takes one of: admin, security"),
        (somebody("bot", "security", is_service=True), "is a service"),
    ],
)
async def test_it_is_approved_by_nobody_else(database, by, why):
    desk = a_desk(database, TWO)
    proposed = await desk.open(wanted(), ANNA)
    with pytest.raises(BreakGlassRefused, match=why):
        await desk.approve(proposed.id, by)
    assert (await desk.glasses.find(proposed.id)).opened_unix_us is None
    assert await kinds(database) == ["proposed", "refused"]


async def test_what_has_become_too_long_is_not_approved(database):
    proposed = await a_desk(database, TWO).open(wanted(), ANNA)
    with pytest.raises(BreakGlassRefused, match="1 hours at most"):
        await a_desk(database, BreakGlassTerms(3600, 2)).approve(proposed.id, BEN)


@pytest.mark.parametrize("by", [ROOT, ANNA, BEN, somebody("paul", "platform")])
async def test_one_person_is_enough_to_close_it(database, by):
    desk = a_desk(database, TWO)
    proposed = await desk.open(wanted(), ANNA)
    await desk.approve(proposed.id, BEN)
    assert (await desk.close(proposed.id, by)).closed_by == by.actor


async def test_who_may_not_open_one_may_not_close_one(database):
    desk = a_desk(database, ONE)
    opened = await desk.open(wanted(), ANNA)
    with pytest.raises(BreakGlassRefused):
        await desk.close(opened.id, somebody("dev", "developer"))
    assert await kinds(database) == ["opened", "refused"]


@pytest.mark.parametrize("attempt", ["approve", "close"])
@pytest.mark.parametrize("by", [ANNA, somebody("dev", "developer")])
async def test_what_is_not_there_is_neither_approved_nor_closed(database, attempt, by):
    with pytest.raises(BreakGlassNotFound):
        await getattr(a_desk(database, ONE), attempt)("bg_nothing", by)
    assert await kinds(database) == []
