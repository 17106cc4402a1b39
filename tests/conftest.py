"""Servers that several folders of tests need: started with the first test that asks for them."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.fakes.postgres import PostgresServer, shared_server


@pytest.fixture(scope="session")
def postgres(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PostgresServer]:
    """The PostgreSQL server of this run, whichever of its processes asks."""
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):  # one of several: the run's folder is above
        folder = folder.parent
    with shared_server(folder) as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The address of a fresh database, removed in the end."""
    url = asyncio.run(postgres.new_database())
    yield url
    asyncio.run(postgres.drop_database(url))
