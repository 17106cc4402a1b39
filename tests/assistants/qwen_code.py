"""Qwen Code, by Alibaba: chat completions."""

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Place, Recognised, Tools, ToolUse


def launch(place: Place) -> Launch:
    """One prompt, every tool allowed, its usage statistics off."""
    place.write(".qwen/settings.json", '{"privacy": {"usageStatisticsEnabled": false}}')
    environ = {
        "OPENAI_BASE_URL": f"{place.gateway}/v1",
        "OPENAI_API_KEY": place.key,
        "OPENAI_MODEL": place.model,
    }
    return Launch(("--auth-type", "openai", "--yolo", "--prompt", PROMPT), environ)


QWEN_CODE = Assistant(
    title="Qwen Code",
    package="@qwen-code/qwen-code",
    program="node_modules/.bin/qwen",
    wire=WireName.OPENAI_CHAT,
    launch=launch,
    works=Tools(
        reads=ToolUse("read_file", {"file_path": "{path}"}),
        writes=ToolUse("write_file", {"file_path": "{path}", "content": "{text}"}),
    ),
    recognised=Recognised("qwen-code"),
)
