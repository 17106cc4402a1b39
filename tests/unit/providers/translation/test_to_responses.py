"""The hub's chat request as a responses request."""

from typing import Any

import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

from providers.errors import UnsupportedFeature
from providers.translation.chat_request import read_chat
from providers.translation.hub import Capabilities, ChatRequest, Json
from providers.translation.to_responses import parameters_of_responses, responses_request
from tests.fakes.translation import SCHEMA, chat_body

_PARAMS: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsNonStreaming)
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
CALL = {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def read(*, in_house: bool = True, **more: Any) -> ChatRequest:
    can = Capabilities(parameters_of_responses(in_house=in_house))
    return read_chat(chat_body(**more), can)


def made(*, in_house: bool = True, **more: Any) -> Json:
    """The body, checked against the official SDK's own types."""
    request = read(in_house=in_house, **more)
    body = responses_request(request, model="m-1", streaming=False, takes_thoughts=in_house)
    checked = {name: value for name, value in body.items() if name != "stream"}
    _PARAMS.validate_python(checked)
    return body


def items(*messages: Json, in_house: bool = True) -> list[Json]:
    found: list[Json] = made(messages=list(messages), in_house=in_house)["input"]
    return found


def test_the_conversation_stands_in_the_request_and_nothing_is_kept():
    body = made()
    assert body["input"] == [
        {"type": "message", "role": "system", "content": "Be brief."},
        {"type": "message", "role": "user", "content": "Hi"},
    ]
    assert (body["model"], body["store"], body["stream"]) == ("m-1", False, False)
    assert "include" not in body
    assert "previous_response_id" not in body


def test_a_tool_is_no_stricter_than_it_was():
    bare = {"type": "function", "function": {"name": "g"}}
    strict = {"type": "function", "function": {"name": "h", "parameters": SCHEMA, "strict": True}}
    body = made(tools=[*chat_body()["tools"], bare, strict])
    assert body["tools"] == [
        {
            "type": "function",
            "name": "read_file",
            "description": "Reads.",
            "parameters": SCHEMA,
            "strict": False,
        },
        {
            "type": "function",
            "name": "g",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        },
        {"type": "function", "name": "h", "parameters": SCHEMA, "strict": True},
    ]


@pytest.mark.parametrize(
    ("chat", "responses"),
    [
        ({"max_tokens": 9}, {"max_output_tokens": 9}),
        ({"max_tokens": None, "max_completion_tokens": 7}, {"max_output_tokens": 7}),
        ({"reasoning_effort": "high"}, {"reasoning": {"effort": "high"}}),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "read_file"}}},
            {"tool_choice": {"type": "function", "name": "read_file"}},
        ),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
        ({"prompt_cache_key": "k", "user": "u"}, {"prompt_cache_key": "k", "user": "u"}),
        ({"service_tier": "flex"}, {"service_tier": "flex"}),
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
        (
            {"response_format": {"type": "json_object"}},
            {"text": {"format": {"type": "json_object"}}},
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
                }
            },
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "answer",
                        "schema": SCHEMA,
                        "strict": True,
                    }
                }
            },
        ),
    ],
)
def test_a_parameter_has_its_other_name(chat, responses):
    body = made(**chat)
    assert {name: body.get(name) for name in responses} == responses
    assert body.keys() <= {"model", "store", "stream", "input", "tools", "max_output_tokens"} | (
        responses.keys()
    )


@pytest.mark.parametrize(("field", "value"), [("stop", ["x"]), ("n", 2), ("logit_bias", {"5": 1})])
def test_what_responses_cannot_be_asked_and_must_not_be_lost_is_refused(field, value):
    with pytest.raises(UnsupportedFeature, match=f"^{field}"):
        read(**{field: value})


def test_what_else_cannot_be_asked_is_named():
    request = read(seed=5, presence_penalty=0.5, logprobs=True, store=True)
    assert set(request.losses.names) == {"seed", "presence_penalty", "logprobs", "store"}


def test_a_vendors_models_are_not_told_a_temperature():
    request = read(in_house=False, temperature=1, top_p=1)
    body = responses_request(request, model="m", streaming=True, takes_thoughts=False)
    assert not body.keys() & {"temperature", "top_p"}
    assert set(request.losses.names) == {"temperature", "top_p"}
    assert body["stream"] is True


def test_calls_and_results_are_items_in_their_order():
    found = items(
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Let me.", "tool_calls": [CALL, {**CALL, "id": "call_1"}]},
        {"role": "tool", "tool_call_id": "call_0", "content": [{"type": "text", "text": "A"}]},
        {"role": "tool", "tool_call_id": "call_1", "content": ""},
        {"role": "developer", "content": "Go on."},
    )
    assert found[1:] == [
        {"type": "message", "role": "assistant", "content": "Let me."},
        {"type": "function_call", "call_id": "call_0", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_0", "output": "A"},
        {"type": "function_call_output", "call_id": "call_1", "output": ""},
        {"type": "message", "role": "developer", "content": "Go on."},
    ]


def test_an_image_and_a_refusal_are_carried():
    text = {"type": "text", "text": "What is it?"}
    sharp = {"type": "image_url", "image_url": {**IMAGE["image_url"], "detail": "high"}}
    asked, refused = items(
        {"role": "user", "content": [text, IMAGE, sharp]},
        {"role": "assistant", "content": None, "refusal": "No."},
    )
    url = "data:image/png;base64,QUJD"
    assert asked["content"] == [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": url, "detail": "auto"},
        {"type": "input_image", "image_url": url, "detail": "high"},
    ]
    assert (refused["role"], refused["content"]) == ("assistant", "No.")


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({"role": "assistant", "content": [IMAGE]}, "messages.0.content"),
        ({"role": "tool", "tool_call_id": "1", "content": [IMAGE]}, "messages.0.content"),
        (
            {
                "role": "user",
                "content": [{"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}],
            },
            "messages.0.content.0.type",
        ),
    ],
)
def test_a_part_that_has_no_form_is_refused_by_name(message, named):
    with pytest.raises(UnsupportedFeature, match=f"^{named}"):
        items(message)


THOUGHT = {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}


def test_unsigned_thoughts_go_back_to_an_engine_of_the_house():
    thought, said = items(THOUGHT)
    assert thought["content"] == [{"type": "reasoning_text", "text": "Hm."}]
    assert (thought["type"], thought["summary"], said["content"]) == ("reasoning", [], "Yes.")


def test_a_vendor_is_sent_no_thoughts_and_they_are_named():
    request = read(in_house=False, messages=[{**THOUGHT, "name": "me"}])
    body = responses_request(request, model="m", streaming=False, takes_thoughts=False)
    assert [each["type"] for each in body["input"]] == ["message"]
    assert set(request.losses.names) == {"messages.name", "messages.reasoning_content"}
