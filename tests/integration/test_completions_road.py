"""Autocomplete, embeddings and rerank through a whole gateway: OpenAI's own client, raw bytes,
clients that leave, streams that break off, and refusals."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio

from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.rough_client import RoughClient, rough_client
from tests.fakes.vendor import Ending, FakeVendor, TokenUsage

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONFIGURATION = """
vendors:
  house:
    kind: in_house
    base_url: "{url}"
    wires: [openai_completions, mistral_fim, openai_embeddings, jina_rerank]
  chatty: {{ kind: in_house, base_url: "{url}", wires: [openai_chat] }}
models:
  coder: {{ targets: [house/qwen-coder] }}
  solo: {{ targets: [house/qwen-coder] }}
  talker: {{ targets: [chatty/qwen-chat] }}
teams:
  default: {{ models: [coder, talker], data_class: internal, limits: {{ parallel: 1 }} }}
prices:
  house/qwen-coder: {{ input: 1, output: 2 }}
"""
COMPLETIONS, FIM = "/v1/completions", "/v1/fim/completions"
EMBEDDINGS, RERANK = "/v1/embeddings", "/v1/rerank"
PROMPT = {"prompt": "def add(a, b):\n    ", "suffix": "\n\nprint(add(1, 2))"}
BODIES: dict[str, dict[str, Any]] = {
    COMPLETIONS: PROMPT,
    FIM: PROMPT,
    EMBEDDINGS: {"input": ["sort a list", "open a file"]},
    RERANK: {"query": "how to sort", "documents": ["sorted()", "open()"], "top_n": 1},
}
every_endpoint = pytest.mark.parametrize("path", list(BODIES))
both_completions = pytest.mark.parametrize("path", [COMPLETIONS, FIM])


class House:
    """A gateway before one engine, whose team may ask one thing at a time."""

    def __init__(self, gateway: RunningGateway, engine: FakeVendor) -> None:
        self.gateway = gateway
        self.engine = engine

    async def post(self, path: str, **more: Any) -> httpx.Response:
        body = {"model": "coder", **BODIES[path], **more}
        async with self.gateway.client() as client:
            return await client.post(path, json=body)

    def openai(self) -> openai.AsyncOpenAI:
        http = openai.DefaultAsyncHttpxClient(trust_env=False)
        root, key = f"{self.gateway.base_url}/v1", self.gateway.developer_key
        return openai.AsyncOpenAI(base_url=root, api_key=key, max_retries=0, http_client=http)

    async def end(self) -> dict[str, Any]:
        return await self.gateway.until_closed()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One gateway for all: it takes longer to start than these tests."""
    async with FakeVendor(key=None, models=("qwen-coder",), extra_fields={"x": (float,)}) as engine:
        text = CONFIGURATION.format(url=engine.url)
        async with running_gateway(tmp_path_factory.mktemp("house"), text) as gateway:
            yield House(gateway, engine)


@pytest_asyncio.fixture(loop_scope="module")
async def house(running: House) -> AsyncIterator[House]:
    await running.engine.begins_anew()
    await running.gateway.turns_the_page()
    running.engine.says("return a + b")
    running.engine.uses(TokenUsage(input=11, output=7))
    yield running
    running.engine.recovers()
    assert (await running.post(COMPLETIONS)).status_code == 200, "a reservation leaks"


@asynccontextmanager
async def asking(house: House, path: str, **more: Any) -> AsyncGenerator[RoughClient]:
    """Ask, and leave when the block ends."""
    body = json.dumps({"model": "coder", **BODIES[path], **more}).encode()
    async with rough_client(house.gateway.port) as client:
        await client.posts(path, body, authorization=f"Bearer {house.gateway.developer_key}")
        yield client


