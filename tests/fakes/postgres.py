"""A real PostgreSQL for tests: one server a run, and databases in it that nobody else uses.

Tests take the fixtures of `tests/conftest.py`: `postgres_url` is the address of a fresh database.
A test that stops the server starts one of its own with `own_server`.
"""

import asyncio
import fcntl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import orjson

from gateway.database_address import DatabaseAddress
from gateway.store.database import open_store
from tests.fakes.postgres_keeper import PASSWORD, USER

ROOT = Path(__file__).parents[2]
TEMPLATE = "postgres.template"
KEEPER = [sys.executable, "-m", "tests.fakes.postgres_keeper"]


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server that answers on this port of this machine."""

    port: int

    def url(self, database: str = "postgres", *, password: str = PASSWORD) -> str:
        """The address of one of its databases, as an operator writes it."""
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    async def new_database(self, template: str = "template1") -> str:
        """Make a database that is like the template; its address."""
        name = f"t_{uuid4().hex[:16]}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    async def drop_database(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        await self.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    async def execute(self, statement: str) -> None:
        """Run one statement as the server's owner."""
        await execute(self.url(), statement)


PEPPER = "5e" * 32


def state_at(url: str) -> dict[str, str]:
    """The environment of a gateway, or of a command, whose state is in this database."""
    return {"GATEHOUSE_DATABASE_URL": url, "GATEHOUSE_PEPPER": PEPPER}


async def ledger_records(url: str) -> list[dict[str, Any]]:
    """Every record that the database has, lane by lane, each in order."""
    rows = await execute(url, "SELECT body FROM audit_body ORDER BY lane, seq")
    return [orjson.loads(row["body"]) for row in rows]


async def execute(url: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
    """Run one statement on a connection of its own; the rows it gives."""
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement, *arguments))
    finally:
        await connection.close()


async def cut_connections(url: str) -> None:
    """End everybody's connections to a database, and return while they learn of it.

    The server's last words have been read by then, and that the connection is gone has not: the
    moment in which a driver may be used by somebody who cannot know.
    """
    cut = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with ThreadPoolExecutor(1) as aside:  # the loop stands still meanwhile
        aside.submit(asyncio.run, execute(url, cut)).result()
    await asyncio.sleep(0)
    await asyncio.sleep(0)


@contextmanager
def shared_server(folder: Path) -> Iterator[PostgresServer]:
    """The server of all processes that name this folder; the last of them to leave ends it."""
    used = folder / "postgres.used"
    started: subprocess.Popen[bytes] | None = None
    with used.open("ab") as user, (folder / "postgres.lock").open("ab") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        fcntl.flock(user, fcntl.LOCK_SH)  # waits for one that is just ending
        port_file = used.with_suffix(".port")
        if not port_file.exists():
            started = _keeper(str(used))
            (folder / TEMPLATE).unlink(missing_ok=True)  # was a database of the server before
            port_file.write_text(str(_port_of(started)))
        fcntl.flock(turn, fcntl.LOCK_UN)
        yield PostgresServer(int(port_file.read_text()))
    if started is not None:
        started.communicate()


def migrated_template(server: PostgresServer, folder: Path) -> str:
    """The name of a database at the newest schema, made by the first process that asks."""
    with (folder / TEMPLATE).open("a+") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        turn.seek(0)
        name = turn.read()
        if not name:
            name = asyncio.run(_migrated(server))
            turn.write(name)
    return name


async def _migrated(server: PostgresServer) -> str:
    url = await server.new_database()
    opened = await open_store(Path(), DatabaseAddress.read(url))
    await opened.close()
    return url.rpartition("/")[2]


class OwnServer:
    """A server for one test, which may stop it and start it again."""

    def __init__(self, keeper: "subprocess.Popen[bytes]") -> None:
        self._keeper = keeper
        self.server = PostgresServer(_port_of(keeper))

    async def stop(self) -> None:
        """End it and all connections to it."""
        await asyncio.to_thread(self._tell, b"stop\n")

    async def start(self) -> None:
        """Start it again, with all it had."""
        await asyncio.to_thread(self._tell, b"start\n")

    def _tell(self, what: bytes) -> None:
        assert self._keeper.stdin is not None
        self._keeper.stdin.write(what)
        self._keeper.stdin.flush()
        assert _port_of(self._keeper) == self.server.port


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """A server that nobody else uses."""
    keeper = _keeper()
    try:
        yield OwnServer(keeper)
    finally:
        keeper.communicate()  # ends its input, and so the keeper


def _keeper(*arguments: str) -> "subprocess.Popen[bytes]":
    # In a session of its own: an interrupt at the terminal is for the tests, which end it in order.
    return subprocess.Popen(
        [*KEEPER, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def _port_of(keeper: "subprocess.Popen[bytes]") -> int:
    assert keeper.stdout is not None
    line = keeper.stdout.readline()
    if not line:
        raise RuntimeError(f"no PostgreSQL: its keeper ended with {keeper.wait()}")
    return int(line)
