"""The stand-in speaks both protocols as the official SDKs read them."""

import anthropic
import openai
import pytest

from tests.fakes.vendor import FakeVendor, TokenUsage, ToolCall

TOOL = {"type": "object", "properties": {"path": {"type": "string"}}}
QUESTION = [{"role": "user", "content": "What is in a.py?"}]
USED = TokenUsage(
    input=10, output=20, cache_read=5, cache_write_5m=3, cache_write_1h=2, reasoning=4
)


@pytest.fixture
async def vendor():
    async with FakeVendor() as made:
        made.uses(USED)
        yield made


@pytest.fixture
async def chat(vendor):
    async with openai.AsyncOpenAI(
        base_url=f"{vendor.url}/v1", api_key="vendor-key", max_retries=0
    ) as client:
        yield client.chat.completions


@pytest.fixture
async def messages(vendor):
    async with anthropic.AsyncAnthropic(
        base_url=vendor.url, api_key="vendor-key", max_retries=0
    ) as client:
        yield client.messages


async def test_openai_reads_a_whole_answer(vendor, chat):
    vendor.says("It defines main().")
    answer = await chat.create(model="m", messages=QUESTION)
    assert answer.choices[0].message.content == "It defines main()."
    assert answer.usage.prompt_tokens == 20
    assert answer.usage.prompt_tokens_details.cached_tokens == 5
    assert answer.usage.completion_tokens_details.reasoning_tokens == 4


async def test_openai_reads_parallel_tool_calls_from_a_stream(vendor, chat):
    vendor.calls_tools(ToolCall("read", {"path": "a.py"}), ToolCall("read", {"path": "b.py"}))
    tools = [{"type": "function", "function": {"name": "read", "parameters": TOOL}}]
    stream = await chat.create(model="m", messages=QUESTION, tools=tools, stream=True)
    arguments = {0: "", 1: ""}
    async for chunk in stream:
        for call in chunk.choices[0].delta.tool_calls or []:
            arguments[call.index] += call.function.arguments
    assert arguments == {0: '{"path": "a.py"}', 1: '{"path": "b.py"}'}


async def test_openai_reads_usage_only_when_asked(vendor, chat):
    with_usage = {"include_usage": True}
    stream = await chat.create(model="m", messages=QUESTION, stream=True, stream_options=with_usage)
    assert [chunk.usage async for chunk in stream][-1].completion_tokens == 20
    stream = await chat.create(model="m", messages=QUESTION, stream=True)
    assert {chunk.usage async for chunk in stream} == {None}


async def test_anthropic_reads_a_whole_answer_with_tools_and_thinking(vendor, messages):
    vendor.behaves(reasoning="Let me see.", tool_calls=(ToolCall("read", {"path": "a.py"}),))
    tools = [{"name": "read", "input_schema": TOOL}]
    answer = await messages.create(model="m", max_tokens=9, messages=QUESTION, tools=tools)
    assert [block.type for block in answer.content] == ["thinking", "text", "tool_use"]
    assert answer.content[2].input == {"path": "a.py"}
    assert answer.stop_reason == "tool_use"
    assert answer.usage.cache_creation.ephemeral_1h_input_tokens == 2


async def test_anthropic_reads_a_stream(vendor, messages):
    vendor.calls_tool("read", {"path": "a.py"}, text="Reading it.")
    async with messages.stream(model="m", max_tokens=9, messages=QUESTION) as stream:
        answer = await stream.get_final_message()
    assert answer.content[0].text == "Reading it."
    assert answer.content[1].input == {"path": "a.py"}
    assert answer.usage.output_tokens == 20


async def test_anthropic_reads_a_token_count(vendor, messages):
    vendor.counts(77)
    assert (await messages.count_tokens(model="m", messages=QUESTION)).input_tokens == 77


async def test_a_scripted_error_has_each_vendors_own_form(vendor, chat, messages):
    vendor.fails(429, retry_after="1")
    with pytest.raises(openai.RateLimitError):
        await chat.create(model="m", messages=QUESTION)
    with pytest.raises(anthropic.RateLimitError):
        await messages.create(model="m", max_tokens=9, messages=QUESTION)


async def test_an_error_event_ends_a_stream_for_both(vendor, chat, messages):
    vendor.behaves(error_event_at=2)
    with pytest.raises(openai.APIError, match="overloaded"):
        [_ async for _ in await chat.create(model="m", messages=QUESTION, stream=True)]
    stream = await messages.create(model="m", max_tokens=9, messages=QUESTION, stream=True)
    with pytest.raises(anthropic.APIStatusError, match="overloaded"):
        [_ async for _ in stream]


async def test_what_a_vendor_does_not_know_is_refused_and_noted(vendor, chat, messages):
    with pytest.raises(openai.BadRequestError):
        await chat.create(model="m", messages=QUESTION, extra_body={"unheard_of": 1})
    with pytest.raises(anthropic.BadRequestError):
        await messages.create(model="m", max_tokens=9, messages=QUESTION, extra_body={"top_k": "x"})
    assert vendor.refusals == [
        "unheard_of: this field is not known",
        "top_k: str is not accepted",
    ]


async def test_a_wrong_key_is_refused(vendor):
    async with openai.AsyncOpenAI(base_url=f"{vendor.url}/v1", api_key="wrong") as client:
        with pytest.raises(openai.AuthenticationError):
            await client.chat.completions.create(model="m", messages=QUESTION)


async def test_scripts_for_some_times_and_models_come_before_what_holds(vendor, chat):
    vendor.says("always")
    vendor.says("once", times=1)
    vendor.says("for n", model="n")
    asked = ["m", "m", "n"]
    answers = [await chat.create(model=model, messages=QUESTION) for model in asked]
    said = [answer.choices[0].message.content for answer in answers]
    assert said == ["once", "always", "for n"]
