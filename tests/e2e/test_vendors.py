"""Four vendors by translation and one engine of the house, each by both clients, in one gateway."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import pytest
import pytest_asyncio

from tests.e2e.started import Key, Started, started_gateway
from tests.fakes.vendor import FakeVendor, TokenUsage

pytestmark = pytest.mark.asyncio(loop_scope="session")

VENDORS = ("qwen", "deepseek", "moonshot", "zhipu")
CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{house}", wires: [openai_chat, anthropic_messages] }}
  qwen:
    kind: qwen
    base_url: {qwen}/v1
    api_key: ${{KEY}}
    clearance: internal
  deepseek:
    kind: deepseek
    base_url: {deepseek}/v1
    api_key: ${{KEY}}
    clearance: internal
  moonshot:
    kind: moonshot
    base_url: {moonshot}/v1
    api_key: ${{KEY}}
    clearance: internal
  zhipu:
    kind: zhipu
    base_url: {zhipu}/v1
    api_key: ${{KEY}}
    clearance: internal
models:
  coder: {{ targets: [qwen/m-1, house/standin] }}
  qwen: {{ targets: [qwen/m-1] }}
  deepseek: {{ targets: [deepseek/m-1] }}
  moonshot: {{ targets: [moonshot/m-1] }}
  zhipu: {{ targets: [zhipu/m-1] }}
teams:
  web: {{ models: [coder, qwen, deepseek, moonshot, zhipu], data_class: internal }}
  payments: {{ models: [coder], data_class: confidential }}
  narrow: {{ models: [coder], data_class: confidential, limits: {{ parallel: 1 }} }}
  poor: {{ models: [qwen], data_class: internal, limits: {{ usd_per_month: 0.0002 }} }}
prices:
  qwen/m-1: {{ input: 1, output: 2 }}
  deepseek/m-1: {{ input: 1, output: 2 }}
  moonshot/m-1: {{ input: 1, output: 2 }}
  zhipu/m-1: {{ input: 1, output: 2 }}
"""
SCHEMA: Any = {
    "type": "object",
    "properties": {"path": {"type": "string"}},
    "required": ["path"],
    "additionalProperties": False,
}
CHAT_TOOLS: Any = [
    {"type": "function", "function": {"name": "read_file", "parameters": SCHEMA, "strict": True}}
]
MESSAGES_TOOLS: Any = [{"name": "read_file", "input_schema": SCHEMA}]
HELLO: Any = [{"role": "user", "content": "What is in ü.py?"}]
USAGE = TokenUsage(input=10, output=7, cache_read=30)
BUDGET_NANO_USD = 200_000  # of team poor
COST_NANO_USD = 40 * 1000 + 7 * 2000  # at 1 and 2 dollars a million


@dataclass(frozen=True, slots=True)
class Mixed:
    """A gateway before stand-ins, with a key of each team."""

    gateway: Started
    stand_ins: dict[str, FakeVendor]
    keys: Mapping[str, Key]

    def vendors_called(self) -> list[str]:
        return [name for name in VENDORS if self.stand_ins[name].calls]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mixed]:
    async with AsyncExitStack() as stack:
        stand_ins = {
            name: await stack.enter_async_context(FakeVendor(models=("m-1",))) for name in VENDORS
        }
        stand_ins["house"] = await stack.enter_async_context(FakeVendor(key=None))
        folder = tmp_path_factory.mktemp("mixed")
        urls = {name: each.url for name, each in stand_ins.items()}
        (folder / "gatehouse.yaml").write_text(CONFIGURATION.format(**urls))
        gateway = stack.enter_context(started_gateway(folder, environ={"KEY": "vendor-key"}))
        yield Mixed(gateway, stand_ins, gateway.keys_for("payments", "narrow", "poor"))


@pytest.fixture
def mixed(running: Mixed) -> Mixed:
    """The same for every test, with stand-ins that remember nothing."""
    for each in running.stand_ins.values():
        each.recovers()
        each.calls.clear()
        each.uses(USAGE)
    return running


async def asked_on_chat(client: openai.AsyncOpenAI, streaming: bool, **body: Any) -> Any:
    if not streaming:
        return await client.chat.completions.create(**body)
    options: Any = {"include_usage": True}
    async with client.chat.completions.stream(**body, stream_options=options) as stream:
        return await stream.get_final_completion()


async def asked_on_messages(client: anthropic.AsyncAnthropic, streaming: bool, **body: Any) -> Any:
    if not streaming:
        return await client.messages.create(**body, max_tokens=100)
    async with client.messages.stream(**body, max_tokens=100) as stream:
        return await stream.get_final_message()


def newest_story(gateway: Started, records: int = 3) -> list[dict[str, Any]]:
    """The newest records: an answer that has ended is in the ledger to its end."""
    return gateway.durable()[-records:]


