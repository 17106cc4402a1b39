"""The assistants that can be connected, in the order they are listed."""

from gateway.cli.assistants.aider import AIDER
from gateway.cli.assistants.base import Assistant
from gateway.cli.assistants.claude_code import CLAUDE_CODE
from gateway.cli.assistants.cline import CLINE
from gateway.cli.assistants.codex import CODEX
from gateway.cli.assistants.continue_dev import CONTINUE
from gateway.cli.assistants.copilot_cli import COPILOT_CLI
from gateway.cli.assistants.gemini_cli import GEMINI_CLI
from gateway.cli.assistants.jetbrains import JETBRAINS
from gateway.cli.assistants.kimi_code import KIMI_CODE
from gateway.cli.assistants.opencode import OPENCODE
from gateway.cli.assistants.qwen_code import QWEN_CODE
from gateway.cli.assistants.vscode import VSCODE
from gateway.cli.assistants.zed import ZED
from gateway.cli.exits import CommandFailed, Exit

ASSISTANTS: tuple[Assistant, ...] = (
    CLAUDE_CODE,
    CODEX,
    GEMINI_CLI,
    QWEN_CODE,
    KIMI_CODE,
    OPENCODE,
    AIDER,
    COPILOT_CLI,
    CONTINUE,
    VSCODE,
    JETBRAINS,
    ZED,
    CLINE,
)


def assistant_named(name: str) -> Assistant:
    """Raises `CommandFailed` (not found) with the names there are."""
    found = next((each for each in ASSISTANTS if each.name == name), None)
    if found is None:
        names = ", ".join(each.name for each in ASSISTANTS)
        raise CommandFailed(f"there is no assistant {name!r}; there are: {names}", Exit.NOT_FOUND)
    return found
