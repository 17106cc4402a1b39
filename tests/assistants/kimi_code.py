"""Kimi Code, by Moonshot: chat completions, without the headers that name the machine."""

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Recognised, Tools, ToolUse

KIMI_CODE = Assistant(
    title="Kimi Code",
    known_as="kimi-code",
    package="@moonshot-ai/kimi-code",
    program="node_modules/.bin/kimi",
    wire=WireName.OPENAI_CHAT,
    launch=Launch(("--prompt", PROMPT), {"KIMI_CODE_NO_AUTO_UPDATE": "1"}),
    begun={".kimi-code/config.toml": "# mine\ntheme = 'dark'\n"},
    works=Tools(
        reads=ToolUse("Read", {"path": "{path}"}),
        writes=ToolUse("Write", {"path": "{path}", "content": "{text}"}),
    ),
    recognised=Recognised("kimi-code"),
    costs=("its own provider type would send the host's name and kernel: it is given `openai`",),
)
