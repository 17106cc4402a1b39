"""The revision grows by one with each change, whoever makes it."""

from gateway.store.revision import newest_revision, next_revision


async def test_each_change_has_the_next_number(database):
    async with database.writing() as connection:
        first = await next_revision(connection)
        assert await next_revision(connection) == first + 1
    async with database.reading() as connection:
        assert await newest_revision(connection) == first + 1


async def test_a_change_that_fails_takes_no_number(database):
    async with database.reading() as connection:
        before = await newest_revision(connection)
    try:
        async with database.writing() as connection:
            await next_revision(connection)
            raise KeyError
    except KeyError:
        pass
    async with database.reading() as connection:
        assert await newest_revision(connection) == before
