"""A responses request in chat's words, and what its reply repeats of it."""

from typing import Any

import pytest
from openai.types.responses import Response

from providers.errors import UnsupportedFeature
from providers.translation.hub import Capabilities, ChatRequest
from providers.translation.parameters import PARAMETERS
from providers.translation.responses_request import read_responses

ALL = Capabilities(PARAMETERS | {"tools"})
TOOL = {"type": "function", "name": "run", "parameters": {"type": "object"}}


def read(can: Capabilities = ALL, **body: Any) -> ChatRequest:
    return read_responses({"model": "m", "input": "hi", **body}, can)


def test_parameters_go_by_chats_names() -> None:
    request = read(
        max_output_tokens=9,
        temperature=0.5,
        top_p=0.9,
        parallel_tool_calls=False,
        tools=[TOOL],
        tool_choice="required",
        reasoning={"effort": "low"},
        text={"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}}},
        prompt_cache_key="k",
        stream=True,
        store=False,
        include=["reasoning.encrypted_content"],
    )
    fields = request.fields
    assert fields["max_tokens"] == 9
    assert (fields["temperature"], fields["top_p"]) == (0.5, 0.9)
    assert (fields["parallel_tool_calls"], fields["tool_choice"]) == (False, "required")
    assert fields["reasoning_effort"] == "low"
    assert fields["prompt_cache_key"] == "k"
    assert fields["response_format"]["json_schema"] == {"name": "a", "schema": {"type": "object"}}
    assert fields["messages"] == [{"role": "user", "content": "hi"}]
    assert request.losses.names == []


def test_without_tools_nothing_is_said_of_tools() -> None:
    fields = read(tools=[], tool_choice="auto", parallel_tool_calls=True).fields
    assert set(fields) == {"messages"}


@pytest.mark.parametrize(
    ("body", "lost"),
    [
        ({"store": True}, "store"),
        ({"truncation": "auto"}, "truncation"),
        ({"include": ["message.output_text.logprobs"]}, "include"),
        ({"reasoning": {"summary": "auto"}}, "reasoning.summary"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"client_metadata": {"cwd": "/secret"}}, "client_metadata"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"max_tool_calls": 3}, "max_tool_calls"),
    ],
)
def test_what_is_left_behind_is_named(body: dict[str, Any], lost: str) -> None:
    assert read(**body).losses.names == [lost]


@pytest.mark.parametrize(
    "body",
    [
        {"service_tier": "auto"},
        {"truncation": "disabled"},
        {"store": False},
        {"stream_options": {"include_obfuscation": False}},
        {"text": {"format": {"type": "text"}}},
        {"background": False},
    ],
)
def test_what_holds_anyway_is_no_loss(body: dict[str, Any]) -> None:
    assert read(**body).losses.names == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id: answers of this model are not"),
        ({"conversation": "c"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"background": True}, "background"),
        ({"input": 5}, "input: a list"),
        ({"tools": 5}, "tools: a list"),
        ({"tool_choice": "run", "tools": [TOOL]}, "tool_choice"),
        ({"text": {"format": {"type": "xml"}}}, "response_format"),
        ({"text": {"format": {"type": "json_schema"}}}, r"text\.format\.name"),
        ({"instructions": [1]}, "instructions"),
    ],
)
def test_what_must_not_be_lost_is_refused(body: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedFeature, match=message):
        read(**body)


def test_a_limit_that_the_target_does_not_know_is_refused() -> None:
    with pytest.raises(UnsupportedFeature, match="max_tokens"):
        read(Capabilities(frozenset()), max_output_tokens=9)


def test_who_signs_its_thoughts_is_not_asked_to_think() -> None:
    request = read(Capabilities(ALL.parameters, anthropic=True), reasoning={"effort": "high"})
    assert "reasoning_effort" not in request.fields
    assert request.losses.names == ["reasoning.effort"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"instructions": "Be brief.", "metadata": {"a": "b"}, "user": "ann", "temperature": 0.1},
        {"tools": [TOOL, {"type": "custom", "name": "note"}], "tool_choice": "none"},
        {"tools": [{"type": "namespace", "name": "n", "description": "d", "tools": [TOOL]}]},
        {"reasoning": {"effort": "low", "summary": "auto"}, "text": {"verbosity": "low"}},
    ],
)
def test_what_a_reply_repeats_is_a_response_in_the_sdks_eyes(body: dict[str, Any]) -> None:
    echo = read(**body).echo
    own = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "output": []}
    Response.model_validate({**echo, **own}, strict=True)
    assert echo["store"] is False
    assert echo["previous_response_id"] is None
    assert all(echo[name] == value for name, value in body.items() if name != "tools")
