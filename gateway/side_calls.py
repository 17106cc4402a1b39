"""Tell the calls that an assistant makes for itself from the turns its user reads.

Titles, summaries, probes and the work of sub-agents are answered into the assistant, not to a
person. In doubt a call is one of these. Measured with the releases in `tests/assistants/pins.toml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from policy.types import Identity, Operation, RequestFacts
from providers.base import Headers

LEAST_TOKENS: Final = 1024
"""Answers that may be shorter are probes, titles and labels."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What is known of an assistant's calls.

    `aside` are headers that only side calls have, with the values that say so (none: any value).
    `of_turns` are tools of which a turn offers one at least, `of_agents` those of sub-agents.
    `works_by_text`: its turns offer no tools, and are streamed as its side calls are not.
    """

    aside: Mapping[bytes, tuple[bytes, ...]]
    of_turns: frozenset[str] = frozenset()
    of_agents: frozenset[str] = frozenset()
    works_by_text: bool = False


_UNKNOWN: Final = Habits({})
HABITS: Final = {
    "aider": Habits({}, works_by_text=True),
    "claude-code": Habits({b"x-claude-code-agent-id": ()}),
    "codex": Habits(
        {
            b"x-codex-parent-thread-id": (),
            b"x-openai-memgen-request": (),
            b"x-openai-subagent": (),
        }
    ),
    "copilot-cli": Habits({b"x-interaction-type": (b"conversation-subagent",)}),
    "gemini-cli": Habits({}, of_agents=frozenset(("complete_task",))),
    "kimi-code": Habits({}, of_turns=frozenset(("Agent", "Task"))),
    "opencode": Habits({b"x-parent-session-id": ()}),
    "qwen-code": Habits({}, of_turns=frozenset(("list_agents", "task"))),
}


def is_turn(assistant: str, identity: Identity, facts: RequestFacts, headers: Headers) -> bool:
    """Whether a person reads what is answered; False in doubt."""
    if facts.operation is not Operation.CHAT or facts.answers != 1 or identity.is_service:
        return False
    limit = facts.output_tokens_limit
    if limit is not None and limit < LEAST_TOKENS:
        return False
    habits = HABITS.get(assistant, _UNKNOWN)
    if not (facts.streaming if habits.works_by_text else _offers_turn(habits, facts)):
        return False
    return not any(_is_aside(habits, name, value) for name, value in headers)


def _offers_turn(habits: Habits, facts: RequestFacts) -> bool:
    offered = facts.tool_names
    if habits.of_turns and habits.of_turns.isdisjoint(offered):
        return False
    return bool(offered) and habits.of_agents.isdisjoint(offered)


def _is_aside(habits: Habits, name: bytes, value: bytes) -> bool:
    values = habits.aside.get(name)
    return values is not None and (not values or value in values)
