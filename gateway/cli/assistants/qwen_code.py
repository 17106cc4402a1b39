"""Qwen Code: a model of its own among the OpenAI providers in its settings."""

from collections.abc import Sequence

from gateway.cli.assistants.base import (
    KEY_VARIABLE,
    TITLE,
    Assistant,
    Connection,
    Home,
)
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import JSONC, Item, Value
from providers.base import WireName


def _files(home: Home, connection: Connection) -> Sequence[SettingsFile]:
    model: dict[str, Value] = {
        "id": connection.model,
        "name": TITLE,
        "baseUrl": connection.v1,
        "envKey": KEY_VARIABLE,
    }
    if connection.sizes.window_tokens is not None:
        # Not the output limit: it would ask for as much each time, however full the window.
        model["generationConfig"] = {"contextWindowSize": connection.sizes.window_tokens}
    settings = [
        Setting(("modelProviders", "openai", Item(TITLE, "name")), model),
        Setting(("security", "auth", "selectedType"), "openai"),
        Setting(("model", "name"), connection.model),
        Setting(("privacy", "usageStatisticsEnabled"), False),
        Setting(("telemetry", "enabled"), False),
        Setting(("general", "enableAutoUpdate"), False),
    ]
    if not connection.key.is_in_environment:
        settings.append(Setting(("env", KEY_VARIABLE), connection.key.secret, is_secret=True))
    path = home.at("QWEN_HOME", ".qwen") / "settings.json"
    return [SettingsFile(path, JSONC, tuple(settings))]


QWEN_CODE = Assistant(
    name="qwen-code",
    title="Qwen Code",
    wires=(WireName.OPENAI_CHAT,),
    files=_files,
    commands=("qwen",),
    project_files=(".qwen/settings.json",),
    costs=(
        "sign-in with a Qwen account, and its free quota, are not used",
        "no session id is sent: the gateway tells conversations apart by their content",
    ),
    restored=("usage statistics, which go to a server of the vendor's, are off",),
    assumes="it goes by the model's name, and takes 200,000 where it does not know that",
)
