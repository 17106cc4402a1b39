"""What is in force is known from its row, also where its files cannot be read any more."""

import pytest
from sqlalchemy import update

from gateway.configuration.orders import OrdersUnavailable, VersionNotFound
from gateway.configuration.stored import StoredConfiguration
from gateway.store.tables import VERSIONS
from gateway.store.version_rows import in_force, reading, state_of, stored_version, writing
from gateway.store.versions import Versions
from tests.fakes.configurations import configured


async def test_before_the_first_start_nothing_is_in_force(database):
    async with reading(database) as connection:
        assert await in_force(connection) is None
        assert (await state_of(connection))["approvers"] == 1


async def test_what_is_in_force_is_read_with_its_files(tmp_path, database):
    first = configured(tmp_path)
    await Versions(database).enter(first)
    async with reading(database) as connection:
        assert await in_force(connection) == first.stored


async def test_a_version_that_is_damaged_is_still_known_by_its_digest(tmp_path, database):
    first = configured(tmp_path)
    await Versions(database).enter(first)
    async with writing(database) as connection:
        await connection.execute(update(VERSIONS).values(files=b"torn"))
        assert await in_force(connection) == StoredConfiguration(first.digest, None, ())
        with pytest.raises(VersionNotFound, match="cannot be read"):
            await stored_version(connection, first.digest)


async def test_a_database_that_fails_is_told_as_away(database):
    for transaction in (reading, writing):
        with pytest.raises(OrdersUnavailable):
            async with transaction(database) as connection:
                await connection.exec_driver_sql("SELECT nothing FROM nowhere")
