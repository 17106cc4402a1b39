"""OpenAI's own client on responses, through a gateway, to a real llama.cpp and to the rehearsal."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai.types.responses import Response

from tests.e2e.started import Started, configured_gateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

# One engine, spoken to in its own responses, and in chat that is translated.
CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{engine}", wires: [openai_responses] }}
  chatty: {{ kind: in_house, base_url: "{engine}", wires: [openai_chat] }}
  rehearsal: {{ kind: rehearsal }}
models:
  direct: {{ targets: [house/tiny] }}
  translated: {{ targets: [chatty/tiny] }}
  rehearsal: {{ targets: [rehearsal/rehearsal] }}
teams:
  default: {{ models: [direct, translated, rehearsal], data_class: internal }}
"""
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"enum": ["Oslo", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": False,
}
QUESTION = "Is it warm in Oslo? 北京 ☀"
TURNS: Any = [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": QUESTION},
    {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "-3 °C"},
]
both_roads = pytest.mark.parametrize("model", ["direct", "translated"])
streamed_or_not = pytest.mark.parametrize("streaming", [False, True])


@pytest.fixture(scope="module")
def gateway(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    configuration = CONFIGURATION.format(engine=engine_url)
    with configured_gateway(tmp_path_factory.mktemp("responses"), configuration) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def client(gateway: Started) -> AsyncIterator[openai.AsyncOpenAI]:
    async with gateway.openai() as client:
        yield client


async def asked(
    client: openai.AsyncOpenAI, *, streaming: bool, **body: Any
) -> tuple[Response, str]:
    """The response, and its audit id."""
    raw = await client.responses.with_raw_response.create(**body, stream=streaming)
    audit_id = raw.headers["x-gatehouse-audit-id"]
    if not streaming:
        return raw.parse(), audit_id
    last = None
    async for event in raw.parse():
        last = event
    assert last is not None
    assert last.type in ("response.completed", "response.incomplete")
    return last.response, audit_id


@both_roads
@streamed_or_not
@pytest.mark.parametrize("turns", [QUESTION, TURNS])
async def test_an_answer_costs_the_tokens_that_the_engine_itself_counts(
    gateway: Started, client: openai.AsyncOpenAI, model: str, streaming: bool, turns: Any
) -> None:
    reply, audit_id = await asked(
        client, streaming=streaming, model=model, input=turns, max_output_tokens=7
    )
    assert reply.usage is not None
    assert reply.usage.output_tokens == 7
    assert len(reply.output_text) == 7  # one token is one byte, and it never ends by itself
    counted = gateway.story(audit_id)[-1]["usage"]
    given = counted["input_tokens"] + counted["cache_read_tokens"]
    assert (given, counted["output_tokens"]) == (reply.usage.input_tokens, 7)


@both_roads
@streamed_or_not
async def test_a_required_tool_is_called_with_arguments_of_its_schema(
    client: openai.AsyncOpenAI, model: str, streaming: bool
) -> None:
    reply, _ = await asked(
        client,
        streaming=streaming,
        model=model,
        input=QUESTION,
        tools=[WEATHER],
        tool_choice="required",
        max_output_tokens=200,
    )
    (call,) = [each for each in reply.output if each.type == "function_call"]
    assert call.name == "weather"
    assert json.loads(call.arguments)["city"] in {"Oslo", "Rome"}


async def test_an_answer_that_was_too_long_says_so_where_it_is_translated(
    client: openai.AsyncOpenAI,
) -> None:
    """llama.cpp itself calls such an answer completed; chat tells the truth."""
    reply = await client.responses.create(model="translated", input="hi", max_output_tokens=5)
    assert (reply.status, reply.incomplete_details and reply.incomplete_details.reason) == (
        "incomplete",
        "max_output_tokens",
    )


async def test_the_clients_own_reader_of_streams_puts_a_translated_one_together(
    client: openai.AsyncOpenAI,
) -> None:
    async with client.responses.stream(
        model="translated", input=QUESTION, tools=[WEATHER], tool_choice="required"
    ) as stream:
        kinds = [event.type async for event in stream]
        reply = await stream.get_final_response()
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert reply.output[-1].type == "function_call"


async def test_a_schema_for_the_answer_is_kept_to(client: openai.AsyncOpenAI) -> None:
    form: Any = {"type": "json_schema", "name": "city", "schema": WEATHER["parameters"]}
    reply = await client.responses.create(
        model="translated", input=QUESTION, text={"format": form}, max_output_tokens=90
    )
    assert json.loads(reply.output_text)["city"] in {"Oslo", "Rome"}


async def test_a_kept_answer_is_refused_in_the_engines_own_words(
    client: openai.AsyncOpenAI,
) -> None:
    first = await client.responses.create(model="direct", input="hi", max_output_tokens=3)
    with pytest.raises(openai.BadRequestError, match="does not support 'previous_response_id'"):
        await client.responses.create(model="direct", input="hi", previous_response_id=first.id)


async def test_a_translated_answer_is_not_kept_and_the_error_says_what_to_do(
    client: openai.AsyncOpenAI,
) -> None:
    first = await client.responses.create(model="translated", input="hi", max_output_tokens=3)
    assert first.store is False  # type: ignore[attr-defined]  # not in the client's own type
    with pytest.raises(openai.BadRequestError, match="send the whole conversation in 'input'"):
        await client.responses.create(model="translated", input="hi", previous_response_id=first.id)


@streamed_or_not
async def test_a_whole_tool_turn_with_the_rehearsal_model(
    client: openai.AsyncOpenAI, streaming: bool
) -> None:
    turns: Any = [{"role": "user", "content": "Use the Read tool to read README.md"}]
    schema = {"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]}
    tools: Any = [{"type": "function", "name": "Read", "parameters": schema, "strict": True}]
    body: Any = {"model": "rehearsal", "tools": tools}
    reply, _ = await asked(client, streaming=streaming, input=turns, **body)
    call = reply.output[-1]
    assert call.type == "function_call"
    assert json.loads(call.arguments) == {"file": "README.md"}

    turns += [each.to_dict() for each in reply.output]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "# A readme"}
    told, _ = await asked(client, streaming=streaming, input=[*turns, result], **body)
    assert "3 words. It begins: # A readme" in told.output_text
