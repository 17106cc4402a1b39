"""Everybody who has a key or has asked is found, once, whichever of the two it was."""

import pytest

from gateway.store.changes import Actor
from gateway.store.database import Database
from gateway.store.keys import Keys
from gateway.store.people import Name, People, Person
from gateway.store.rollup import Rollup
from tests.fakes.used import HOUR, NOON, Use, file_uses_in
from tests.unit.gateway.store.test_keys import a_key

NOW_US = 1_000_000
ANNA = Actor.os_user("anna")


async def made(database: Database, number: int, **changes: object) -> None:
    await Keys(database).create(a_key(number, **changes), bytes([number]) * 32, ANNA)


@pytest.fixture
async def people(database: Database) -> People:
    await made(database, 1, subject="ann", team="web")
    await made(database, 2, subject="ann", team="data", expires_unix_us=NOW_US - 1)
    await made(database, 3, subject="ann", team="web", revoked_unix_us=5)
    await made(database, 4, subject="ci", team="web", is_service=True)
    uses = [
        Use(user="bob", team="data"),
        Use(user="ann", team="ops", unix_seconds=NOON + HOUR),
        Use(user="ci", team="web"),
    ]
    await file_uses_in(database, uses)
    await Rollup(database).catch_up()
    return People(database)


ANN = Person("ann", False, ("data", "ops", "web"), 3, 1, NOON + HOUR)
BOB = Person("bob", False, ("data",), 0, 0, NOON)
CI_PERSON = Person("ci", False, ("web",), 0, 0, NOON)
CI_SERVICE = Person("ci", True, ("web",), 1, 1, None)


async def test_all_are_found_by_name(people: People) -> None:
    assert list(await people.page(NOW_US, 10)) == [ANN, BOB, CI_PERSON, CI_SERVICE]


async def test_pages_hold_everybody_once(people: People) -> None:
    seen: list[Person] = []
    after: Name | None = None
    while page := await people.page(NOW_US, 1, after=after):
        seen += page
        after = (page[-1].subject, page[-1].is_service)
    assert seen == [ANN, BOB, CI_PERSON, CI_SERVICE]


async def test_one_of_them_can_be_asked_about(people: People) -> None:
    assert list(await people.page(NOW_US, 10, subject="bob")) == [BOB]
    assert list(await people.page(NOW_US, 10, subject="nobody")) == []


async def test_a_team_sees_its_own_part_of_each(people: People) -> None:
    data = await people.page(NOW_US, 10, team="data")
    assert list(data) == [Person("ann", False, ("data",), 1, 0, None), BOB]
