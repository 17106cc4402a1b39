"""Servers that several folders of tests need: started with the first test that asks for them."""

import asyncio
import gc
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gateway.database_address import DatabaseAddress
from gateway.store.database import Database, open_store
from tests.fakes.authorities import shared_authorities
from tests.fakes.collector import forget_applications
from tests.fakes.counters import Office
from tests.fakes.postgres import PostgresServer, migrated_template, shared_server
from tests.fakes.postgres_renewed import Databases
from tests.fakes.valkey import SharedOffice, Valkey, a_valkey

# What an example says holds on any machine: how long it takes, or to draw it, is no part of it.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

# All that tests ask is on this machine: whatever proxy it has is not between them. And what a
# command prints is for nobody's terminal, whatever a CI says of it to the libraries that print.
TERMINALS = ("CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "GITHUB_ACTIONS", "LINES", "NO_COLOR")
TERMINALS += ("PY_COLORS", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
for _name in [each for each in os.environ if each.lower().endswith("_proxy") or each in TERMINALS]:
    del os.environ[_name]

Opening = Callable[[], Awaitable[Database]]
"""Opens one and the same database each time it is called."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stands to the end: the collector need not search it for cycles, ever."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """See that each test has an id of its own: of several with one id, xdist runs one only."""
    counted = Counter(item.nodeid for item in items)
    twice = [nodeid for nodeid, number in counted.items() if number > 1]
    if twice:
        raise pytest.UsageError(f"tests with the same id: {', '.join(twice[:5])}")


@pytest.fixture(scope="session")
def run_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run have in common."""
    folder = tmp_path_factory.getbasetemp()
    # One of several has a folder of its own below the run's.
    return folder.parent if hasattr(request.config, "workerinput") else folder


@pytest.fixture(scope="session", autouse=True)
def authorities() -> Iterator[None]:
    """What the tests' HTTP clients trust, without reading it for each of them."""
    with shared_authorities():
        yield


@pytest.fixture(scope="module", autouse=True)
def applications() -> Iterator[None]:
    """Those of one file are gone with it."""
    yield
    forget_applications()


@pytest.fixture(scope="session")
def postgres(run_folder: Path) -> Iterator[PostgresServer]:
    """The PostgreSQL server of this run, whichever of its processes asks."""
    with shared_server(run_folder) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer, run_folder: Path) -> str:
    """The name of a database at the newest schema, of which others are made."""
    return migrated_template(postgres, run_folder)


@pytest.fixture(scope="session")
def postgres_databases(postgres: PostgresServer, postgres_template: str) -> Databases:
    """Databases at the newest schema, which tests use one after the other."""
    return Databases(postgres, postgres_template)


@pytest.fixture
def postgres_url(postgres_databases: Databases) -> Iterator[str]:
    """The address of a database at the newest schema in which nothing is yet."""
    url = asyncio.run(postgres_databases.take())
    yield url
    asyncio.run(postgres_databases.give_back(url))


@pytest.fixture
def empty_postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The address of a database without any table, removed in the end."""
    url = asyncio.run(postgres.new_database())
    yield url
    asyncio.run(postgres.drop_database(url))


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest) -> DatabaseAddress | None:
    """Runs a test on either database: None stands for the data folder's own."""
    if request.param == "sqlite":
        return None
    return DatabaseAddress.read(request.getfixturevalue("postgres_url"))


@pytest.fixture
def opening(address: DatabaseAddress | None, tmp_path: Path) -> Opening:
    """Opens the one or the other; each call the same one again."""
    return lambda: open_store(tmp_path, address)


@pytest.fixture
async def database(opening: Opening) -> AsyncIterator[Database]:
    """An open database: a test that takes it runs on either."""
    opened = await opening()
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """The Valkey server of this process. Who stops one starts one of its own (`a_valkey`)."""
    with a_valkey() as server:
        yield server


@pytest.fixture(params=["in_process", "shared"])
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """Counters of either kind, with clocks of the test's own: a test that takes it runs on both."""
    opened = Office()
    if request.param == "shared":
        opened = SharedOffice(request.getfixturevalue("valkey").url)
    await opened.open()
    yield opened
    await opened.close()
