"""Claude Code, by Anthropic: messages."""

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Recognised, Tools, ToolUse

CLAUDE_CODE = Assistant(
    title="Claude Code",
    known_as="claude-code",
    package="@anthropic-ai/claude-code",
    program="node_modules/@anthropic-ai/claude-code-linux-{cpu}/claude",
    wire=WireName.ANTHROPIC_MESSAGES,
    launch=Launch(("--print", PROMPT)),
    begun={".claude/settings.json": '{"permissions": {"allow": ["Read", "Write"]}}\n'},
    works=Tools(
        reads=ToolUse("Read", {"file_path": "{path}"}),
        writes=ToolUse("Write", {"file_path": "{path}", "content": "{text}"}),
    ),
    recognised=Recognised("claude-code"),
    costs=("it says at each start that it does not recognise a model's name",),
)
