"""Continue CLI: chat completions."""

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Recognised, Tools, ToolUse

CONTINUE = Assistant(
    title="Continue CLI",
    known_as="continue",
    package="@continuedev/cli",
    program="node_modules/.bin/cn",
    wire=WireName.OPENAI_CHAT,
    launch=Launch(("--auto", "--print", PROMPT), {"CONTINUE_TELEMETRY_ENABLED": "0"}),
    works=Tools(
        reads=ToolUse("Read", {"filepath": "{path}"}),
        writes=ToolUse("Write", {"filepath": "{path}", "content": "{text}"}),
    ),
    recognised=Recognised("continue", has_version=False),
    costs=("the audit knows it by the `X-Title` that connecting has it send",),
)
