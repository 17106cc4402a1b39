"""The assistants that are proven, in the order of the table."""

from tests.assistants.aider import AIDER
from tests.assistants.claude_code import CLAUDE_CODE
from tests.assistants.codex import CODEX
from tests.assistants.continue_cli import CONTINUE
from tests.assistants.copilot_cli import COPILOT_CLI
from tests.assistants.gemini_cli import GEMINI_CLI
from tests.assistants.kimi_code import KIMI_CODE
from tests.assistants.opencode import OPENCODE
from tests.assistants.port import Assistant
from tests.assistants.qwen_code import QWEN_CODE

ASSISTANTS: tuple[Assistant, ...] = (
    CLAUDE_CODE,
    CODEX,
    GEMINI_CLI,
    QWEN_CODE,
    KIMI_CODE,
    OPENCODE,
    COPILOT_CLI,
    CONTINUE,
    AIDER,
)
