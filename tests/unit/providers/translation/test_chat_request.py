"""Chat to hub: an allow-list down to each message, part, call and tool."""

from typing import Any

import pytest

from providers.errors import UnsupportedFeature
from providers.translation.chat_request import read_chat
from providers.translation.hub import Capabilities, ChatRequest
from providers.translation.parameters import PARAMETERS

CAN = Capabilities(PARAMETERS | {"tools"})
FEW = Capabilities(frozenset({"max_tokens", "stop", "temperature"}))


def read(can: Capabilities = CAN, **body: Any) -> ChatRequest:
    return read_chat({"model": "m", "messages": [{"role": "user", "content": "Hi"}], **body}, can)


def message(**value: Any) -> dict[str, Any]:
    return read(messages=[value]).fields["messages"][0]


def test_a_conversation_is_rebuilt_from_what_is_known():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    noisy = {**call, "evil": 1, "function": {**call["function"], "evil": 1}}
    said = message(role="assistant", content=None, tool_calls=[noisy], evil=1)
    assert said == {"role": "assistant", "content": None, "tool_calls": [call]}
    answered = message(role="tool", tool_call_id="c", content="x", evil=1)
    assert answered == {"role": "tool", "tool_call_id": "c", "content": "x"}


def test_parts_are_rebuilt_from_what_is_known():
    parts = [
        {"type": "text", "text": "a", "evil": 1},
        {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "low", "e": 1}},
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav", "evil": 1}},
    ]
    assert message(role="user", content=parts)["content"] == [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
    ]


def test_what_was_left_out_is_named():
    found = read(seed=None, verbosity="low", store=True, metadata={"a": 1})
    assert found.losses.names == ["verbosity", "store", "metadata"]


def test_what_the_target_does_not_know_is_named():
    found = read(FEW, temperature=0.1, top_p=0.5, seed=3)
    assert found.fields.keys() == {"messages", "temperature"}
    assert sorted(found.losses.names) == ["seed", "top_p"]


def test_a_limit_takes_the_name_the_target_knows():
    assert read(FEW, max_completion_tokens=7).fields["max_tokens"] == 7


@pytest.mark.parametrize("asked", [True, False])
def test_usage_is_wanted_when_it_was_asked_for(asked):
    assert read(stream_options={"include_usage": asked}).wants_usage is asked


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tool_choice", "required"),
        ("n", 2),
        ("logit_bias", {"1": 1}),
        ("response_format", {"type": "json_object"}),
        ("parallel_tool_calls", False),
        ("tools", [{"type": "function", "function": {"name": "f"}}]),
    ],
)
def test_a_target_that_cannot_be_asked_is_the_wrong_target(field, value):
    with pytest.raises(UnsupportedFeature, match=f"^{field}"):
        read(FEW, **{field: value})


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("n", "2", "n"),
        ("max_tokens", True, "max_tokens"),
        ("stop", 5, "stop"),
        ("logit_bias", {"a": "b"}, "logit_bias"),
        ("tool_choice", {"type": "allowed_tools"}, "tool_choice"),
        ("response_format", {"type": "grammar"}, "response_format"),
        ("functions", [], "functions"),
        ("web_search_options", {}, "web_search_options"),
        ("modalities", ["audio"], "modalities"),
        ("tools", [{"type": "custom"}], "tools.0.type"),
        ("tools", [{"type": "function", "function": {}}], "tools.0.function.name"),
        ("messages", {}, "messages"),
        ("messages", [{"role": "function", "content": "x"}], "messages.0.role"),
        ("messages", [{"role": ["user"], "content": "x"}], "messages.0.role"),
        ("messages", [{"role": "user"}], "messages.0.content"),
        (
            "messages",
            [{"role": "user", "content": [{"type": "file"}]}],
            "messages.0.content.0.type",
        ),
        (
            "messages",
            [{"role": "user", "content": [{"type": "image_url", "image_url": "ftp://x"}]}],
            "messages.0.content.0.image_url",
        ),
        (
            "messages",
            [{"role": "assistant", "tool_calls": [{"type": "custom", "id": "c"}]}],
            "messages.0.tool_calls.0.type",
        ),
    ],
)
def test_what_cannot_be_carried_is_refused_by_name(field, value, named):
    with pytest.raises(UnsupportedFeature) as caught:
        read(**{field: value})
    assert caught.value.message.startswith(f"{named}:")
