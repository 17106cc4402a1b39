"""aider: chat completions. It has no tools: an answer's text is the edit."""

from providers.base import WireName
from tests.assistants.port import (
    PROMPT,
    Assistant,
    Denied,
    EditBlock,
    Launch,
    Recognised,
)

AIDER = Assistant(
    title="aider",
    known_as="aider",
    package="aider-chat",
    program="bin/aider",
    wire=WireName.OPENAI_CHAT,
    launch=Launch(
        ("--no-git", "--yes-always", "--message", PROMPT, "--read", "source.txt", "note.txt")
    ),
    begun={".aider.conf.yml": "# mine\ndark-mode: true\n"},
    works=EditBlock("note.txt\n```\n{text}```\n"),
    recognised=Recognised("aider", has_version=False),
    denied=Denied(exits_with_zero=True, why="it exits with 0 whatever happens"),
    costs=("the audit knows it by the `X-Title` that connecting has it send",),
)