def check_books(gateway: Started, vendor: str) -> None:
    """The newest exchange went to this vendor alone, with its figures and its price."""
    admitted, attempted, completed = newest_story(gateway)
    assert admitted["targets"] == [f"{vendor}/m-1"]
    assert (attempted["target"], attempted["in_house"]) == (f"{vendor}/m-1", False)
    assert (completed["outcome"], completed["target"]) == ("complete", f"{vendor}/m-1")
    used = completed["usage"]
    assert (used["input_tokens"], used["cache_read_tokens"], used["output_tokens"]) == (10, 30, 7)
    assert completed["cost_nano_usd"] == COST_NANO_USD


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_tool_call_of_a_vendor_reaches_the_chat_client_and_the_books(
    mixed: Mixed, vendor: str, streaming: bool
) -> None:
    mixed.stand_ins[vendor].calls_tool("read_file", {"path": "ü.py"})
    async with mixed.gateway.openai() as client:
        body: Any = {"model": vendor, "messages": HELLO, "tools": CHAT_TOOLS}
        reply = await asked_on_chat(client, streaming, **body)
    choice = reply.choices[0]
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls
    assert json.loads(call.function.arguments) == {"path": "ü.py"}
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (40, 7)
    assert mixed.stand_ins[vendor].refusals == []
    assert mixed.vendors_called() == [vendor]
    check_books(mixed.gateway, vendor)


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_tool_call_of_a_vendor_reaches_the_messages_client_and_the_books(
    mixed: Mixed, vendor: str, streaming: bool
) -> None:
    mixed.stand_ins[vendor].calls_tool("read_file", {"path": "ü.py"})
    async with mixed.gateway.anthropic() as client:
        body: Any = {"model": vendor, "messages": HELLO, "tools": MESSAGES_TOOLS}
        reply = await asked_on_messages(client, streaming, **body)
    assert reply.stop_reason == "tool_use"
    assert (reply.content[-1].name, reply.content[-1].input) == ("read_file", {"path": "ü.py"})
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (10, 7)
    assert reply.usage.cache_read_input_tokens == 30
    assert mixed.stand_ins[vendor].refusals == []
    assert mixed.vendors_called() == [vendor]
    check_books(mixed.gateway, vendor)


@pytest.mark.parametrize("streaming", [False, True])
async def test_confidential_code_stays_in_the_house_though_a_vendor_stands_first(
    mixed: Mixed, streaming: bool
) -> None:
    mixed.stand_ins["house"].says("from the house")
    key = mixed.keys["payments"].key
    async with mixed.gateway.openai(key) as chat, mixed.gateway.anthropic(key) as messages:
        on_chat = await asked_on_chat(chat, streaming, model="coder", messages=HELLO)
        assert newest_story(mixed.gateway)[0]["targets"] == ["house/standin"]
        on_messages = await asked_on_messages(messages, streaming, model="coder", messages=HELLO)
    assert on_chat.choices[0].message.content == "from the house"
    assert on_messages.content[0].text == "from the house"
    assert mixed.vendors_called() == []


@pytest.mark.parametrize("streaming", [False, True])
async def test_confidential_code_stays_in_the_house_though_the_house_is_down(
    mixed: Mixed, streaming: bool
) -> None:
    mixed.stand_ins["house"].fails(503)
    async with mixed.gateway.openai(mixed.keys["payments"].key) as client:
        with pytest.raises(openai.InternalServerError, match="house/standin could not answer"):
            await client.chat.completions.create(model="coder", messages=HELLO, stream=streaming)
    assert len(mixed.stand_ins["house"].calls) == 1
    assert mixed.vendors_called() == []


async def test_internal_code_falls_back_from_the_vendor_to_the_house(mixed: Mixed) -> None:
    mixed.stand_ins["qwen"].fails(500)
    mixed.stand_ins["house"].says("from the house")
    async with mixed.gateway.openai() as client:
        reply = await client.chat.completions.create(model="coder", messages=HELLO)
    assert reply.choices[0].message.content == "from the house"
    _, first, second, completed = newest_story(mixed.gateway, records=4)
    assert (first["target"], second["target"]) == ("qwen/m-1", "house/standin")
    assert second["route_reason"] == "fallback:unavailable"
    assert completed["target"] == "house/standin"
    printed = mixed.gateway.run("audit", "tail", "-n", "4", "--json")
    assert [json.loads(line) for line in printed.splitlines()] == newest_story(mixed.gateway, 4)


@pytest.mark.parametrize("model", ["qwen", "coder"])
async def test_a_stream_that_its_reader_closes_is_cancelled_upstream(
    mixed: Mixed, model: str
) -> None:
    key = mixed.keys["payments"].key if model == "coder" else None
    stand_in = mixed.stand_ins["house" if model == "coder" else "qwen"]
    stand_in.says("one two three four five")
    stand_in.holds(before_event=3)
    async with mixed.gateway.openai(key) as client:
        raw = await client.chat.completions.with_raw_response.create(
            model=model, messages=HELLO, stream=True
        )
        stream = raw.parse()
        async for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        await stream.close()
        await stand_in.calls[0].until_gone()
    end = mixed.gateway.story(raw.headers["x-gatehouse-audit-id"])[-1]
    assert end["outcome"] == "client_left"


