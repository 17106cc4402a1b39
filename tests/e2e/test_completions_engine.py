"""OpenAI's own client, through a gateway, to a real llama.cpp: autocomplete and embeddings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.e2e.started import Started, configured_gateway, started_engine

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONFIGURATION = """
vendors:
  house:
    kind: in_house
    base_url: "{engine}"
    wires: [openai_completions, openai_embeddings, jina_rerank]
models:
  coder: {{ targets: [house/tiny] }}
teams:
  default: {{ models: [coder], data_class: internal }}
"""
PROMPT = "def add(a, b):\n    "
# A field of the engine's own, so that noise does not end early: the gateway passes it on.
ON_AND_ON: Any = {"extra_body": {"ignore_eos": True}}


@pytest.fixture(scope="module")
def engine_url(model_file: Path) -> Iterator[str]:
    """Here the engine has embeddings on; its root URL."""
    with started_engine(model_file, embeds=True) as url:
        yield url


@pytest.fixture(scope="module")
def house(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    configuration = CONFIGURATION.format(engine=engine_url)
    with configured_gateway(tmp_path_factory.mktemp("completions"), configuration) as started:
        yield started


@pytest.mark.parametrize("prompt", [PROMPT, [100, 101, 102]])
async def test_a_completion_costs_the_tokens_that_the_engine_itself_counts(
    house: Started, chat: openai.AsyncOpenAI, chat_engine: openai.AsyncOpenAI, prompt: Any
) -> None:
    body: Any = {"prompt": prompt, "max_tokens": 7, **ON_AND_ON}
    raw = await chat.completions.with_raw_response.create(model="coder", **body)
    direct = await chat_engine.completions.create(model="tiny", **body)

    used, wanted = raw.parse().usage, direct.usage
    assert used is not None
    assert wanted is not None
    assert used.prompt_tokens == wanted.prompt_tokens == len(prompt)
    assert used.completion_tokens == wanted.completion_tokens == 7
    end = house.story(raw.headers["x-gatehouse-audit-id"])[-1]
    assert end["usage"]["output_tokens"] == 7


async def test_a_stream_says_as_much_as_was_asked_for_and_the_ledger_counts_it(
    house: Started, chat: openai.AsyncOpenAI
) -> None:
    raw = await chat.completions.with_raw_response.create(
        model="coder", prompt=PROMPT, suffix="return", max_tokens=9, stream=True, **ON_AND_ON
    )
    chunks = [chunk async for chunk in raw.parse()]

    assert len("".join(each.choices[0].text for each in chunks)) == 9
    assert chunks[-1].choices[0].finish_reason == "length"
    end = house.story(raw.headers["x-gatehouse-audit-id"])[-1]
    assert (end["outcome"], end["usage"]["output_tokens"]) == ("complete", 9)


async def test_a_stream_that_is_cancelled_is_closed_as_left(
    house: Started, chat: openai.AsyncOpenAI
) -> None:
    raw = await chat.completions.with_raw_response.create(
        model="coder", prompt=PROMPT, max_tokens=4000, stream=True, **ON_AND_ON
    )
    stream = raw.parse()
    await anext(stream)
    await stream.close()

    end = house.story(raw.headers["x-gatehouse-audit-id"])[-1]
    assert end["outcome"] == "client_left"


@pytest.mark.parametrize("given", ["sort a list", ["a", "b"], [[100, 101], [102]]])
async def test_vectors_are_the_engines_own(
    chat: openai.AsyncOpenAI, chat_engine: openai.AsyncOpenAI, given: Any
) -> None:
    through = await chat.embeddings.create(model="coder", input=given)
    direct = await chat_engine.embeddings.create(model="tiny", input=given)

    assert [each.index for each in through.data] == [each.index for each in direct.data]
    ours, theirs = through.data[0].embedding, direct.data[0].embedding
    assert ours == pytest.approx(theirs, abs=1e-5)
    assert through.usage.prompt_tokens == direct.usage.prompt_tokens > 0


async def test_an_engine_that_cannot_rank_says_so_through_the_gateway(
    chat: openai.AsyncOpenAI,
) -> None:
    body = {"model": "coder", "query": "a", "documents": ["b"]}
    with pytest.raises(openai.InternalServerError, match="does not support reranking"):
        await chat.post("/rerank", body=body, cast_to=object)
