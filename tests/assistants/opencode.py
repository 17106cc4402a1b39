"""opencode: chat completions, through the provider package that speaks them."""

from providers.base import WireName
from tests.assistants.port import (
    PROMPT,
    Assistant,
    Denied,
    Launch,
    Recognised,
    Tools,
    ToolUse,
)

BEGUN = """\
{
  // mine
  "$schema": "https://opencode.ai/config.json",
  "snapshot": false
}
"""

OPENCODE = Assistant(
    title="opencode",
    known_as="opencode",
    package="opencode-ai",
    program="node_modules/opencode-linux-{cpu}/bin/opencode",
    wire=WireName.OPENAI_CHAT,
    launch=Launch(("run", PROMPT), {"OPENCODE_DISABLE_MODELS_FETCH": "1"}),
    begun={".config/opencode/opencode.json": BEGUN},
    works=Tools(
        reads=ToolUse("read", {"filePath": "{path}"}),
        writes=ToolUse("write", {"filePath": "{path}", "content": "{text}"}),
    ),
    recognised=Recognised("opencode"),
    denied=Denied(requests=2, why="it asks for a title of the conversation beside the turn itself"),
    costs=(
        "`small_model`, which connecting names, is asked for titles: unset, another provider is",
    ),
)
