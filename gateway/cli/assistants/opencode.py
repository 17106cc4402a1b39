"""opencode: a provider of its own in opencode.json, on chat completions."""

from collections.abc import Sequence

from gateway.cli.assistants.base import (
    KEY_VARIABLE,
    PROVIDER,
    TITLE,
    Assistant,
    Connection,
    Home,
)
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import JSONC, Value
from gateway.cli.offered import UNKNOWN
from providers.base import WireName

_NAMES = ("opencode.jsonc", "opencode.json", "config.json")


def _model(connection: Connection) -> Value:
    sizes = connection.sizes
    if sizes == UNKNOWN:
        return {"name": connection.model}
    # It wants both numbers, and takes 0 for one that nobody knows.
    limit = {"context": sizes.window_tokens or 0, "output": sizes.output_tokens or 0}
    return {"name": connection.model, "limit": limit}


def _files(home: Home, connection: Connection) -> Sequence[SettingsFile]:
    folder = home.at("XDG_CONFIG_HOME", ".config") / "opencode"
    path = next((folder / each for each in _NAMES if (folder / each).exists()), None)
    above = ("provider", PROVIDER)
    key = connection.key
    named = f"{{env:{KEY_VARIABLE}}}" if key.is_in_environment else key.secret
    model = f"{PROVIDER}/{connection.model}"
    settings = (
        Setting((*above, "npm"), "@ai-sdk/openai-compatible"),
        Setting((*above, "name"), TITLE),
        Setting((*above, "options", "baseURL"), connection.v1),
        Setting((*above, "options", "apiKey"), named, is_secret=not key.is_in_environment),
        Setting((*above, "models", connection.model), _model(connection)),
        Setting(("model",), model),
        # A title is asked for beside every first turn; unset, at another provider.
        Setting(("small_model",), model),
        Setting(("share",), "disabled"),
        Setting(("autoupdate",), False),
    )
    return [SettingsFile(path or folder / "opencode.json", JSONC, settings)]


OPENCODE = Assistant(
    name="opencode",
    title="opencode",
    wires=(WireName.OPENAI_CHAT,),
    files=_files,
    commands=("opencode",),
    project_files=("opencode.json", "opencode.jsonc"),
    overrides=("OPENCODE_CONFIG", "OPENCODE_CONFIG_CONTENT"),
    costs=(
        "every first turn is two calls: one asks for a title",
        "it fetches a list of models from models.opencode.ai unless "
        "OPENCODE_DISABLE_MODELS_FETCH=1 is set, and looks up the npm registry",
    ),
    restored=("sharing of conversations and updates by itself are off",),
    assumes="it never compacts a conversation by itself",
)
