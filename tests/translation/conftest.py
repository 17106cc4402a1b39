"""One LiteLLM for all of these tests: its import costs seconds."""

from collections.abc import AsyncIterator

import pytest_asyncio

from providers.http.client import HttpClient
from providers.http.reply import Timeouts
from providers.translated import TranslatedSender
from tests.fakes.vendor import FakeVendor


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sender() -> AsyncIterator[TranslatedSender]:
    """A sender whose vendors may be busy."""
    client = HttpClient(tick_seconds=0.1)
    timeouts = Timeouts(connect_seconds=30.0, first_byte_seconds=30.0, idle_seconds=30.0)
    yield TranslatedSender(client, timeouts=timeouts, unix_time=lambda: 1_790_000_001.0)
    await client.aclose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def impatient() -> AsyncIterator[TranslatedSender]:
    """A sender whose vendors may be silent for one second."""
    client = HttpClient(tick_seconds=0.1)
    timeouts = Timeouts(connect_seconds=30.0, first_byte_seconds=1.0, idle_seconds=1.0)
    yield TranslatedSender(client, timeouts=timeouts)
    await client.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def vendor() -> AsyncIterator[FakeVendor]:
    """A strict vendor that asks for the key, in the header of its protocol."""
    async with FakeVendor() as vendor:
        yield vendor


@pytest_asyncio.fixture(loop_scope="session")
async def engine() -> AsyncIterator[FakeVendor]:
    """A strict engine of the house, without a key."""
    async with FakeVendor(key=None) as vendor:
        yield vendor
