"""A developer's first turn with the rehearsal model, by both clients: a tool, its result, words."""

import json
from typing import Any

import anthropic
import openai
import pytest

from tests.e2e.started import Started

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCHEMA: Any = {
    "type": "object",
    "properties": {"file_path": {"type": "string"}, "limit": {"type": "integer"}},
    "required": ["file_path"],
}
CHAT_TOOLS: Any = [
    {"type": "function", "function": {"name": "Read", "parameters": SCHEMA, "strict": True}}
]
MESSAGES_TOOLS: Any = [{"name": "Read", "input_schema": SCHEMA}]
WISH = "Use the Read tool to read README.md"


async def said_on_chat(client: openai.AsyncOpenAI, streaming: bool, turns: Any) -> Any:
    body: Any = {"model": "rehearsal", "messages": turns, "tools": CHAT_TOOLS}
    if not streaming:
        return (await client.chat.completions.create(**body)).choices[0]
    async with client.chat.completions.stream(**body) as stream:
        return (await stream.get_final_completion()).choices[0]


async def said_on_messages(client: anthropic.AsyncAnthropic, streaming: bool, turns: Any) -> Any:
    body: Any = {
        "model": "rehearsal",
        "messages": turns,
        "tools": MESSAGES_TOOLS,
        "max_tokens": 1000,
    }
    if not streaming:
        return await client.messages.create(**body)
    async with client.messages.stream(**body) as stream:
        return await stream.get_final_message()


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_whole_tool_turn_on_chat(chat: openai.AsyncOpenAI, streaming: bool) -> None:
    turns: Any = [{"role": "user", "content": WISH}]
    asked = await said_on_chat(chat, streaming, turns)
    assert asked.finish_reason == "tool_calls"
    (call,) = asked.message.tool_calls
    assert call.function.name == "Read"
    assert json.loads(call.function.arguments) == {"file_path": "README.md"}

    turns.append(asked.message.to_dict())
    turns.append({"role": "tool", "tool_call_id": call.id, "content": "# A readme of 5 words"})
    told = await said_on_chat(chat, streaming, turns)
    assert told.finish_reason == "stop"
    assert "6 words. It begins: # A readme of 5 words" in told.message.content


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_whole_tool_turn_on_messages(
    messages: anthropic.AsyncAnthropic, streaming: bool
) -> None:
    turns: Any = [{"role": "user", "content": WISH}]
    asked = await said_on_messages(messages, streaming, turns)
    assert asked.stop_reason == "tool_use"
    call = asked.content[-1]
    assert (call.name, call.input) == ("Read", {"file_path": "README.md"})

    result = {"type": "tool_result", "tool_use_id": call.id, "content": "# A readme of 5 words"}
    turns.append({"role": "assistant", "content": [each.to_dict() for each in asked.content]})
    turns.append({"role": "user", "content": [result]})
    told = await said_on_messages(messages, streaming, turns)
    assert told.stop_reason == "end_turn"
    assert "6 words. It begins: # A readme of 5 words" in told.content[0].text


async def test_it_says_what_it_is_and_the_audit_id_under_which_it_was_asked(
    house: Started, chat: openai.AsyncOpenAI
) -> None:
    raw = await chat.chat.completions.with_raw_response.create(
        model="rehearsal", messages=[{"role": "user", "content": "Hello"}]
    )
    reply = raw.parse()
    text, usage = reply.choices[0].message.content, reply.usage
    assert text is not None
    assert usage is not None
    assert "not a language model" in text
    audit_id = raw.headers["x-gatehouse-audit-id"]
    assert f"audit id: {audit_id}" in text
    end = house.followed(audit_id)[-1]
    assert end["usage"]["input_tokens"] == usage.prompt_tokens
    assert end["usage"]["output_tokens"] == usage.completion_tokens


async def test_its_count_of_tokens_is_what_an_answer_then_costs(
    messages: anthropic.AsyncAnthropic,
) -> None:
    body: Any = {"model": "rehearsal", "messages": [{"role": "user", "content": "one two three"}]}
    counted = await messages.messages.count_tokens(**body)
    reply = await messages.messages.create(**body, max_tokens=300)
    assert counted.input_tokens == reply.usage.input_tokens > 0


async def test_an_editor_is_completed_by_a_comment_that_owns_up(chat: openai.AsyncOpenAI) -> None:
    stream = await chat.completions.create(
        model="rehearsal", prompt="def add(a, b):\n    ", suffix="\n\nadd(1, 2)", stream=True
    )
    text = "".join([chunk.choices[0].text async for chunk in stream])
    assert text == "# Gatehouse's rehearsal model: no model completed this."


async def test_vectors_are_not_made_up(chat: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="does not speak openai_embeddings"):
        await chat.embeddings.create(model="rehearsal", input="def add(a, b):")
