"""opencode: chat completions, through the provider package that speaks them."""

import json

from providers.base import WireName
from tests.assistants.port import (
    PROMPT,
    Assistant,
    Denied,
    Launch,
    Place,
    Recognised,
    Tools,
    ToolUse,
)


def launch(place: Place) -> Launch:
    """One prompt; a provider of one's own, the small model named too, no look-ups of models."""
    gatehouse = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Gatehouse",
        "options": {"baseURL": f"{place.gateway}/v1", "apiKey": place.key},
        "models": {place.model: {"name": place.model}},
    }
    settings = {
        "provider": {"gatehouse": gatehouse},
        "model": f"gatehouse/{place.model}",
        "small_model": f"gatehouse/{place.model}",
        "autoupdate": False,
        "share": "disabled",
    }
    place.write(".config/opencode/opencode.json", json.dumps(settings))
    return Launch(("run", PROMPT), {"OPENCODE_DISABLE_MODELS_FETCH": "1"})


OPENCODE = Assistant(
    title="opencode",
    package="opencode-ai",
    program="node_modules/opencode-linux-{cpu}/bin/opencode",
    wire=WireName.OPENAI_CHAT,
    launch=launch,
    works=Tools(
        reads=ToolUse("read", {"filePath": "{path}"}),
        writes=ToolUse("write", {"filePath": "{path}", "content": "{text}"}),
    ),
    recognised=Recognised("opencode"),
    denied=Denied(requests=2, why="it asks for a title of the conversation beside the turn itself"),
    costs=("`small_model` has to be named, or titles are asked of another provider",),
)
