"""Kimi Code, by Moonshot: chat completions, without the headers that name the machine."""

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Place, Recognised, Tools, ToolUse


def launch(place: Place) -> Launch:
    """One prompt; provider type `openai`, because its own type sends host name and kernel."""
    environ = {
        "KIMI_MODEL_NAME": place.model,
        "KIMI_MODEL_API_KEY": place.key,
        "KIMI_MODEL_BASE_URL": f"{place.gateway}/v1",
        "KIMI_MODEL_PROVIDER_TYPE": "openai",
        "KIMI_DISABLE_TELEMETRY": "1",
        "KIMI_CODE_NO_AUTO_UPDATE": "1",
    }
    return Launch(("--prompt", PROMPT), environ)


KIMI_CODE = Assistant(
    title="Kimi Code",
    package="@moonshot-ai/kimi-code",
    program="node_modules/.bin/kimi",
    wire=WireName.OPENAI_CHAT,
    launch=launch,
    works=Tools(
        reads=ToolUse("Read", {"path": "{path}"}),
        writes=ToolUse("Write", {"path": "{path}", "content": "{text}"}),
    ),
    recognised=Recognised("kimi-code"),
    costs=("its own provider type sends the host's name and kernel: have it use type `openai`",),
)