@every_endpoint
async def test_the_engine_gets_the_clients_bytes_and_the_client_the_engines(
    house: House, path: str
) -> None:
    body = '{ "model":"coder" ,  "x": 1.50, ' + json.dumps(BODIES[path])[1:]
    async with house.gateway.client() as client:
        answer = await client.post(path, content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 200, answer.text
    seen = house.engine.calls[-1]
    assert seen.path == path
    assert seen.body.decode() == body.replace('"coder"', '"qwen-coder"')
    assert house.engine.refusals == []
    assert "qwen-coder" in answer.json()["model"]


@pytest.mark.parametrize(
    ("path", "operation", "written", "cost_nano_usd"),
    [
        (COMPLETIONS, "text_completion", 7, 25_000),
        (FIM, "text_completion", 7, 25_000),
        (EMBEDDINGS, "embeddings", 0, 11_000),
        (RERANK, "rerank", 0, 11_000),
    ],
)
async def test_the_ledger_says_what_was_asked_what_it_used_and_what_that_cost(
    house: House, path: str, operation: str, written: int, cost_nano_usd: int
) -> None:
    answer = await house.post(path)
    admitted, _, end = house.gateway.records_of(answer.headers["x-gatehouse-audit-id"])
    assert admitted["operation"] == operation
    assert (end["outcome"], end["usage_source"]) == ("complete", "vendor")
    assert end["usage"]["input_tokens"] == 11
    assert end["usage"].get("output_tokens", 0) == written
    assert end["cost_nano_usd"] == cost_nano_usd


async def test_openais_client_reads_a_whole_completion(house: House) -> None:
    house.engine.says(" + b")
    async with house.openai() as client:
        reply = await client.completions.create(
            model="coder", prompt=["x = a", "y = a"], n=2, echo=True, logprobs=1, max_tokens=5
        )
    assert [choice.index for choice in reply.choices] == [0, 1, 2, 3]
    assert reply.choices[0].logprobs is not None
    assert reply.usage is not None
    assert reply.usage.total_tokens == 18


async def test_openais_client_reads_a_stream_without_the_usage_it_did_not_ask_for(
    house: House,
) -> None:
    async with house.openai() as client:
        stream = await client.completions.create(model="coder", stream=True, **PROMPT)
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].text for chunk in chunks) == "return a + b"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert [chunk for chunk in chunks if chunk.usage] == []
    assert house.engine.calls[-1].json()["stream_options"] == {"include_usage": True}
    end = await house.end()
    assert (end["usage_source"], end["usage"]["output_tokens"]) == ("vendor", 7)


async def test_openais_client_gets_the_usage_it_asked_for(house: House) -> None:
    options: Any = {"stream_options": {"include_usage": True}}
    async with house.openai() as client:
        stream = await client.completions.create(model="coder", stream=True, **PROMPT, **options)
        chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 7


