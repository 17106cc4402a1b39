"""Copilot CLI, by GitHub: chat completions, with a provider of one's own and no account."""

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Recognised, Tools, ToolUse

COPILOT_CLI = Assistant(
    title="Copilot CLI",
    known_as="copilot-cli",
    package="@github/copilot",
    program="node_modules/@github/copilot-linux-{cpu}/copilot",
    wire=WireName.OPENAI_CHAT,
    launch=Launch(("--prompt", PROMPT, "--allow-all-tools")),
    works=Tools(
        reads=ToolUse("view", {"path": "{path}"}),
        writes=ToolUse("create", {"path": "{path}", "file_text": "{text}"}),
    ),
    recognised=Recognised("copilot-cli", has_version=False),
    costs=(
        "`COPILOT_OFFLINE=true` keeps it from its vendor, and from what needs an account there",
    ),
)
