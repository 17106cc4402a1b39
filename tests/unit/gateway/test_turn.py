"""One id for every try of a turn, another for every other turn; nobody can guess a text from it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange import Assistant
from gateway.turn import TurnIds
from gateway.wire import families, wires
from gateway.wire.base import Wire
from policy.types import Identity

TURNS = TurnIds(b"p" * 32)
ANN = Identity("ann", "web", frozenset({"developer"}), "key_aaaaaaaaaaaa")
BOB = Identity("bob", "web", frozenset({"developer"}), "key_bbbbbbbbbbbb")
CODEX = Assistant("codex", "1.2", "session-1", "codex/1.2")


def by_bytes(model: str, size: int) -> int:
    return size


def gemini(action: str, query: bytes = b"") -> Wire:
    (family,) = families(by_bytes)
    wire = family.wire_at(f"/v1beta/models/coder:{action}", query)
    assert wire is not None
    return wire


BY_PATH = {wire.path: wire for wire in wires(by_bytes)}
CHAT, MESSAGES = BY_PATH["/v1/chat/completions"], BY_PATH["/v1/messages"]
RESPONSES, COUNT = BY_PATH["/v1/responses"], BY_PATH["/v1/messages/count_tokens"]
COMPLETIONS = BY_PATH["/v1/completions"]
STREAM, GENERATE = gemini("streamGenerateContent", b"alt=sse"), gemini("generateContent")
COUNTING = gemini("countTokens")

SAID: Mapping[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}
PARTS: Mapping[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
TOOL = {"name": "read", "description": "reads", "input_schema": {"type": "object"}}
FUNCTION = {"type": "function", "function": {"name": "read", "parameters": {}}}


def turn(
    wire: Wire,
    body: Mapping[str, Any] | str,
    identity: Identity = ANN,
    assistant: Assistant = CODEX,
    **more: Any,
) -> str:
    """The id of a request's turn: of a body as it stands, or of one made of members."""
    source = body if isinstance(body, str) else json.dumps({"model": "coder", **body, **more})
    return TURNS.id_of(identity, assistant, wire.read(source.encode()))


OTHER: Mapping[str, Any] = {"messages": [{"role": "user", "content": "hullo"}]}
CHANGES = [
    (CHAT, SAID, OTHER),
    (MESSAGES, SAID, OTHER),
    (MESSAGES, {**SAID, "system": "be kind"}, {"system": "be brief"}),
    (COUNT, SAID, OTHER),
    (RESPONSES, {"input": "hello"}, {"input": "hullo"}),
    (RESPONSES, {"input": "hello", "instructions": "be kind"}, {"instructions": "be brief"}),
    (COMPLETIONS, {"prompt": "def f("}, {"prompt": "def g("}),
    (COMPLETIONS, {"prompt": "def f(", "suffix": "return"}, {"suffix": "yield"}),
    (BY_PATH["/v1/fim/completions"], {"prompt": "def f("}, {"prompt": "def g("}),
    (BY_PATH["/v1/embeddings"], {"input": ["one"]}, {"input": ["two"]}),
    (BY_PATH["/v1/rerank"], {"query": "one", "documents": ["two"]}, {"query": "ten"}),
    (BY_PATH["/v1/rerank"], {"query": "one", "documents": ["two"]}, {"documents": ["ten"]}),
    (GENERATE, PARTS, {"contents": [{"role": "user", "parts": [{"text": "hullo"}]}]}),
    (GENERATE, PARTS, {"systemInstruction": {"parts": [{"text": "be kind"}]}}),
]
ASIDE = [
    (CHAT, SAID, {"tools": [FUNCTION], "tool_choice": "auto"}),
    (CHAT, SAID, {"stream": True, "stream_options": {"include_usage": True}}),
    (CHAT, SAID, {"max_tokens": 100, "n": 2, "temperature": 0, "user": "ann"}),
    (CHAT, SAID, {"model": "other"}),
    (MESSAGES, SAID, {"max_tokens": 9, "tools": [TOOL], "betas": ["one"]}),
    (MESSAGES, SAID, {"stream": True, "metadata": {"user_id": "u"}, "thinking": {}}),
    (MESSAGES, SAID, {"context_management": {"edits": []}, "output_config": {"effort": "high"}}),
    (RESPONSES, {"input": "hello"}, {"tools": [{"type": "web_search"}], "stream": True}),
    (RESPONSES, {"input": "hello"}, {"client_metadata": {"a": "b"}, "max_output_tokens": 5}),
    (RESPONSES, {"input": "hello"}, {"prompt_cache_key": "s", "reasoning": {"effort": "low"}}),
    (GENERATE, PARTS, {"generationConfig": {"maxOutputTokens": 5}, "tools": []}),
    (COMPLETIONS, {"prompt": "def f("}, {"max_tokens": 7, "stream": True}),
]


