"""Codex CLI, by OpenAI: responses."""

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Place, Recognised, Tools, ToolUse

SETTINGS = """\
model = "{model}"
model_provider = "gatehouse"

[model_providers.gatehouse]
name = "Gatehouse"
base_url = "{gateway}/v1"
env_key = "GATEHOUSE_KEY"
wire_api = "responses"
"""


def launch(place: Place) -> Launch:
    """One prompt by a provider of one's own; its sandbox off, which wants namespaces of its own."""
    place.write(".codex/config.toml", SETTINGS.format(model=place.model, gateway=place.gateway))
    bare = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
    return Launch(("exec", *bare, PROMPT), {"GATEHOUSE_KEY": place.key})


CODEX = Assistant(
    title="Codex CLI",
    package="@openai/codex",
    program="node_modules/.bin/codex",
    wire=WireName.OPENAI_RESPONSES,
    launch=launch,
    works=Tools(
        reads=ToolUse("exec_command", {"cmd": "cat {path}"}),
        writes=ToolUse("exec_command", {"cmd": "cat > {path} <<'END'\n{text}END"}),
    ),
    recognised=Recognised("codex"),
    costs=(
        "it offers `web_search`, which only its vendor runs: a translated target takes "
        "the request where its vendor has `may_drop_tools: [web_search]`",
        "it has no metadata of the model's name and says so",
    ),
)
