"""Anthropic's own client, through a gateway, to a real llama.cpp, which speaks its protocol."""

from typing import Any

import anthropic
import pytest

from tests.e2e.started import Started

pytestmark = pytest.mark.asyncio(loop_scope="session")

WEATHER: Any = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"enum": ["Oslo", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
ANY: Any = {"type": "any"}
QUESTION: Any = [{"role": "user", "content": "Is it warm in Oslo? 北京 ☀"}]
TURNS: Any = [
    *QUESTION,
    {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "Let me see."},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}},
        ],
    },
    {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "-3 °C"}],
    },
]
IMAGE: Any = [
    {
        "role": "user",
        "content": [
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
            },
            {"type": "text", "text": "What is this?"},
        ],
    }
]


def read(usage: anthropic.types.Usage) -> int:
    """All tokens that were read: the engine tells what it had in its cache apart."""
    return usage.input_tokens + (usage.cache_read_input_tokens or 0)


@pytest.mark.parametrize("turns", [QUESTION, TURNS])
async def test_an_answer_costs_the_tokens_that_the_engine_itself_counts(
    house: Started,
    messages: anthropic.AsyncAnthropic,
    messages_engine: anthropic.AsyncAnthropic,
    turns: Any,
) -> None:
    body: Any = {"system": "Be brief.", "messages": turns, "max_tokens": 7}
    raw = await messages.messages.with_raw_response.create(model="coder", **body)
    direct = await messages_engine.messages.create(model="tiny", **body)

    reply = await raw.parse()
    assert read(reply.usage) == read(direct.usage)
    assert 0 < reply.usage.output_tokens <= 7
    used = house.story(raw.headers["x-gatehouse-audit-id"])[-1]["usage"]
    assert used["input_tokens"] + used["cache_read_tokens"] == read(direct.usage)
    assert used["output_tokens"] == reply.usage.output_tokens


@pytest.mark.parametrize("turns", [QUESTION, TURNS])
async def test_a_count_of_tokens_is_the_engines_own(
    messages: anthropic.AsyncAnthropic, messages_engine: anthropic.AsyncAnthropic, turns: Any
) -> None:
    body: Any = {"system": "Be brief.", "messages": turns, "tools": [WEATHER]}
    counted = await messages.messages.count_tokens(model="coder", **body)
    direct = await messages_engine.messages.count_tokens(model="tiny", **body)
    assert counted.input_tokens == direct.input_tokens > 0


async def test_a_stream_is_the_whole_message_with_the_engines_figures(
    house: Started, messages: anthropic.AsyncAnthropic, messages_engine: anthropic.AsyncAnthropic
) -> None:
    body: Any = {"messages": QUESTION, "max_tokens": 9}
    async with messages.messages.stream(model="coder", **body) as stream:
        said = "".join([text async for text in stream.text_stream])
        reply = await stream.get_final_message()
    direct = await messages_engine.messages.create(model="tiny", **body)

    assert [block.text for block in reply.content if block.type == "text"] == [said]
    assert read(reply.usage) == read(direct.usage)
    end = house.story(str(stream.request_id))[-1]
    assert (end["outcome"], end["finish_reason"]) == ("complete", reply.stop_reason)
    assert end["usage"]["output_tokens"] == reply.usage.output_tokens > 0


async def test_any_tool_is_called_with_arguments_of_its_schema(
    messages: anthropic.AsyncAnthropic,
) -> None:
    reply = await messages.messages.create(
        model="coder", messages=QUESTION, tools=[WEATHER], tool_choice=ANY, max_tokens=200
    )
    call = reply.content[-1]
    assert reply.stop_reason == "tool_use"
    assert call.type == "tool_use"
    assert call.name == "weather"
    assert call.input["city"] in {"Oslo", "Rome"}


async def test_any_tool_is_called_in_a_stream_that_the_client_puts_together(
    messages: anthropic.AsyncAnthropic,
) -> None:
    async with messages.messages.stream(
        model="coder", messages=QUESTION, tools=[WEATHER], tool_choice=ANY, max_tokens=200
    ) as stream:
        reply = await stream.get_final_message()
    call = reply.content[-1]
    assert reply.stop_reason == "tool_use"
    assert call.type == "tool_use"
    assert call.input["city"] in {"Oslo", "Rome"}


@pytest.mark.parametrize("streaming", [False, True])
async def test_an_image_for_a_model_without_eyes_is_the_engines_failure_not_an_answer(
    house: Started, messages: anthropic.AsyncAnthropic, streaming: bool
) -> None:
    with pytest.raises(anthropic.InternalServerError) as refused:
        await messages.messages.create(
            model="coder", messages=IMAGE, stream=streaming, max_tokens=5
        )
    assert "house/tiny could not answer" in refused.value.message
    records = house.story(refused.value.response.headers["x-gatehouse-audit-id"])
    assert [each["kind"] for each in records] == ["admitted", "attempted", "completed"]
    assert records[-1]["outcome"] == "failed"


async def test_too_long_a_prompt_is_refused_in_the_engines_own_words(
    messages: anthropic.AsyncAnthropic, messages_engine: anthropic.AsyncAnthropic
) -> None:
    long: Any = [{"role": "user", "content": "word " * 4000}]
    with pytest.raises(anthropic.BadRequestError) as refused:
        await messages.messages.create(model="coder", messages=long, max_tokens=5)
    with pytest.raises(anthropic.BadRequestError) as direct:
        await messages_engine.messages.create(model="tiny", messages=long, max_tokens=5)
    assert refused.value.body == direct.value.body
