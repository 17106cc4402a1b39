"""GitHub Copilot in VS Code: a custom endpoint in chatLanguageModels.json; the key by hand."""

from collections.abc import Sequence

from gateway.cli.assistants.base import (
    ASSUMED_WINDOW_TOKENS,
    TITLE,
    Assistant,
    Connection,
    Home,
    KnownBad,
    shared_window,
)
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import JSONC, Item, Value
from providers.base import WireName


def _files(home: Home, connection: Connection) -> Sequence[SettingsFile]:
    prompt_tokens, answer_tokens = shared_window(connection.sizes)
    model: dict[str, Value] = {
        "id": connection.model,
        "name": connection.model,
        "url": f"{connection.v1}/chat/completions",  # the whole address, not a base
        "toolCalling": True,
        "vision": False,
        "maxInputTokens": prompt_tokens,
        "maxOutputTokens": answer_tokens,
    }
    group: dict[str, Value] = {
        "name": TITLE,
        "vendor": "customendpoint",
        "apiType": "chat-completions",
        "models": [model],
    }
    path = home.applications / "Code" / "User" / "chatLanguageModels.json"
    return [SettingsFile(path, JSONC, (Setting((Item(TITLE, "name"),), group),))]


def _steps(connection: Connection) -> Sequence[str]:
    del connection
    return (
        "VS Code takes the key from its own secret store only, so paste it there once: run "
        f"`Chat: Manage Language Models`, right-click {TITLE}, choose `Update API Key`.",
        "Then choose the model in the chat's model list. VS Code 1.122 or newer is needed.",
    )


VSCODE = Assistant(
    name="vscode",
    title="GitHub Copilot in VS Code",
    wires=(WireName.OPENAI_CHAT,),
    files=_files,
    steps=_steps,
    commands=("code",),
    known_bad=(KnownBad((0,), (1, 122), "has no custom endpoint yet"),),
    costs=(
        "inline completions stay on GitHub's servers: only chat and agent go to the gateway",
        "an organisation's administrator must allow own keys",
        "VS Code's telemetry is the editor's own setting (telemetry.telemetryLevel)",
    ),
    assumes=f"its settings say {ASSUMED_WINDOW_TOKENS:,}",
)
