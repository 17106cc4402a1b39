"""What an assistant asks for itself is told from the turns that somebody reads."""

from typing import Any

import msgspec
import pytest

from gateway.assistant import ASSISTANTS
from gateway.side_calls import HABITS, LEAST_TOKENS, is_turn
from policy.types import Identity, Operation, RequestFacts
from providers.base import Headers

ANN = Identity("ann", "web", frozenset({"developer"}), "key_aaaaaaaaaaaa")
TURN = RequestFacts(
    model="coder",
    streaming=True,
    operation=Operation.CHAT,
    body_bytes=100,
    input_tokens_estimate=30,
    output_tokens_limit=32_000,
    answers=1,
    tool_names=("read_file", "Agent", "list_agents"),
    read_segments=tuple,
)


def asked(assistant: str = "unrecognised", headers: Headers = (), **facts: Any) -> bool:
    return is_turn(assistant, ANN, msgspec.structs.replace(TURN, **facts), headers)


@pytest.mark.parametrize("assistant", sorted(ASSISTANTS - {"aider"}))
def test_a_call_that_offers_tools_is_a_turn(assistant: str) -> None:
    assert asked(assistant)
    assert asked(assistant, streaming=False, output_tokens_limit=None)


@pytest.mark.parametrize("assistant", sorted(ASSISTANTS - {"aider"}))
@pytest.mark.parametrize(
    "facts",
    [
        {"tool_names": ()},  # titles and summaries
        {"output_tokens_limit": LEAST_TOKENS - 1},  # probes of a quota
        {"answers": 2},
        {"operation": Operation.COUNT_TOKENS},
        {"operation": Operation.EMBEDDINGS},
        {"operation": Operation.RERANK},
        {"operation": Operation.TEXT_COMPLETION},
    ],
    ids=str,
)
def test_anything_less_is_none(assistant: str, facts: dict[str, Any]) -> None:
    assert not asked(assistant, **facts)


def test_nobody_reads_what_a_service_is_answered() -> None:
    build = msgspec.structs.replace(ANN, is_service=True)
    assert not is_turn("claude-code", build, TURN, ())


def test_aiders_turns_are_streamed_and_its_commit_messages_are_not() -> None:
    assert asked("aider", tool_names=())
    assert not asked("aider", tool_names=(), streaming=False)


@pytest.mark.parametrize(
    ("assistant", "header"),
    [
        ("claude-code", (b"x-claude-code-agent-id", b"abd7014d235753df6")),
        ("codex", (b"x-openai-subagent", b"collab_spawn")),
        ("codex", (b"x-codex-parent-thread-id", b"01a1ff92-6cde-7d11-80b0-e9e6fff43191")),
        ("codex", (b"x-openai-memgen-request", b"true")),
        ("copilot-cli", (b"x-interaction-type", b"conversation-subagent")),
        ("opencode", (b"x-parent-session-id", b"ses_1")),
    ],
)
def test_the_work_of_sub_agents_is_known_by_its_header(
    assistant: str, header: tuple[bytes, bytes]
) -> None:
    assert not asked(assistant, headers=((b"accept", b"*/*"), header))
    assert asked("cline", headers=(header,))


def test_a_value_of_turns_is_no_value_of_sub_agents() -> None:
    assert asked("copilot-cli", headers=((b"x-interaction-type", b"conversation-user"),))


@pytest.mark.parametrize(
    ("assistant", "tools"),
    [
        ("gemini-cli", ("read_file", "complete_task")),
        ("kimi-code", ("Read", "Write")),
        ("qwen-code", ("read_file", "agent")),
    ],
)
def test_or_by_the_tools_it_is_given(assistant: str, tools: tuple[str, ...]) -> None:
    assert not asked(assistant, tool_names=tools)
    assert asked("cline", tool_names=tools)


def test_habits_are_those_of_assistants_that_are_recognised() -> None:
    assert HABITS.keys() <= ASSISTANTS
