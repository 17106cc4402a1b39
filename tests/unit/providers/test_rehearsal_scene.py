"""What the rehearsal model sees of a request, however odd it is."""

import json
from typing import Any

import pytest

from providers.base import WireName
from providers.rehearsal_scene import answer, count_words, read_scene

CHAT, MESSAGES = WireName.OPENAI_CHAT, WireName.ANTHROPIC_MESSAGES


@pytest.mark.parametrize("wire", [CHAT, MESSAGES])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": [5, None, {"role": "user"}]},
        {"messages": [{"role": "user", "content": [5, {"type": "text"}]}], "tools": [5, {}]},
        {"messages": [{"role": "user", "content": 5}], "tools": {}, "tool_choice": 5},
        {"messages": [], "tools": [{"function": 5}, {"name": 5}], "max_tokens": "9"},
    ],
)
def test_an_odd_request_is_answered_all_the_same(body, wire):
    assert "rehearsal model" in answer(read_scene(body, wire), {}).text


def test_words_are_counted_however_deep_they_stand():
    deep = json.loads("[" * 900 + '"two words"' + "]" * 900)
    assert count_words({"a": deep, "b": "and three more", "c": 5}) == 5


@pytest.mark.parametrize("hostile", ["<system-reminder>" * 20_000, "a-" * 50_000, "/" * 100_000])
def test_a_hostile_prompt_costs_little(hostile):
    tools = [{"name": "f", "input_schema": {"required": ["path"], "type": "object"}}]
    body = {"messages": [{"role": "user", "content": hostile + " use the tool f"}], "tools": tools}
    scene = read_scene(body, MESSAGES)
    assert len(scene.prompt) <= 8000
    assert len(answer(scene, {}).arguments) < 10_000


def test_a_tool_is_named_as_a_word_of_its_own():
    tools = [{"name": "Read", "input_schema": {"type": "object"}}]
    reading = {"messages": [{"role": "user", "content": "Reading is fun"}], "tools": tools}
    asking = {"messages": [{"role": "user", "content": "call Read now"}], "tools": tools}
    assert answer(read_scene(reading, MESSAGES), {}).tool is None
    assert answer(read_scene(asking, MESSAGES), {}).tool == "Read"


def tools_named(*names: str) -> list[Any]:
    return [{"name": name, "input_schema": {"type": "object"}} for name in names]


@pytest.mark.parametrize(
    ("names", "wish"),
    [
        (("Agent", "Bash", "Read"), "use the tool Read to read README.md."),
        (("weather",), "use the tool weather."),
    ],
)
def test_the_hint_names_a_tool_that_only_reads_where_there_is_one(
    names: tuple[str, ...], wish: str
) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], "tools": tools_named(*names)}
    said = answer(read_scene(body, WireName.ANTHROPIC_MESSAGES), {})
    assert said.tool is None
    assert said.text.endswith(wish)


def test_following_the_hint_makes_the_call() -> None:
    wish = "use the tool Read to read README.md."
    tools = tools_named("Agent", "Read")
    body = {"messages": [{"role": "user", "content": wish}], "tools": tools}
    assert answer(read_scene(body, WireName.ANTHROPIC_MESSAGES), {}).tool == "Read"


def test_what_a_person_wrote_is_counted_and_not_who_said_it():
    asked = {"messages": [{"role": "user", "content": "Say hello."}]}
    scene = read_scene(asked, CHAT)
    assert scene.input_tokens == 2
    assert "It received 1 message with 2 words" in answer(scene, {}).text


def test_a_text_part_counts_as_its_text():
    parts = [{"type": "text", "text": "Say hello."}]
    asked = {"messages": [{"role": "user", "content": parts}]}
    assert read_scene(asked, MESSAGES).input_tokens == 2