async def test_a_message_stream_that_its_reader_leaves_is_cancelled_upstream(mixed: Mixed) -> None:
    stand_in = mixed.stand_ins["house"]
    stand_in.says("one two three four five")
    stand_in.holds(before_event=4)
    async with mixed.gateway.anthropic(mixed.keys["payments"].key) as client:
        async with client.messages.stream(model="coder", messages=HELLO, max_tokens=100) as stream:
            await anext(aiter(stream.text_stream))
        await stand_in.calls[0].until_gone()
    end = mixed.gateway.story(str(stream.request_id))[-1]
    assert end["outcome"] == "client_left"


async def test_one_answer_too_many_at_a_time_is_a_rate_limit_until_the_first_has_ended(
    mixed: Mixed,
) -> None:
    gate = mixed.stand_ins["house"].holds(before_event=3)
    async with mixed.gateway.openai(mixed.keys["narrow"].key) as client:
        ask = client.chat.completions.create
        first = await ask(model="coder", messages=HELLO, stream=True)
        with pytest.raises(openai.RateLimitError, match="rule parallel"):
            await ask(model="coder", messages=HELLO)
        gate.set()
        assert [chunk async for chunk in first]
        assert (await ask(model="coder", messages=HELLO)).choices


async def test_a_used_up_budget_is_a_denial_that_says_what_is_left(mixed: Mixed) -> None:
    async with mixed.gateway.openai(mixed.keys["poor"].key) as client:
        with pytest.raises(openai.BadRequestError, match="rule budget") as refused:
            await ask_until_refused(client, model="qwen", messages=HELLO, max_tokens=50)
    assert refused.value.code == "budget_exceeded"
    assert "$" in refused.value.message
    spent = len(mixed.stand_ins["qwen"].calls) * COST_NANO_USD
    assert 0 < spent <= BUDGET_NANO_USD + COST_NANO_USD  # at most the answer that passed it


async def ask_until_refused(client: openai.AsyncOpenAI, **body: Any) -> None:
    for _ in range(100):
        await client.chat.completions.create(**body)


async def test_an_image_reaches_a_vendor_in_its_own_protocol(mixed: Mixed) -> None:
    source: Any = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    content: Any = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    async with mixed.gateway.anthropic() as client:
        turns: Any = [{"role": "user", "content": content}]
        await client.messages.create(model="qwen", messages=turns, max_tokens=50)
    sent = mixed.stand_ins["qwen"].calls[-1].json()["messages"][-1]["content"]
    assert sent[0]["image_url"]["url"] == "data:image/png;base64,iVBORw0KGgo="


async def test_a_count_for_a_vendor_is_our_own_and_says_so(mixed: Mixed) -> None:
    async with mixed.gateway.anthropic() as client:
        raw = await client.messages.with_raw_response.count_tokens(model="qwen", messages=HELLO)
    assert raw.headers["x-gatehouse-token-count"] == "estimate"
    assert (await raw.parse()).input_tokens > 0
    assert mixed.vendors_called() == []


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("vendor", ["qwen", "deepseek"])
async def test_an_autocomplete_of_a_vendor_reaches_the_editor_and_the_books(
    mixed: Mixed, vendor: str, streaming: bool
) -> None:
    mixed.stand_ins[vendor].says("return a + b")
    body: Any = {"model": vendor, "prompt": "def add(a, b):\n    ", "suffix": "\n\nadd(1, 2)"}
    async with mixed.gateway.openai() as client:
        if streaming:
            stream = await client.completions.create(**body, stream=True)
            text = "".join([chunk.choices[0].text async for chunk in stream])
        else:
            text = (await client.completions.create(**body)).choices[0].text
    assert text == "return a + b"
    assert mixed.stand_ins[vendor].calls[-1].path == "/v1/completions"
    completed = newest_story(mixed.gateway)[-1]
    assert (completed["outcome"], completed["usage_source"]) == ("complete", "vendor")
    assert completed["cost_nano_usd"] == 10 * 1000 + 7 * 2000


async def test_embeddings_of_a_vendor_reach_the_index_and_the_books(mixed: Mixed) -> None:
    async with mixed.gateway.openai() as client:
        reply = await client.embeddings.create(model="qwen", input=["a", "b"])
    assert [each.embedding for each in reply.data] == [[0.5, -0.25, 0.125]] * 2
    assert newest_story(mixed.gateway)[-1]["cost_nano_usd"] == 10 * 1000


@pytest.mark.parametrize("vendor", ["moonshot", "zhipu"])
async def test_a_vendor_that_only_chats_is_not_asked_to_complete(mixed: Mixed, vendor: str) -> None:
    async with mixed.gateway.openai() as client:
        with pytest.raises(openai.BadRequestError, match="its chat is not asked instead"):
            await client.completions.create(model=vendor, prompt="def add(a, b):\n    ")
    assert mixed.vendors_called() == []
