"""Gemini CLI, by Google: the Gemini API."""

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Recognised, Tools, ToolUse

GEMINI_CLI = Assistant(
    title="Gemini CLI",
    known_as="gemini-cli",
    package="@google/gemini-cli",
    program="node_modules/.bin/gemini",
    wire=WireName.GEMINI,
    launch=Launch(("--yolo", "--prompt", PROMPT), {"GEMINI_CLI_TRUST_WORKSPACE": "true"}),
    begun={".gemini/settings.json": '{\n  "ui": {"hideTips": true}\n}\n'},
    works=Tools(
        reads=ToolUse("read_file", {"file_path": "{path}"}),
        writes=ToolUse("write_file", {"file_path": "{path}", "content": "{text}"}),
    ),
    recognised=Recognised("gemini-cli"),
    costs=("it shows a refusal inside a stack dump",),
)
