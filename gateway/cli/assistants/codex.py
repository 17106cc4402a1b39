"""Codex CLI: a provider of its own in config.toml, spoken to on the Responses protocol."""

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
from gateway.cli.editing import TOML, Value
from gateway.cli.offered import Sizes
from providers.base import WireName

# It offers the tool with every request unless it is told not to. Only its vendor runs it; behind
# translation the request is refused, and no list of models says which are: a developer who cannot
# work is worse off than one who cannot search. Who knows better says so in the same file.
_WEB_SEARCH = Setting(
    ("web_search",),
    "disabled",
    yields=True,
    otherwise="a model behind translation refuses every request that offers web search",
)


def _window(sizes: Sizes) -> Sequence[Setting]:
    if sizes.window_tokens is None:
        return ()
    return (Setting(("model_context_window",), sizes.window_tokens),)


def _files(home: Home, connection: Connection) -> Sequence[SettingsFile]:
    provider: dict[str, Value] = {
        "name": TITLE,
        "base_url": connection.v1,
        "wire_api": "responses",
        # It would knock with a WebSocket first, seven times where that is refused another way.
        "supports_websockets": False,
    }
    if connection.key.is_in_environment:
        provider["env_key"] = KEY_VARIABLE
    above = ("model_providers", PROVIDER)
    settings = [
        Setting(("model",), connection.model),
        Setting(("model_provider",), PROVIDER),
        *_window(connection.sizes),
        Setting(("check_for_update_on_startup",), False),
        _WEB_SEARCH,
        Setting(("analytics", "enabled"), False),
        *(Setting((*above, name), value) for name, value in provider.items()),
    ]
    if not connection.key.is_in_environment:
        token = (*above, "experimental_bearer_token")
        settings.append(Setting(token, connection.key.secret, is_secret=True))
    path = home.at("CODEX_HOME", ".codex") / "config.toml"
    return [SettingsFile(path, TOML, tuple(settings))]


CODEX = Assistant(
    name="codex",
    title="Codex CLI",
    wires=(WireName.OPENAI_RESPONSES,),
    files=_files,
    commands=("codex",),
    project_files=(".codex/config.toml",),
    costs=(
        "web search is off: only OpenAI runs it, and a model behind translation refuses every "
        "request that offers it; where OpenAI answers, "
        'web_search = "live" in config.toml brings it back',
        "it still looks up chatgpt.com, github.com and api.github.com at its start",
    ),
    restored=(
        "no WebSocket is tried first, which costs seconds at every start",
        "analytics and the update check are off",
    ),
    assumes="it assumes a window where it does not know the model's name",
)
