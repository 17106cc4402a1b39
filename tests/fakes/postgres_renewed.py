"""Databases of PostgreSQL handed from test to test: making one anew takes ten times as long as
emptying it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from tests.fakes.postgres import PostgresServer

Connection = asyncpg.Connection

TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"
HANG_UP = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
SHAPE = """
SELECT md5(string_agg(part, ',' ORDER BY part)) AS shape FROM (
    SELECT concat_ws(':', relname, relkind, relacl, attname, atttypid::regtype, attnotnull) AS part
    FROM pg_class LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(':', tgname, tgenabled, tgrelid::regclass) FROM pg_trigger
    WHERE NOT tgisinternal
    UNION ALL SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'
    UNION ALL SELECT concat_ws(':', datacl, datallowconn, datconnlimit, setconfig)
    FROM pg_database LEFT JOIN pg_db_role_setting ON setdatabase = pg_database.oid
    WHERE datname = current_database()
) AS parts
"""


@dataclass
class Databases:
    """Databases like the template, for one process. What a test has reshaped is not used again."""

    server: PostgresServer
    template: str
    _free: list[str] = field(default_factory=list)
    _shape: str = ""
    _renewal: str = ""

    async def take(self) -> str:
        """The address of a database that looks new."""
        if self._free:
            return self._free.pop()
        url = await self.server.new_database(self.template)
        if not self._renewal:
            async with _connected(url) as database:
                self._shape = await _shape(database)
                self._renewal = await _renewal(database)
        return url

    async def give_back(self, url: str) -> None:
        """Hang up on whoever still uses it, and make it look new, or remove it."""
        try:
            async with _connected(url) as database:
                await database.execute(HANG_UP)
                await database.execute(self._renewal)
                is_as_it_was = await _shape(database) == self._shape
        except asyncpg.PostgresError:  # a table is gone, or nobody may connect any more
            is_as_it_was = False
        if is_as_it_was:
            self._free.append(url)
        else:
            await self.server.drop_database(url)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def _shape(database: Connection) -> str:
    return str(await database.fetchval(SHAPE))


async def _renewal(database: Connection) -> str:
    """What brings the rows and the numbers of a used database back to those of this new one."""
    steps = ["SET LOCAL session_replication_role = replica"]  # the ledger's tables refuse deletion
    for [table] in await database.fetch(TABLES):
        rows = await database.fetchval(f'SELECT json_agg(each) FROM "{table}" AS each')
        steps.append(f'DELETE FROM "{table}"')
        if rows is not None:
            steps.append(
                f'INSERT INTO "{table}" OVERRIDING SYSTEM VALUE'
                f' SELECT * FROM json_populate_recordset(NULL::"{table}", $rows${rows}$rows$)'
            )
    for name, last in await database.fetch(SEQUENCES):
        steps.append(f"PERFORM setval('\"{name}\"', {last or 1}, {'true' if last else 'false'})")
    return "DO $renewal$ BEGIN " + "; ".join(steps) + "; END $renewal$"
