"""Messages to chat: what is carried, what is told to be left behind, what is refused."""

from typing import Any

import pytest

from providers.errors import UnsupportedFeature
from providers.translation.hub import Capabilities, ChatRequest
from providers.translation.messages_request import read_messages

ALL = frozenset(
    {
        "max_tokens",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "stop",
        "temperature",
        "top_p",
        "response_format",
        "thinking",
    }
)
CAN = Capabilities(ALL)
ANTHROPIC = Capabilities(ALL, anthropic=True)
MARK = {"type": "ephemeral"}


def read(can: Capabilities = CAN, **body: Any) -> ChatRequest:
    asked = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}], **body}
    return read_messages(asked, can)


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def result(call_id: str, content: Any = "done", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}


def test_a_system_array_becomes_one_system_message():
    found = read(system=[text("One.", cache_control=MARK), text("Two.")])
    assert found.fields["messages"][0] == {"role": "system", "content": "One.\n\nTwo."}
    assert found.losses.names == ["cache_control"]


def test_cache_marks_are_kept_for_anthropic():
    found = read(ANTHROPIC, system=[text("One.", cache_control={**MARK, "ttl": "1h", "evil": 1})])
    part = found.fields["messages"][0]["content"][0]
    assert part == {"type": "text", "text": "One.", "cache_control": {**MARK, "ttl": "1h"}}
    assert found.losses.names == []


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        (
            {"type": "tool", "name": "f"},
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        ),
        (
            {"type": "auto", "disable_parallel_tool_use": True},
            {"tool_choice": "auto", "parallel_tool_calls": False},
        ),
    ],
)
def test_tool_choices_are_carried(choice, expected):
    fields = read(tool_choice=choice).fields
    assert {name: fields[name] for name in expected} == expected


def test_tools_and_parameters_are_carried():
    tool = {
        "name": "f",
        "description": "d",
        "input_schema": {"type": "object"},
        "strict": True,
        "cache_control": MARK,
        "defer_loading": True,
    }
    found = read(tools=[tool], stop_sequences=["END"], temperature=0.5, top_p=0.9, top_k=3)
    function = {
        "name": "f",
        "description": "d",
        "parameters": {"type": "object"},
        "strict": True,
    }
    assert found.fields["tools"] == [{"type": "function", "function": function}]
    assert found.fields["stop"] == ["END"]
    assert (found.fields["temperature"], found.fields["top_p"]) == (0.5, 0.9)
    assert sorted(found.losses.names) == ["cache_control", "tools.defer_loading", "top_k"]


def test_a_demanded_form_is_carried():
    schema = {"type": "object"}
    found = read(output_config={"format": {"type": "json_schema", "schema": schema}, "effort": "x"})
    assert found.fields["response_format"]["json_schema"]["schema"] == schema
    assert found.losses.names == ["output_config.effort"]


def test_adaptive_thinking_is_what_others_do_anyway():
    found = read(thinking={"type": "adaptive", "display": "x"})
    assert "thinking" not in found.fields
    assert found.losses.names == ["thinking.display", "thinking"]


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("tools", [{"type": "bash_20250124", "name": "bash"}], "tools.0.type"),
        ("tools", [{"name": "f"}], "tools.0.input_schema"),
        ("tools", "all of them", "tools"),
        ("tool_choice", {"type": "some"}, "tool_choice"),
        ("tool_choice", "auto", "tool_choice"),
        ("mcp_servers", [{}], "mcp_servers"),
        ("container", "c", "container"),
        ("max_tokens", "9", "max_tokens"),
        ("stop_sequences", [1], "stop_sequences"),
        ("output_format", {"type": "xml"}, "output_format"),
        ("system", [{"type": "image"}], "system.0.type"),
        ("messages", [{"role": "tool", "content": "x"}], "messages.0.role"),
        ("messages", [{"role": "user", "content": [{"type": "document"}]}], "messages.0.content.0"),
        ("messages", [{"role": "user", "content": [5]}], "messages.0.content.0"),
        (
            "messages",
            [{"role": "assistant", "content": [{"type": "server_tool_use"}]}],
            "messages.0.content.0",
        ),
        (
            "messages",
            [{"role": "user", "content": [result("t"), result("t")]}],
            "messages.0.content.1",
        ),
        (
            "messages",
            [{"role": "user", "content": [{**IMAGE, "source": {"type": "file"}}]}],
            "messages.0.content.0.source",
        ),
    ],
)
def test_what_cannot_be_carried_is_refused_by_name(field, value, named):
    with pytest.raises(UnsupportedFeature) as caught:
        read(**{field: value})
    assert caught.value.message.startswith(named)


def test_a_hostile_name_cannot_break_a_header_or_a_message():
    found = read(**{"a\r\nx-evil: 1": 1, "ü" * 99: 1}, **{f"f{n}": n for n in range(50)})
    header = found.losses.header()
    assert b"\r" not in header
    assert b"\n" not in header
    assert header.endswith(b",...")
    assert len(header) < 2000
