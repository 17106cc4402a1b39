"""What was used is told by whatever is asked for, and the parts always make the whole."""

from collections.abc import Iterable
from dataclasses import fields
from itertools import combinations

import pytest

from gateway.store.database import Database
from gateway.store.rollup import Rollup
from gateway.store.usage import UsageBook
from gateway.usage import Asked, Dimension, Place, UsageRow, Used
from tests.fakes.used import DAY, HOUR, NOON, Use, file_uses_in, some_uses

ALL = (NOON - 30 * DAY, NOON + 30 * DAY)


async def book_of(database: Database, uses: Iterable[Use]) -> UsageBook:
    await file_uses_in(database, uses)
    await Rollup(database).catch_up()
    return UsageBook(database)


def added(rows: Iterable[UsageRow]) -> Used:
    found = list(rows)
    return Used(*[sum(getattr(row.used, each.name) for row in found) for each in fields(Used)])


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_the_parts_make_the_whole(database: Database, count: int) -> None:
    book = await book_of(database, some_uses(120))
    total = await book.total(Asked(*ALL))
    assert total.requests == 120
    for by in combinations(Dimension, count):
        assert added(await book.largest(Asked(*ALL, by), None)) == total


async def test_the_dearest_comes_first(database: Database) -> None:
    uses = [Use(team="a", cost_nano_usd=5), Use(team="b", cost_nano_usd=9), Use(team="c")]
    book = await book_of(database, uses)
    rows = await book.largest(Asked(*ALL, (Dimension.TEAM,)), 2)
    assert [(row.group["team"], row.used.cost_nano_usd) for row in rows] == [
        ("c", 1_500_000_000),
        ("b", 9),
    ]


async def test_days_come_in_their_order(database: Database) -> None:
    days = [Use(unix_seconds=NOON + 2 * DAY, cost_nano_usd=9), Use(cost_nano_usd=1), Use()]
    book = await book_of(database, days)
    rows = await book.largest(Asked(*ALL, (Dimension.DAY,)), None)
    assert [row.group["day"] for row in rows] == ["2026-09-22", "2026-09-24"]


async def test_a_person_and_a_service_of_one_name_are_two(database: Database) -> None:
    book = await book_of(database, [Use(user="ci"), Use(user="ci", is_service=True)])
    rows = await book.largest(Asked(*ALL, (Dimension.USER,)), None)
    assert [row.group for row in rows] == [
        {"user": "ci", "kind": "person"},
        {"user": "ci", "kind": "service"},
    ]


async def test_what_no_target_answered_has_no_vendor(database: Database) -> None:
    book = await book_of(database, [Use(), Use(outcome="denied"), Use(target="openai/gpt/5")])
    rows = await book.by_name(Asked(*ALL, (Dimension.VENDOR,)), 10, None)
    assert [row.group["vendor"] for row in rows] == [None, "house", "openai"]


@pytest.mark.parametrize(
    ("wanted", "requests"),
    [
        ({"team": "a"}, 2),
        ({"user": "ann"}, 2),
        ({"model": "small"}, 1),
        ({"assistant": "aider"}, 1),
        ({"vendor": "openai"}, 1),
        ({"team": "a", "vendor": "house"}, 1),
        ({"team": "nobody"}, 0),
    ],
)
async def test_only_what_was_asked_about_counts(
    database: Database, wanted: dict[str, str], requests: int
) -> None:
    uses = [
        Use(team="a", target="openai/gpt"),
        Use(team="a", user="bob", model="small"),
        Use(team="b", assistant="aider"),
    ]
    book = await book_of(database, uses)
    assert (await book.total(Asked(*ALL, **wanted))).requests == requests


async def test_the_end_of_a_time_is_left_out(database: Database) -> None:
    book = await book_of(database, [Use(unix_seconds=each) for each in (NOON, NOON + HOUR)])
    assert (await book.total(Asked(NOON, NOON + HOUR))).requests == 1


@pytest.mark.parametrize("by", [*[(each,) for each in Dimension], tuple(Dimension)])
async def test_pages_hold_every_group_once(database: Database, by: tuple[Dimension, ...]) -> None:
    book = await book_of(database, some_uses(80))
    asked = Asked(*ALL, by)
    found: list[UsageRow] = []
    after: Place | None = None
    while page := await book.by_name(asked, 3, after):
        found += page
        after = page[-1].place
    largest = await book.largest(asked, None)
    assert sorted(found, key=str) == sorted(largest, key=str)


async def test_nothing_used_is_nothing(database: Database) -> None:
    book = UsageBook(database)
    assert await book.total(Asked(*ALL)) == Used()
    assert list(await book.largest(Asked(*ALL, (Dimension.TEAM,)), None)) == []
