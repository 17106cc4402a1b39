"""OpenAI's own client, through a gateway, to a real llama.cpp: as if the gateway were not there."""

import json
from typing import Any, Literal

import openai
import pydantic
import pytest

from tests.e2e.started import Started

pytestmark = pytest.mark.asyncio(loop_scope="session")

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"enum": ["Oslo", "Rome"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


class Weather(pydantic.BaseModel):
    """The weather of a city."""

    city: Literal["Oslo", "Rome"]


CITY: Any = {
    "type": "json_schema",
    "json_schema": {"name": "city", "schema": WEATHER["function"]["parameters"]},
}
# A field of the engine's own, so that noise does not end early: the gateway passes it on.
ON_AND_ON: Any = {"extra_body": {"ignore_eos": True}}
QUESTION: Any = [{"role": "user", "content": "Is it warm in Oslo? 北京 ☀"}]
TURNS: Any = [
    {"role": "system", "content": "Be brief."},
    *QUESTION,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "-3 °C"},
]
IMAGE: Any = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        ],
    }
]


async def streamed(client: openai.AsyncOpenAI, **body: Any) -> list[Any]:
    return [chunk async for chunk in await client.chat.completions.create(**body, stream=True)]


def text_of(chunks: list[Any]) -> str:
    return "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)


@pytest.mark.parametrize("turns", [QUESTION, TURNS])
async def test_an_answer_costs_the_tokens_that_the_engine_itself_counts(
    house: Started, chat: openai.AsyncOpenAI, chat_engine: openai.AsyncOpenAI, turns: Any
) -> None:
    body: Any = {"messages": turns, "max_tokens": 7, **ON_AND_ON}
    raw = await chat.chat.completions.with_raw_response.create(model="coder", **body)
    direct = await chat_engine.chat.completions.create(model="tiny", **body)

    used, wanted = raw.parse().usage, direct.usage
    assert used is not None
    assert wanted is not None
    assert used.prompt_tokens == wanted.prompt_tokens
    assert used.completion_tokens == wanted.completion_tokens == 7
    counted = house.story(raw.headers["x-gatehouse-audit-id"])[-1]["usage"]
    assert counted["input_tokens"] + counted["cache_read_tokens"] == wanted.prompt_tokens
    assert counted["output_tokens"] == 7


async def test_a_stream_says_what_the_engine_says_and_how_much_when_asked(
    chat: openai.AsyncOpenAI, chat_engine: openai.AsyncOpenAI
) -> None:
    asked_for: Any = {"max_tokens": 9, "stream_options": {"include_usage": True}}
    body: Any = {"messages": QUESTION, **asked_for, **ON_AND_ON}
    chunks = await streamed(chat, model="coder", **body)
    direct = await streamed(chat_engine, model="tiny", **body)

    assert len(text_of(chunks)) == len(text_of(direct)) > 0
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-1].usage.prompt_tokens == direct[-1].usage.prompt_tokens
    assert chunks[-1].usage.completion_tokens == 9


async def test_who_does_not_ask_for_usage_gets_no_usage_chunk_but_the_ledger_has_it(
    house: Started, chat: openai.AsyncOpenAI
) -> None:
    raw = await chat.chat.completions.with_raw_response.create(
        model="coder", messages=QUESTION, max_tokens=5, stream=True, **ON_AND_ON
    )
    chunks = [chunk async for chunk in raw.parse()]

    assert [each for each in chunks if each.usage is not None or not each.choices] == []
    end = house.story(raw.headers["x-gatehouse-audit-id"])[-1]
    assert (end["outcome"], end["usage"]["output_tokens"]) == ("complete", 5)


async def test_a_required_tool_is_called_with_arguments_of_its_schema(
    chat: openai.AsyncOpenAI,
) -> None:
    reply = await chat.chat.completions.create(
        model="coder", messages=QUESTION, tools=[WEATHER], tool_choice="required", max_tokens=200
    )
    choice = reply.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    assert choice.message.tool_calls[0].function.name == "weather"
    assert json.loads(choice.message.tool_calls[0].function.arguments)["city"] in {"Oslo", "Rome"}


async def test_a_required_tool_is_called_in_a_stream_that_the_client_puts_together(
    chat: openai.AsyncOpenAI,
) -> None:
    async with chat.chat.completions.stream(
        model="coder",
        messages=QUESTION,
        tools=[openai.pydantic_function_tool(Weather, name="weather")],
        tool_choice="required",
        max_tokens=200,
    ) as stream:
        reply = await stream.get_final_completion()
    choice = reply.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    asked = choice.message.tool_calls[0].function.parsed_arguments
    assert isinstance(asked, Weather)
    assert asked.city in {"Oslo", "Rome"}


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_json_schema_is_kept_to(chat: openai.AsyncOpenAI, streaming: bool) -> None:
    body: Any = {"model": "coder", "messages": QUESTION, "response_format": CITY, "max_tokens": 90}
    if streaming:
        text = text_of(await streamed(chat, **body))
    else:
        text = (await chat.chat.completions.create(**body)).choices[0].message.content or ""
    assert json.loads(text)["city"] in {"Oslo", "Rome"}


@pytest.mark.parametrize("streaming", [False, True])
async def test_an_image_for_a_model_without_eyes_is_the_engines_failure_not_an_answer(
    house: Started, chat: openai.AsyncOpenAI, streaming: bool
) -> None:
    with pytest.raises(openai.InternalServerError, match="house/tiny could not answer") as refused:
        await chat.chat.completions.create(
            model="coder", messages=IMAGE, stream=streaming, max_tokens=5
        )
    assert refused.value.code == "upstream_failed"
    records = house.story(refused.value.response.headers["x-gatehouse-audit-id"])
    assert [each["kind"] for each in records] == ["admitted", "attempted", "completed"]
    assert records[-1]["outcome"] == "failed"


async def test_too_long_a_prompt_is_refused_in_the_engines_own_words(
    chat: openai.AsyncOpenAI, chat_engine: openai.AsyncOpenAI
) -> None:
    long: Any = [{"role": "user", "content": "word " * 4000}]
    with pytest.raises(openai.BadRequestError) as refused:
        await chat.chat.completions.create(model="coder", messages=long)
    with pytest.raises(openai.BadRequestError) as direct:
        await chat_engine.chat.completions.create(model="tiny", messages=long)
    assert refused.value.body == direct.value.body
