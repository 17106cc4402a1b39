"""Claude Code, by Anthropic: messages."""

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Place, Recognised, Tools, ToolUse


def launch(place: Place) -> Launch:
    """As `gatehouse up` says; one prompt, and leave to read and write without asking."""
    switches = (
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS",
        "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK",
    )
    environ = {
        "ANTHROPIC_BASE_URL": place.gateway,
        "ANTHROPIC_AUTH_TOKEN": place.key,
        "ANTHROPIC_MODEL": place.model,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": place.model,
        "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",
        "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
        **dict.fromkeys(switches, "1"),
    }
    return Launch(("--print", PROMPT, "--allowedTools", "Read,Write"), environ)


CLAUDE_CODE = Assistant(
    title="Claude Code",
    package="@anthropic-ai/claude-code",
    program="node_modules/@anthropic-ai/claude-code-linux-{cpu}/claude",
    wire=WireName.ANTHROPIC_MESSAGES,
    launch=launch,
    works=Tools(
        reads=ToolUse("Read", {"file_path": "{path}"}),
        writes=ToolUse("Write", {"file_path": "{path}", "content": "{text}"}),
    ),
    recognised=Recognised("claude-code"),
    costs=(
        "it assumes a window of 1M tokens for a model whose name it does not know, and says so",
    ),
)
