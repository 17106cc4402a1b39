"""Codex CLI, by OpenAI: responses."""

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Recognised, Tools, ToolUse

CODEX = Assistant(
    title="Codex CLI",
    known_as="codex",
    package="@openai/codex",
    program="node_modules/.bin/codex",
    wire=WireName.OPENAI_RESPONSES,
    launch=Launch(("exec", "--skip-git-repo-check", PROMPT)),
    begun={
        # Its sandbox wants namespaces of its own.
        ".codex/config.toml": '# mine\nsandbox_mode = "danger-full-access"\n'
    },
    works=Tools(
        reads=ToolUse("exec_command", {"cmd": "cat {path}"}),
        writes=ToolUse("exec_command", {"cmd": "cat > {path} <<'END'\n{text}END"}),
    ),
    recognised=Recognised("codex"),
    costs=(
        "connecting turns its web search off, which only its vendor runs: a translated target "
        "refuses a request that offers it, unless its vendor has `may_drop_tools: [web_search]`",
        "it has no metadata of the model's name and says so",
    ),
)
