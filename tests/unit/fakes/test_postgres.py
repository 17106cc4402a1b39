"""The server of the tests is there for all, apart for each, and gone when nobody is left."""

import asyncio
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from tests.fakes.postgres import (
    ROOT,
    PostgresServer,
    execute,
    migrated_template,
    own_server,
    shared_server,
)

JOIN = """
import sys
from pathlib import Path
from tests.fakes.postgres import shared_server
with shared_server(Path(sys.argv[1])) as server:
    print(server.port, flush=True)
    sys.stdin.read()
"""


def join(folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", JOIN, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


async def answers(server: PostgresServer) -> bool:
    try:
        return [tuple(row) for row in await execute(server.url(), "SELECT 1")] == [(1,)]
    except OSError:
        return False


async def test_each_test_has_a_database_of_its_own(postgres, postgres_url):
    other = await postgres.new_database()
    await execute(postgres_url, "CREATE TABLE mine (n int)")
    with pytest.raises(asyncpg.UndefinedTableError):
        await execute(other, "SELECT * FROM mine")
    await postgres.drop_database(other)


async def test_a_wrong_password_is_refused(postgres):
    with pytest.raises(asyncpg.InvalidPasswordError):
        await execute(postgres.url(password="a guess"), "SELECT 1")


async def test_processes_of_one_run_share_a_server_and_the_last_ends_it(tmp_path):
    with shared_server(tmp_path) as server:
        joined = join(tmp_path)
        assert joined.stdout is not None
        assert int(joined.stdout.readline()) == server.port
        joined.kill()  # what it held, the kernel lets go
        joined.communicate()
        assert await answers(server)
        await asyncio.to_thread(migrated_template, server, tmp_path)
    assert not await answers(server)
    with shared_server(tmp_path) as anew:
        template = await asyncio.to_thread(migrated_template, anew, tmp_path)
        assert await execute(anew.url(template), "SELECT version_num FROM alembic_version")


async def test_a_server_of_ones_own_can_be_stopped_and_has_everything_afterwards():
    with own_server() as own:
        url = await own.server.new_database()
        await execute(url, "CREATE TABLE mine AS SELECT 7 AS n")
        await own.stop()
        assert not await answers(own.server)
        await own.start()
        assert [row["n"] for row in await execute(url, "SELECT n FROM mine")] == [7]
