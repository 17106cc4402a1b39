"""Items become turns: words, calls and results, each where chat wants it."""

from typing import Any

import pytest

from providers.errors import UnsupportedFeature
from providers.translation.hub import Capabilities, Losses
from providers.translation.responses_history import Items

CAN = Capabilities(frozenset())
ANTHROPIC = Capabilities(frozenset(), anthropic=True)
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,iVBOR", "detail": "high"}
SHOWN = {
    "type": "image_url",
    "image_url": {"url": "data:image/png;base64,iVBOR", "detail": "high"},
}


def read(
    *items: Any, instructions: str | None = None, can: Capabilities = CAN
) -> tuple[list[Any], list[str]]:
    losses = Losses()
    return Items(can, losses).read(instructions, list(items)), losses.names


def user(*parts: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": list(parts)}


def said(text: str) -> dict[str, Any]:
    return {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }


def call(call_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "run", "arguments": "{}", **more}


def output(call_id: str, value: Any = "done") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": value}


def called(call_id: str, name: str = "run", arguments: str = "{}") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def test_a_text_is_what_the_user_said() -> None:
    assert Items(CAN, Losses()).read(None, "hi") == [{"role": "user", "content": "hi"}]


def test_instructions_and_what_the_developer_says_first_are_one_system_message() -> None:
    developer = {"role": "developer", "content": [{"type": "input_text", "text": "Use tools."}]}
    later = {"role": "developer", "content": "Now be brief."}
    messages, losses = read(
        developer, user({"type": "input_text", "text": "hi"}), later, instructions="You help."
    )
    assert messages == [
        {"role": "system", "content": "You help.\n\nUse tools."},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "Now be brief."},
    ]
    assert losses == []


def test_parallel_calls_are_one_turn_and_their_results_follow_in_its_order() -> None:
    messages, _ = read(said("Look."), call("1"), call("2"), output("2", "b"), output("1", "a"))
    assert messages == [
        {"role": "assistant", "content": "Look.", "tool_calls": [called("1"), called("2")]},
        {"role": "tool", "tool_call_id": "1", "content": "a"},
        {"role": "tool", "tool_call_id": "2", "content": "b"},
    ]


def test_calls_one_after_another_are_turns_of_their_own() -> None:
    messages, _ = read(call("1"), output("1"), call("2"), output("2"))
    assert [each["role"] for each in messages] == ["assistant", "tool"] * 2


def test_a_result_stands_behind_its_call_although_somebody_spoke_between() -> None:
    messages, _ = read(call("1"), user({"type": "input_text", "text": "hm"}), output("1"))
    assert [each["role"] for each in messages] == ["assistant", "tool", "user"]


def test_calls_have_the_names_that_their_tools_were_given() -> None:
    plain = {"type": "custom_tool_call", "call_id": "2", "name": "apply_patch", "input": "*** ü"}
    answer = {"type": "custom_tool_call_output", "call_id": "2", "output": "ok"}
    messages, _ = read(call("1", namespace="mcp__docs"), plain, output("1"), answer)
    assert messages[0]["tool_calls"] == [
        called("1", "mcp__docs__run"),
        called("2", "apply_patch", '{"input":"*** ü"}'),
    ]


def test_an_image_in_a_result_is_shown_right_after_the_results() -> None:
    text = {"type": "input_text", "text": "a picture"}
    messages, _ = read(call("1"), call("2"), output("1", [text, IMAGE]), output("2", [IMAGE]))
    assert [each["role"] for each in messages] == ["assistant", "tool", "tool", "user"]
    assert messages[1]["content"] == "a picture"
    assert messages[2]["content"] == "[an image: see the next message]"
    caption = {"type": "text", "text": "Image in the result of tool call 1:"}
    assert messages[3]["content"][:2] == [caption, SHOWN]
    assert len(messages[3]["content"]) == 4


def test_an_image_in_a_message_stays_there() -> None:
    messages, losses = read(user({"type": "input_text", "text": "see"}, IMAGE))
    assert messages == [{"role": "user", "content": [{"type": "text", "text": "see"}, SHOWN]}]
    assert losses == []


def test_a_detail_that_chat_does_not_know_is_dropped_and_named() -> None:
    _, losses = read(user({**IMAGE, "detail": "original"}))
    assert losses == ["content.detail"]


@pytest.mark.parametrize("can", [CAN, ANTHROPIC])
def test_sealed_reasoning_is_removed_whole_and_named(can: Capabilities) -> None:
    sealed = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "secret"}],
        "content": [{"type": "reasoning_text", "text": "secret"}],
        "encrypted_content": "gAAAA",
    }
    messages, losses = read(sealed, said("Hi."), can=can)
    assert messages == [{"role": "assistant", "content": "Hi."}]
    assert losses == ["input.reasoning"]


def test_an_open_engines_reasoning_goes_back_to_it() -> None:
    thought = {
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm."}],
    }
    messages, losses = read(thought, call("1"), output("1"))
    assert messages[0]["reasoning_content"] == "Hm."
    assert losses == []


def test_reasoning_that_nothing_follows_is_no_turn() -> None:
    thought = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm."}]}
    assert read(thought) == ([], [])


def test_traces_of_a_vendors_own_search_are_dropped_and_named() -> None:
    messages, losses = read({"type": "web_search_call", "id": "ws_1"}, said("Found it."))
    assert len(messages) == 1
    assert losses == ["input.web_search_call"]


@pytest.mark.parametrize(
    ("items", "path"),
    [
        ([{"type": "compaction", "encrypted_content": "x"}], r"input\.0\.type"),
        ([{"type": "item_reference", "id": "rs_1"}], r"input\.0\.type"),
        ([{"type": "local_shell_call"}], r"input\.0\.type"),
        ([{"role": "critic", "content": "x"}], r"input\.0\.role"),
        ([user({"type": "input_file", "file_id": "f"})], r"input\.0\.content\.0\.type"),
        ([user({"type": "input_image", "file_id": "f"})], r"input\.0\.content\.0\.image_url"),
        ([{"role": "system", "content": [IMAGE]}], r"input\.0\.content: only text"),
        ([output("9")], r"input\.0\.call_id: the call"),
        ([call("1"), output("1"), output("1")], r"input\.2\.call_id: two results"),
        ([call("1"), call("1")], r"input\.1\.call_id: two calls"),
        ([5], r"input\.0: an object"),
    ],
)
def test_what_the_model_could_not_be_shown_is_refused_by_its_place(
    items: list[Any], path: str
) -> None:
    with pytest.raises(UnsupportedFeature, match=path):
        read(*items)
