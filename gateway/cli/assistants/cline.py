"""Cline in VS Code: set up in its own panel only."""

from collections.abc import Sequence

from gateway.cli.assistants.base import Assistant, Connection
from gateway.cli.offered import Sizes
from providers.base import WireName


def _sizes(sizes: Sizes) -> Sequence[str]:
    known = {"Context Window Size": sizes.window_tokens, "Max Output Tokens": sizes.output_tokens}
    return [f"Model Configuration, {name}: {each}" for name, each in known.items() if each]


def _steps(connection: Connection) -> Sequence[str]:
    return (
        "Open Cline's panel and its settings (the cog).",
        "API Provider: OpenAI Compatible",
        f"Base URL: {connection.v1}",
        "OpenAI Compatible API Key: paste your gateway key; VS Code keeps it in its secret store.",
        f"Model ID: {connection.model}",
        *_sizes(connection.sizes),
        "Under General, take the tick from `Allow error and usage reporting`.",
    )


CLINE = Assistant(
    name="cline",
    title="Cline",
    wires=(WireName.OPENAI_CHAT,),
    steps=_steps,
    commands=(),
    costs=(
        "sign-in with a Cline account, and its credits, are not used",
        "the model's prices are what you write under Model Configuration",
    ),
    assumes="it takes what you write under Model Configuration",
)
