"""Google's own SDK and a whole gateway, before vendors that speak Gemini and one that does not."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from google import genai
from google.genai import errors, types
from google.genai.models import AsyncModels

from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.vendor import Ending, FakeVendor, TokenUsage, ToolCall
from tests.fakes.vendor_gemini import FakeGemini

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONFIGURATION = """
vendors:
  google: {{ kind: gemini, base_url: "{google}/v1beta", api_key: "${{KEY}}", clearance: internal }}
  house: {{ kind: in_house, base_url: "{house}", wires: [openai_chat] }}
  lab: {{ kind: in_house, base_url: "{lab}", wires: [gemini] }}
models:
  pro: {{ targets: [google/gemini-2.5-pro] }}
  team/coder: {{ targets: [house/qwen3-coder] }}
  lab: {{ targets: [lab/own-gemini] }}
  either: {{ targets: [lab/own-gemini, google/gemini-2.5-pro] }}
teams:
  default: {{ models: [pro, team/coder, lab, either], data_class: internal }}
"""
USAGE = TokenUsage(input=6, cache_read=4, output=7, reasoning=2)
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
DECLARED = types.FunctionDeclaration(name="read_file", parameters_json_schema=SCHEMA)
TOOLS = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[DECLARED])],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)
MODELS = ["pro", "team/coder", "lab"]
PATH = "/v1beta/models/{model}:{action}"
BODY = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


@dataclass(frozen=True, slots=True)
class Site:
    gateway: RunningGateway
    google: FakeGemini
    house: FakeVendor
    lab: FakeGemini

    @property
    def stand_ins(self) -> tuple[FakeVendor, ...]:
        return (self.google, self.house, self.lab)

    @asynccontextmanager
    async def sdk(self, version: str = "v1beta") -> AsyncGenerator[AsyncModels]:
        """Google's client, over a connection that is closed again."""
        async with httpx.AsyncClient(trust_env=False, timeout=60.0) as own:
            options = types.HttpOptions(
                base_url=self.gateway.base_url, api_version=version, httpx_async_client=own
            )
            client = genai.Client(api_key=self.gateway.developer_key, http_options=options)
            yield client.aio.models

    async def told(self, streaming: bool, **asked: Any) -> list[Any]:
        """The answer's chunks; a whole answer is one."""
        async with self.sdk() as models:
            if not streaming:
                return [await models.generate_content(**asked)]
            return [chunk async for chunk in await models.generate_content_stream(**asked)]

    async def end(self) -> dict[str, Any]:
        """The end of the newest exchange, once it is in the ledger."""
        return await self.gateway.until_closed(self.gateway.kinds().count("admitted"))

    async def post(self, model: str, action: str, body: Any = BODY) -> httpx.Response:
        async with self.gateway.client() as client:
            return await client.post(PATH.format(model=model, action=action), json=body)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One gateway for all: the translator beside it takes seconds to start."""
    async with AsyncExitStack() as stack:
        google = await stack.enter_async_context(FakeGemini())
        house = await stack.enter_async_context(FakeVendor(key=None))
        lab = await stack.enter_async_context(FakeGemini(key=None))
        text = CONFIGURATION.format(google=google.url, house=house.url, lab=lab.url)
        folder = tmp_path_factory.mktemp("gemini")
        gateway = await stack.enter_async_context(
            running_gateway(folder, text, environ={"KEY": "vendor-key"})
        )
        yield Site(gateway, google, house, lab)


@pytest.fixture
def site(running: Site) -> Site:
    """The same for every test, with stand-ins that remember nothing."""
    for each in running.stand_ins:
        each.recovers()
        each.calls.clear()
        each.refusals.clear()
        each.uses(USAGE)
    return running


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("model", MODELS)
async def test_the_sdk_reads_text_usage_and_finish_reason(site, model, streaming):
    for each in site.stand_ins:
        each.says("Hello from größe.", reasoning="hm")
    chunks = await site.told(streaming, model=model, contents="Hi")
    assert "".join(chunk.text or "" for chunk in chunks) == "Hello from größe."
    assert chunks[-1].candidates[0].finish_reason is types.FinishReason.STOP
    used = chunks[-1].usage_metadata
    assert (used.prompt_token_count, used.cached_content_token_count) == (10, 4)
    assert (used.candidates_token_count, used.thoughts_token_count) == (5, 2)
    end = await site.end()
    assert end["outcome"] == "complete"
    expected = {
        "input_tokens": 6,
        "cache_read_tokens": 4,
        "output_tokens": 7,
        "reasoning_tokens": 2,
    }
    assert end["usage"].items() >= expected.items()
    assert [each.refusals for each in site.stand_ins] == [[], [], []]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("model", MODELS)
async def test_a_turn_of_parallel_calls_goes_there_and_back(site, model, streaming):
    calls = (ToolCall("read_file", {"path": "a"}), ToolCall("read_file", {"path": "ü"}))
    for each in site.stand_ins:
        each.behaves(tool_calls=calls, times=1)
        each.says("Both read.")
    asked = [types.Content(role="user", parts=[types.Part(text="Read both.")])]
    chunks = await site.told(streaming, model=model, contents=asked, config=TOOLS)
    parts = [part for each in chunks for part in each.candidates[0].content.parts or ()]
    called = [part.function_call for part in parts if part.function_call]
    assert [call.args for call in called] == [{"path": "a"}, {"path": "ü"}]

    results = [
        types.FunctionResponse(id=call.id, name=call.name, response={"output": f"text {number}"})
        for number, call in enumerate(called)
    ]
    turns = [
        *asked,
        types.Content(role="model", parts=parts),
        types.Content(role="user", parts=[types.Part(function_response=r) for r in results]),
    ]
    chunks = await site.told(streaming, model=model, contents=turns, config=TOOLS)
    assert "".join(chunk.text or "" for chunk in chunks) == "Both read."
    assert [each.refusals for each in site.stand_ins] == [[], [], []]


async def test_the_bytes_of_a_request_reach_gemini_as_they_are_and_its_reply_comes_back(site):
    body = b'{ "contents" : [{"parts":[{"text":"hi \\u00fc"}]}],"generation_config":{"seed":1} }'
    async with site.gateway.client() as client:
        answer = await client.post(
            PATH.format(model="pro", action="generateContent"),
            content=body,
            headers={"content-type": "application/json"},
        )
    seen = site.google.calls[-1]
    assert seen.body == body
    assert (seen.path, seen.query) == ("/v1beta/models/gemini-2.5-pro:generateContent", "")
    assert seen.header("x-goog-api-key") == "vendor-key"
    assert answer.json()["responseId"].startswith("gemini-standin-")
    attempted = site.gateway.records()[-2]
    assert attempted["edits"][0]["path"] == "url.model"


@pytest.mark.parametrize("model", MODELS)
async def test_without_alt_a_stream_is_one_json_array(site, model):
    streamed = await site.post(model, "streamGenerateContent")
    assert streamed.headers["content-type"] == "application/json; charset=utf-8"
    chunks = streamed.json()
    assert len(chunks) > 2
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


async def test_no_comment_of_an_engines_reaches_the_client(site):
    site.lab.behaves(insert=(1, b": waiting\n\n"))
    answer = await site.post("lab", "streamGenerateContent?alt=sse")
    assert answer.text.count("data: ") > 2
    assert ": waiting" not in answer.text


@pytest.mark.parametrize("form", ["?alt=sse", ""])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("ending", [Ending.CLEAN, Ending.CLOSE])
async def test_a_stream_that_breaks_off_ends_with_the_protocols_error(site, model, ending, form):
    for each in site.stand_ins:
        each.says("one two three four five")
        each.cuts_after(events=3, ending=ending)
    answer = await site.post(model, f"streamGenerateContent{form}")
    assert answer.status_code == 200
    events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    chunks = [json.loads(event) for event in events] if form else answer.json()
    assert "candidates" in chunks[0]
    assert chunks[-1]["error"]["status"] == "UNAVAILABLE"
    assert "finishReason" not in answer.text
    assert (await site.end())["outcome"] == "cut"


@pytest.mark.parametrize("form", ["?alt=sse", ""])
@pytest.mark.parametrize("model", ["lab", "team/coder"])
async def test_a_stream_that_its_reader_leaves_is_cancelled_upstream(site, model, form):
    stand_in = site.lab if model == "lab" else site.house
    stand_in.says("one two three four five")
    stand_in.holds(before_event=4)
    path = PATH.format(model=model, action=f"streamGenerateContent{form}")
    async with site.gateway.client() as client, client.stream("POST", path, json=BODY) as answer:
        assert answer.status_code == 200
        await anext(answer.aiter_bytes())
    await stand_in.calls[0].until_gone()
    assert (await site.end())["outcome"] == "client_left"


async def test_the_sdk_raises_where_a_stream_breaks_off(site):
    site.lab.says("one two three four five")
    site.lab.cuts_after(events=3, ending=Ending.CLEAN)
    with pytest.raises(errors.APIError) as broken:
        await site.told(True, model="lab", contents="Hi")
    assert broken.value.code == 503


async def test_an_error_before_the_first_word_is_answered_by_the_next_target(site):
    site.lab.behaves(error_event_at=0)
    site.google.says("from google")
    chunks = await site.told(True, model="either", contents="Hi")
    assert "".join(chunk.text or "" for chunk in chunks) == "from google"


async def test_a_refusal_of_geminis_is_passed_on_in_its_own_words(site):
    site.google.fails(400, message="the input is too long")
    with pytest.raises(errors.ClientError) as refused:
        await site.told(False, model="pro", contents="Hi")
    assert (refused.value.status, refused.value.message) == (
        "INVALID_ARGUMENT",
        "the input is too long",
    )


@pytest.mark.parametrize(
    ("model", "fails", "status", "word"),
    [
        ("team/coder", 400, 400, "INVALID_ARGUMENT"),
        ("team/coder", 500, 502, "UNAVAILABLE"),
        ("pro", 429, 429, "RESOURCE_EXHAUSTED"),
        ("pro", 401, 502, "UNAVAILABLE"),
    ],
)
async def test_failures_are_told_in_googles_form(site, model, fails, status, word):
    for each in site.stand_ins:
        each.fails(fails)
    answer = await site.post(model, "generateContent")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (status, status, word)


async def test_a_model_that_is_not_offered_is_refused_readably(site):
    with pytest.raises(errors.ClientError, match=r"'gemini-3\.5-flash-lite' is not offered"):
        await site.told(False, model="gemini-3.5-flash-lite", contents="Hi")


@pytest.mark.parametrize(("model", "count"), [("pro", "exact"), ("team/coder", "estimate")])
async def test_tokens_are_counted_where_they_can_be_and_estimated_elsewhere(site, model, count):
    site.google.counts(42)
    async with site.sdk() as models:
        counted = await models.count_tokens(model=model, contents="one two three")
    assert counted.total_tokens == 42 if count == "exact" else 0 < counted.total_tokens < 20
    answer = await site.post(model, "countTokens")
    assert answer.headers["x-gatehouse-token-count"] == count
    assert [each.refusals for each in site.stand_ins] == [[], [], []]


@pytest.mark.parametrize("version", ["v1beta", "v1"])
async def test_models_are_listed_and_told_one_by_one(site, version):
    async with site.sdk(version) as models:
        names = [model.name async for model in await models.list()]
        assert names == ["models/pro", "models/team/coder", "models/lab", "models/either"]
        assert (await models.get(model="team/coder")).name == "models/team/coder"
        assert (await models.get(model="pro")).input_token_limit is not None
        with pytest.raises(errors.ClientError, match="not offered"):
            await models.get(model="nope")


async def test_a_key_in_the_query_opens_the_door_and_is_written_nowhere(site):
    key = site.gateway.developer_key
    async with httpx.AsyncClient(
        base_url=site.gateway.base_url, trust_env=False, timeout=60.0
    ) as client:
        path = PATH.format(model="lab", action="streamGenerateContent")
        answer = await client.post(path, params={"alt": "sse", "key": key}, json=BODY)
        wrong = await client.post(path, params={"key": f"{key[:-1]}!"}, json=BODY)
    assert (answer.status_code, wrong.status_code) == (200, 401)
    await site.end()
    assert key not in json.dumps(site.gateway.records())
    seen = site.lab.calls[-1]
    assert key not in f"{seen.path}{seen.query}{seen.headers}{seen.body!r}"


@pytest.mark.parametrize("front_is_on", [True, False])
async def test_vertex_paths_and_odd_names_are_the_same_with_and_without_the_front(
    tmp_path, front_is_on
):
    configuration = """
vendors: { rehearsal: { kind: rehearsal } }
models: { "team/a:b": { targets: [rehearsal/rehearsal] } }
teams: { default: { models: ["team/a:b"], data_class: internal } }
"""
    vertex = "/v1beta1/projects/p/locations/l/publishers/google/models"
    statuses = []
    async with (
        running_gateway(tmp_path, configuration, front_is_on=front_is_on) as gateway,
        gateway.client() as client,
    ):
        for model in ("team/a:b", "team%2Fa%3Ab", "team%2fa:b", "Team%2Fa:b", "a%00b", "a%0Ab"):
            answer = await client.post(f"{vertex}/{model}:generateContent", json=BODY)
            statuses.append(answer.status_code)
    assert statuses == [200, 200, 200, 400, 400, 404]
    assert {each["model"] for each in gateway.records() if each["kind"] == "admitted"} == {
        "team/a:b"
    }
