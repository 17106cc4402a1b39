"""Copilot CLI, by GitHub: chat completions, with a provider of one's own and no account."""

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Place, Recognised, Tools, ToolUse


def launch(place: Place) -> Launch:
    """One prompt, every tool allowed, no calls home."""
    environ = {
        "COPILOT_PROVIDER_BASE_URL": f"{place.gateway}/v1",
        "COPILOT_PROVIDER_TYPE": "openai",
        "COPILOT_PROVIDER_API_KEY": place.key,
        "COPILOT_MODEL": place.model,
        "COPILOT_OFFLINE": "true",
    }
    return Launch(("--prompt", PROMPT, "--allow-all-tools"), environ)


COPILOT_CLI = Assistant(
    title="Copilot CLI",
    package="@github/copilot",
    program="node_modules/@github/copilot-linux-{cpu}/copilot",
    wire=WireName.OPENAI_CHAT,
    launch=launch,
    works=Tools(
        reads=ToolUse("view", {"path": "{path}"}),
        writes=ToolUse("create", {"path": "{path}", "file_text": "{text}"}),
    ),
    recognised=Recognised("copilot-cli", has_version=False),
    costs=(
        "`COPILOT_OFFLINE=true` keeps it from its vendor, and from what needs an account there",
    ),
)