async def test_every_prompt_of_a_stream_is_answered_to_its_end(house: House) -> None:
    async with house.openai() as client:
        stream = await client.completions.create(model="coder", prompt=["a", "b"], n=2, stream=True)
        chunks = [chunk async for chunk in stream]
    ends = [choice.index for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert ends == [0, 1, 2, 3]
    assert (await house.end())["outcome"] == "complete"


@pytest.mark.parametrize("given", ["hi", ["hi", "ho"], [1, 2, 3], [[1, 2], [3]]])
@pytest.mark.parametrize("encoding", [{}, {"encoding_format": "float"}])
async def test_openais_client_gets_its_vectors_from_texts_and_tokens(
    house: House, given: Any, encoding: Any
) -> None:
    async with house.openai() as client:
        reply = await client.embeddings.create(model="coder", input=given, **encoding)
    assert all(each.embedding == [0.5, -0.25, 0.125] for each in reply.data)
    assert reply.usage.prompt_tokens == 11


async def test_a_fill_in_the_middle_streams_as_chat_with_its_usage_at_the_end(house: House) -> None:
    answer = await house.post(FIM, stream=True)
    *events, done, _ = answer.text.split("\n\n")
    chunks = [json.loads(each.removeprefix("data: ")) for each in events]
    deltas = [each["choices"][0]["delta"]["content"] for each in chunks]
    assert "".join(deltas) == "return a + b"
    assert chunks[-1]["usage"]["completion_tokens"] == 7
    assert done == "data: [DONE]"
    assert "stream_options" not in house.engine.calls[-1].json()
    assert (await house.end())["usage_source"] == "vendor"


async def test_documents_come_back_in_the_order_of_the_query(house: House) -> None:
    answer = await house.post(RERANK)
    assert [each["index"] for each in answer.json()["results"]] == [1]


@both_completions
async def test_a_client_that_leaves_a_stream_ends_the_engines_work_at_once(
    house: House, path: str
) -> None:
    house.engine.holds(before_event=2)
    async with asking(house, path, stream=True) as client:
        await client.head()
        seen = await client.chunk()
        while b"return" not in seen:
            seen += await client.chunk()
    await house.engine.calls[0].until_gone()
    end = await house.end()
    assert (end["outcome"], end["usage_source"]) == ("client_left", "counted")
    assert end["usage"]["output_tokens"] > 0


@every_endpoint
async def test_a_client_that_leaves_before_the_first_byte_ends_the_engines_work_at_once(
    house: House, path: str
) -> None:
    house.engine.holds()
    async with asking(house, path):
        call = await house.engine.until_called()
    await call.until_gone()
    end = await house.end()
    assert (end["outcome"], end["usage_source"]) == ("client_left", "none")


async def test_many_keystrokes_cancelled_one_after_the_other_leave_nothing_behind(
    house: House,
) -> None:
    house.engine.holds(before_event=1)
    for number in range(1, 21):
        async with asking(house, COMPLETIONS, stream=True):
            call = await house.engine.until_called(number)
        await call.until_gone()
        await house.gateway.until_closed(number)
    kinds = house.gateway.kinds()
    assert kinds.count("admitted") == kinds.count("completed") == 20
    ends = [each for each in house.gateway.records() if each["kind"] == "completed"]
    assert {each["outcome"] for each in ends} == {"client_left"}


@both_completions
async def test_a_stream_the_engine_cuts_ends_with_an_error_and_no_stop_reason(
    house: House, path: str
) -> None:
    house.engine.cuts_after(events=2, ending=Ending.CLOSE)
    answer = await house.post(path, stream=True)
    *_, error, done, _ = answer.text.split("\n\n")
    assert done == "data: [DONE]"
    assert json.loads(error.removeprefix("data: "))["error"]["code"] == "upstream_stream_cut"
    assert '"finish_reason":"' not in answer.text
    assert (await house.end())["outcome"] == "cut"


@every_endpoint
async def test_a_refusal_is_a_400_in_openais_form(house: House, path: str) -> None:
    answer = await house.post(path, model="solo")
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["type"], error["code"]) == ("invalid_request_error", "model_not_found")
    assert answer.headers["x-gatehouse-audit-id"] in error["message"]
    assert house.engine.calls == []


@every_endpoint
async def test_a_body_that_cannot_be_read_is_a_400_in_openais_form(house: House, path: str) -> None:
    async with house.gateway.client() as client:
        answer = await client.post(path, json={"model": "coder"})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@every_endpoint
async def test_an_answer_that_is_none_of_the_protocol_is_a_failure(house: House, path: str) -> None:
    house.engine.answers(200, b'{"object":"list"}')
    answer = await house.post(path)
    assert answer.status_code == 502
    assert "house/qwen-coder could not answer" in answer.json()["error"]["message"]
    assert (await house.end())["outcome"] == "failed"


@every_endpoint
async def test_the_engines_own_refusal_is_passed_on(house: House, path: str) -> None:
    answer = await house.post(path, odd_field=1)
    assert answer.status_code == 400
    assert "odd_field" in answer.json()["error"]["message"]


@every_endpoint
async def test_an_engine_that_only_chats_is_not_asked_for_anything_else(
    house: House, path: str
) -> None:
    answer = await house.post(path, model="talker")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "unsupported_feature")
    assert "vendor 'chatty' has nothing that answers" in error["message"]
    assert "its chat is not asked instead" in error["message"]
    assert house.engine.calls == []
    assert (await house.end())["outcome"] == "failed"
