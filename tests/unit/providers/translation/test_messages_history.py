"""A conversation of messages as chat messages: calls, results, images, thinking, in their order."""

import json
from typing import Any

import pytest

from providers.translation.hub import Capabilities, Losses
from providers.translation.messages_history import History

CAN = Capabilities(frozenset())
ANTHROPIC = Capabilities(frozenset(), anthropic=True)


def read(messages: Any, can: Capabilities = CAN) -> tuple[list[dict[str, Any]], list[str]]:
    losses = Losses()
    return History(can, losses).read(messages), losses.names


def history(*turns: Any, can: Capabilities = CAN) -> list[dict[str, Any]]:
    messages = [
        {"role": "assistant" if at % 2 else "user", "content": turn}
        for at, turn in enumerate(turns)
    ]
    return read(messages, can)[0]


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def use(call_id: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": arguments}


def result(call_id: str, content: Any = "done", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}
INLINE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}


def test_a_system_turn_inside_the_conversation_stays_in_its_place():
    messages = [
        {"role": "user", "content": "a"},
        {"role": "system", "content": [text("b")]},
        {"role": "user", "content": "c"},
    ]
    assert read(messages)[0] == [
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
    found, lost = read(messages)
    assert found[1] == {"role": "assistant", "content": "Yes."}
    assert lost == ["messages.thinking", "messages.redacted_thinking"]
    assert "secret thought" not in json.dumps(found)


def test_signed_thinking_goes_back_to_anthropic_unchanged():
    thinking = {"type": "thinking", "thinking": "thought", "signature": "SIG"}
    found = history("Hi", [thinking, text("Yes.")], can=ANTHROPIC)
    assert found[1]["thinking_blocks"] == [thinking]


def test_unsigned_thinking_is_a_chat_engines_own_and_goes_back_to_it():
    found = history("Hi", [{"type": "thinking", "thinking": "hm", "signature": ""}, text("Yes.")])
    assert found[1]["reasoning_content"] == "hm"