@pytest.mark.parametrize(("wire", "body", "aside"), ASIDE)
def test_what_stands_beside_the_conversation_is_no_part_of_the_turn(wire, body, aside):
    assert turn(wire, body, **aside) == turn(wire, body)


@pytest.mark.parametrize(("wire", "body", "change"), CHANGES)
def test_whatever_else_is_said_is_another_turn(wire, body, change):
    assert turn(wire, body, **change) != turn(wire, body)


@given(st.text(), st.text())
def test_two_texts_are_two_turns(one, other):
    said = [{"messages": [{"role": "user", "content": text}]} for text in (one, other)]
    assert (turn(CHAT, said[0]) == turn(CHAT, said[1])) == (one == other)


def test_a_key_a_session_and_an_installation_have_turns_of_their_own():
    later = Assistant("codex", "1.2", "session-2", "codex/1.2")
    elsewhere = TurnIds(b"q" * 32).id_of(
        ANN, CODEX, CHAT.read(json.dumps({"model": "coder", **SAID}).encode())
    )
    found = {turn(CHAT, SAID), turn(CHAT, SAID, BOB), turn(CHAT, SAID, ANN, later), elsewhere}
    assert len(found) == 4


def test_an_assistant_of_another_version_tries_the_same_turn():
    updated = Assistant("codex", "1.3", "session-1", "codex/1.3")
    assert turn(CHAT, SAID, assistant=updated) == turn(CHAT, SAID)


def test_a_member_that_is_not_there_is_not_an_empty_one():
    assert turn(RESPONSES, {"input": "a"}) != turn(RESPONSES, {"input": "a", "instructions": ""})


def test_what_moves_from_one_member_to_another_is_another_turn():
    one = turn(COMPLETIONS, {"prompt": "a", "suffix": "b"})
    assert one != turn(COMPLETIONS, {"prompt": "b", "suffix": "a"})


def test_going_on_from_another_answer_is_another_turn():
    asked = {"input": "yes", "previous_response_id": "resp_1"}
    assert turn(RESPONSES, asked) != turn(RESPONSES, asked, previous_response_id="resp_2")


def test_gemini_is_asked_the_same_turn_streamed_whole_and_for_its_count():
    ids = {turn(wire, json.dumps(PARTS)) for wire in (STREAM, GENERATE, COUNTING)}
    held = {"generateContentRequest": {"model": "models/coder", **PARTS, "tools": []}}
    assert ids == {turn(COUNTING, json.dumps(held))}


def test_gemini_has_one_turn_in_either_spelling():
    instruction = {"parts": [{"text": "be kind"}]}
    camel = {**PARTS, "systemInstruction": instruction}
    assert turn(GENERATE, json.dumps(camel)) == turn(
        GENERATE, json.dumps({"system_instruction": instruction, **PARTS})
    )


def test_a_count_of_messages_belongs_to_the_turn_it_counts():
    assert turn(COUNT, SAID) == turn(MESSAGES, SAID, max_tokens=9, stream=True)


def test_a_long_text_counts_to_its_last_letter():
    texts = ["x" * 5_000 + end for end in ("a", "b", "a")]
    ids = [turn(CHAT, {"messages": [{"role": "user", "content": text}]}) for text in texts]
    assert ids[0] == ids[2] != ids[1]


def test_an_id_is_32_hexadecimal_digits():
    assert len(turn(CHAT, SAID)) == 32
    int(turn(CHAT, SAID), 16)
