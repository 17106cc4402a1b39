"""Zed: an OpenAI-compatible provider in its settings; the key by variable or by hand."""

from collections.abc import Sequence

from gateway.cli.assistants.base import (
    ASSUMED_WINDOW_TOKENS,
    KEY_VARIABLE,
    TITLE,
    Assistant,
    Connection,
    Home,
)
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import JSONC, Item, Value
from providers.base import WireName

_VARIABLE = "GATEHOUSE_API_KEY"  # Zed's way: the provider's name in capitals, _API_KEY


def _files(home: Home, connection: Connection) -> Sequence[SettingsFile]:
    model: dict[str, Value] = {
        "name": connection.model,
        "display_name": f"{connection.model} ({TITLE})",
        "max_tokens": connection.sizes.window_tokens or ASSUMED_WINDOW_TOKENS,
        "capabilities": {"tools": True, "images": False, "chat_completions": True},
    }
    above = ("language_models", "openai_compatible", TITLE)
    settings = (
        Setting((*above, "api_url"), connection.v1),
        Setting((*above, "available_models", Item(connection.model, "name")), model),
        Setting(("agent", "default_model", "provider"), TITLE),
        Setting(("agent", "default_model", "model"), connection.model),
        Setting(("telemetry", "diagnostics"), False),
        Setting(("telemetry", "metrics"), False),
    )
    if home.platform == "win32":
        folder = home.applications / "Zed"
    elif home.platform == "darwin":
        folder = home.folder / ".config" / "zed"
    else:
        folder = home.at("XDG_CONFIG_HOME", ".config") / "zed"
    return [SettingsFile(folder / "settings.json", JSONC, settings)]


def _steps(connection: Connection) -> Sequence[str]:
    del connection
    return (
        f"Zed keeps keys in the system's keychain: run `agent: open settings`, choose {TITLE} and "
        "paste your gateway key.",
        f'Or start Zed from a shell with `export {_VARIABLE}="${KEY_VARIABLE}"`.',
    )


ZED = Assistant(
    name="zed",
    title="Zed",
    wires=(WireName.OPENAI_CHAT,),
    files=_files,
    steps=_steps,
    commands=("zed", "zeditor"),
    project_files=(".zed/settings.json",),
    costs=(
        "edit prediction keeps the provider it has",
        "external agents inside Zed use their own settings: connect them too",
    ),
    restored=("diagnostics and metrics are off",),
    assumes=f"its settings say {ASSUMED_WINDOW_TOKENS:,} (max_tokens)",
)
