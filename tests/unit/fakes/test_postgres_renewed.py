"""A database that a test has used looks new to the next one, or is not handed on."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.fakes.postgres import PostgresServer, execute
from tests.fakes.postgres_renewed import SEQUENCES, TABLES, Databases


@pytest.fixture
def databases(postgres: PostgresServer, postgres_template: str) -> Databases:
    """Of this test's own, so that it knows which one comes next."""
    return Databases(postgres, postgres_template)


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    url = asyncio.run(databases.take())
    yield url
    asyncio.run(databases.server.drop_database(url))


LANE = "INSERT INTO audit_lane (lane, opened_unix_us, settled_seq) VALUES ('l', 1, 0)"


async def contents(url: str) -> dict[str, object]:
    rows = {
        table: await execute(url, f'SELECT json_agg(each) FROM "{table}" AS each')
        for [table] in await execute(url, TABLES)
    }
    return {**rows, "sequences": await execute(url, SEQUENCES)}


async def test_rows_and_numbers_are_those_of_a_new_one(databases, url):
    as_new = await contents(url)
    await execute(url, "UPDATE key_revision SET revision = revision + 7")
    await execute(url, "SELECT nextval('configuration_order_number_seq')")
    await execute(url, LANE)
    assert await contents(url) != as_new
    await databases.give_back(url)
    assert await databases.take() == url
    assert await contents(url) == as_new


async def test_one_that_was_reshaped_is_removed(databases):
    url = await databases.take()
    await execute(url, "ALTER TABLE key_revision ADD COLUMN odd INTEGER")
    await databases.give_back(url)
    assert await databases.take() != url


async def test_one_that_lost_a_table_is_removed(databases):
    url = await databases.take()
    await execute(url, "DROP TABLE key_revision")
    await databases.give_back(url)
    assert await databases.take() != url
