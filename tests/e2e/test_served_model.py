"""`gatehouse up --model FILE.gguf`: a model file becomes a model that both clients can ask."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.started import Started, started_gateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

HELLO: Any = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def served(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    folder = tmp_path_factory.mktemp("served")
    with started_gateway(folder, "--model", str(model_file)) as started:
        yield started


async def test_the_file_is_listed_by_its_name_and_answers_both_clients(served: Started) -> None:
    async with served.openai() as chat, served.anthropic() as messages:
        assert [each.id async for each in chat.models.list()] == ["tiny"]
        answer = await chat.chat.completions.create(model="tiny", messages=HELLO, max_tokens=9)
        message = await messages.messages.create(model="tiny", messages=HELLO, max_tokens=9)
    assert answer.choices[0].message.content
    assert message.stop_reason in {"max_tokens", "end_turn"}


async def test_the_engine_is_in_house_and_costs_nothing(served: Started) -> None:
    async with served.openai() as chat:
        raw = await chat.chat.completions.with_raw_response.create(
            model="tiny", messages=HELLO, max_tokens=9
        )
    _, attempted, completed = served.story(raw.headers["x-gatehouse-audit-id"])
    assert (attempted["target"], attempted["in_house"]) == ("local/tiny", True)
    assert (completed["outcome"], completed["cost_nano_usd"]) == ("complete", 0)
