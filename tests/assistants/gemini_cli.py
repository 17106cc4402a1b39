"""Gemini CLI, by Google: the Gemini API."""

import json

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Place, Recognised, Tools, ToolUse


def launch(place: Place) -> Launch:
    """One prompt to a named model (else it asks a router model first), every tool allowed."""
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
    }
    place.write(".gemini/settings.json", json.dumps(settings))
    environ = {
        "GOOGLE_GEMINI_BASE_URL": place.gateway,
        "GEMINI_API_KEY": place.key,
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    return Launch(("--model", place.model, "--yolo", "--prompt", PROMPT), environ)


GEMINI_CLI = Assistant(
    title="Gemini CLI",
    package="@google/gemini-cli",
    program="node_modules/.bin/gemini",
    wire=WireName.GEMINI,
    launch=launch,
    works=Tools(
        reads=ToolUse("read_file", {"file_path": "{path}"}),
        writes=ToolUse("write_file", {"file_path": "{path}", "content": "{text}"}),
    ),
    recognised=Recognised("gemini-cli"),
    costs=(
        "it shows a refusal inside a stack dump",
        "without `--model` it asks models by its vendor's names first: offer those names too",
    ),
)
