"""Continue CLI: chat completions."""

from providers.base import WireName
from tests.assistants.port import PROMPT, Assistant, Launch, Place, Recognised, Tools, ToolUse

SETTINGS = """\
name: Gatehouse
version: 1.0.0
schema: v1
models:
  - name: {model}
    provider: openai
    model: {model}
    apiBase: {gateway}/v1
    apiKey: {key}
    requestOptions:
      headers:
        X-Title: Continue
"""


def launch(place: Place) -> Launch:
    """One prompt, every tool allowed, by a settings file of one's own."""
    text = SETTINGS.format(model=place.model, gateway=place.gateway, key=place.key)
    settings = place.write(".continue/config.yaml", text)
    options = ("--config", str(settings), "--auto", "--print", PROMPT)
    return Launch(options, {"CONTINUE_TELEMETRY_ENABLED": "0"})


CONTINUE = Assistant(
    title="Continue CLI",
    package="@continuedev/cli",
    program="node_modules/.bin/cn",
    wire=WireName.OPENAI_CHAT,
    launch=launch,
    works=Tools(
        reads=ToolUse("Read", {"filepath": "{path}"}),
        writes=ToolUse("Write", {"filepath": "{path}", "content": "{text}"}),
    ),
    recognised=Recognised("continue", has_version=False),
    costs=("the audit knows it by the `X-Title` that its settings send",),
)
