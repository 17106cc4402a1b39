"""Qwen Code, by Alibaba: chat completions."""

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Recognised, Tools, ToolUse

QWEN_CODE = Assistant(
    title="Qwen Code",
    known_as="qwen-code",
    package="@qwen-code/qwen-code",
    program="node_modules/.bin/qwen",
    wire=WireName.OPENAI_CHAT,
    launch=Launch(("--yolo", "--prompt", PROMPT)),
    begun={".qwen/settings.json": '{\n  "ui": {"hideTips": true},\n  "$version": 4\n}\n'},
    works=Tools(
        reads=ToolUse("read_file", {"file_path": "{path}"}),
        writes=ToolUse("write_file", {"file_path": "{path}", "content": "{text}"}),
    ),
    recognised=Recognised("qwen-code"),
)
