"""JetBrains AI Assistant: set up in the IDE's settings only."""

from collections.abc import Sequence

from gateway.cli.assistants.base import Assistant, Connection
from providers.base import WireName


def _steps(connection: Connection) -> Sequence[str]:
    return (
        "Open Settings | Tools | AI Assistant | Providers & API keys.",
        "Under Third-party AI providers choose OpenAI-compatible.",
        f"URL: {connection.v1}",
        "API key: paste your gateway key; the IDE keeps it in its password store.",
        "Press Test Connection, then Apply.",
        f"Under Models Assignment choose {connection.model} for Core features and Instant helpers.",
    )


JETBRAINS = Assistant(
    name="jetbrains",
    title="JetBrains AI Assistant",
    wires=(WireName.OPENAI_CHAT,),
    steps=_steps,
    costs=(
        "completion in the editor is not sent to the gateway",
        "it does not say who it is: the gateway lists it as unrecognised",
    ),
)
