"""Messages to chat: what is carried, what is told to be left behind, what is refused."""

import json
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


def history(*turns: Any, can: Capabilities = CAN) -> list[dict[str, Any]]:
    messages = [
        {"role": "assistant" if at % 2 else "user", "content": turn}
        for at, turn in enumerate(turns)
    ]
    return read(can, messages=messages).fields["messages"]


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def use(call_id: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": arguments}


def result(call_id: str, content: Any = "done", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}
INLINE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}


def test_a_system_array_becomes_one_system_message():
    found = read(system=[text("One.", cache_control=MARK), text("Two.")])
    assert found.fields["messages"][0] == {"role": "system", "content": "One.\n\nTwo."}
    assert found.losses.names == ["cache_control"]


def test_cache_marks_are_kept_for_anthropic():
    found = read(ANTHROPIC, system=[text("One.", cache_control={**MARK, "ttl": "1h", "evil": 1})])
    part = found.fields["messages"][0]["content"][0]
    assert part == {"type": "text", "text": "One.", "cache_control": {**MARK, "ttl": "1h"}}
    assert found.losses.names == []


def test_a_system_turn_inside_the_conversation_stays_in_its_place():
    messages = [
        {"role": "user", "content": "a"},
        {"role": "system", "content": [text("b")]},
        {"role": "user", "content": "c"},
    ]
    assert read(messages=messages).fields["messages"] == [
        {"role": "user", "content": "a"},
        {"role": "system", "content": "b"},
        {"role": "user", "content": "c"},
    ]


def test_calls_and_results_become_chats_messages_in_the_order_of_the_calls():
    found = history(
        "Go",
        [text("Let me."), use("t1", path="ü"), use("t2")],
        [result("t2", "second"), result("t1", [text("first")]), text("and now?")],
    )
    assert found[1]["content"] == "Let me."
    assert [each["id"] for each in found[1]["tool_calls"]] == ["t1", "t2"]
    assert json.loads(found[1]["tool_calls"][0]["function"]["arguments"]) == {"path": "ü"}
    assert found[2:] == [
        {"role": "tool", "tool_call_id": "t1", "content": "first"},
        {"role": "tool", "tool_call_id": "t2", "content": "second"},
        {"role": "user", "content": "and now?"},
    ]


def test_a_failed_result_says_so():
    found = history("Go", [use("t")], [result("t", "no such file", is_error=True)])
    assert found[-1]["content"] == "[the tool reported an error]\nno such file"


def test_an_empty_result_is_still_a_result():
    found = history("Go", [use("t")], [{"type": "tool_result", "tool_use_id": "t"}])
    assert found[-1] == {"role": "tool", "tool_call_id": "t", "content": ""}


def test_an_image_in_a_result_follows_the_results_as_the_users():
    found = history("Go", [use("t1"), use("t2")], [result("t1", [IMAGE]), result("t2")])
    assert [each["role"] for each in found[2:]] == ["tool", "tool", "user"]
    assert found[-1]["content"] == [text("Image in the result of tool call t1:"), INLINE]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (IMAGE, INLINE),
        (
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        ),
    ],
)
def test_images_are_carried(image, expected):
    assert history([text("What?"), image])[0]["content"] == [text("What?"), expected]


def test_signed_thinking_is_taken_out_whole_and_told():
    messages = [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "secret thought", "signature": "SIG"},
                {"type": "redacted_thinking", "data": "BLOB"},
                text("Yes."),
            ],
        },
    ]
    found = read(messages=messages)
    assert found.fields["messages"][1] == {"role": "assistant", "content": "Yes."}
    assert found.losses.names == ["messages.thinking", "messages.redacted_thinking"]
    assert "secret thought" not in json.dumps(found.fields)


def test_signed_thinking_goes_back_to_anthropic_unchanged():
    thinking = {"type": "thinking", "thinking": "thought", "signature": "SIG"}
    found = history("Hi", [thinking, text("Yes.")], can=ANTHROPIC)
    assert found[1]["thinking_blocks"] == [thinking]


def test_unsigned_thinking_is_a_chat_engines_own_and_goes_back_to_it():
    found = history("Hi", [{"type": "thinking", "thinking": "hm", "signature": ""}, text("Yes.")])
    assert found[1]["reasoning_content"] == "hm"


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
