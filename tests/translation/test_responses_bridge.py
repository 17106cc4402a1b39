"""LiteLLM's own bridge from chat to responses: why it is not taken (docs/decisions/0016).

When one of these fails, LiteLLM has changed: look whether our own road may go.
"""

import json
from typing import Any

import pytest

from tests.fakes.translation import FAILED_RESPONSE, chat_body
from tests.fakes.vendor import FakeVendor, TokenUsage, ToolCall

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore"),
]


async def bridged(sender: Any, engine: FakeVendor, model: str) -> list[dict[str, Any]]:
    """The chunks of a stream that the bridge was asked for."""
    body = chat_body(model=f"openai/responses/{model}", stream=True)
    address = {"api_base": f"{engine.url}/v1", "api_key": "none", "client": sender._handler}
    chunks = await sender._litellm.acompletion(**body, **address, num_retries=0, max_retries=0)
    return [each.model_dump(exclude_none=True) async for each in chunks]


@pytest.mark.parametrize("model", ["m-1", "gpt-5-codex"])
async def test_it_goes_around_our_client_raises_the_limit_and_lets_the_vendor_keep_it(
    sender, engine, model
):
    """No errand is set: our transport would have let nothing leave."""
    await bridged(sender, engine, model)
    sent = engine.calls[-1].json()
    assert sent["max_output_tokens"] == 16
    assert "store" not in sent
    assert engine.calls[-1].header("user-agent") != "gatehouse"


async def test_of_a_model_it_does_not_know_it_asks_no_stream_and_says_arguments_twice(
    sender, engine
):
    engine.calls_tools(ToolCall("read_file", {"path": "a"}))
    chunks = await bridged(sender, engine, "m-1")
    pieces = [
        piece["function"]["arguments"]
        for chunk in chunks
        for piece in chunk["choices"][0]["delta"].get("tool_calls", [])
    ]
    assert "stream" not in engine.calls[-1].json()
    assert "".join(pieces) == json.dumps({"path": "a"}) * 2


async def test_of_a_model_it_does_not_know_a_cut_answer_and_a_failed_one_end_well(sender, engine):
    engine.says("words", finish="length")
    assert (await bridged(sender, engine, "m-1"))[-1]["choices"][0]["finish_reason"] == "stop"
    engine.answers(200, json.dumps(FAILED_RESPONSE).encode())
    assert (await bridged(sender, engine, "m-1"))[-1]["choices"][0]["finish_reason"] == "stop"


async def test_a_call_gets_the_id_of_its_item_and_the_figures_are_left_out(sender, engine):
    engine.calls_tools(ToolCall("read_file", {"path": "a"}))
    engine.uses(TokenUsage(input=10, output=7))
    chunks = await bridged(sender, engine, "gpt-5-codex")
    calls = [each["choices"][0]["delta"].get("tool_calls") for each in chunks]
    assert next(each for each in calls if each)[0]["id"] == "fc_0"  # it was `call_0`
    assert not any("usage" in each for each in chunks)
