"""One real engine and one gateway before it, for all tests of this folder."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anthropic
import openai
import pytest
import pytest_asyncio

from tests.e2e.started import (
    Started,
    anthropic_client,
    configured_gateway,
    openai_client,
    started_engine,
)
from tests.fakes.tiny_model import write_tiny_model

HOUSE = """
vendors:
  house: {{ kind: in_house, base_url: "{engine}", wires: [openai_chat, anthropic_messages] }}
  rehearsal: {{ kind: rehearsal }}
models:
  coder: {{ targets: [house/tiny] }}
  rehearsal: {{ targets: [rehearsal/rehearsal] }}
  secret: {{ targets: [house/tiny] }}
teams:
  default: {{ models: [coder, rehearsal], data_class: internal }}
  small: {{ models: [rehearsal], data_class: internal, limits: {{ max_request_bytes: 1024 }} }}
  slow: {{ models: [rehearsal], data_class: internal, limits: {{ requests_per_minute: 6 }} }}
  rare: {{ models: [rehearsal], data_class: internal, limits: {{ requests_per_minute: 1 }} }}
"""


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture(scope="session")
def engine_url(model_file: Path) -> Iterator[str]:
    with started_engine(model_file) as url:
        yield url


@pytest.fixture(scope="session")
def house(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A gateway before the engine, configured by a file."""
    configuration = HOUSE.format(engine=engine_url)
    with configured_gateway(tmp_path_factory.mktemp("house"), configuration) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def chat(house: Started) -> AsyncIterator[openai.AsyncOpenAI]:
    async with house.openai() as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def messages(house: Started) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with house.anthropic() as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def chat_engine(engine_url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    """The engine itself, asked past the gateway."""
    async with openai_client(engine_url, "none") as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def messages_engine(engine_url: str) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """The engine itself, asked past the gateway."""
    async with anthropic_client(engine_url, "none") as client:
        yield client
