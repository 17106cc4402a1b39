"""Kimi Code: a provider of type `openai` and a model of it in config.toml."""

from collections.abc import Sequence

from gateway.cli.assistants.base import (
    ASSUMED_WINDOW_TOKENS,
    KEY_VARIABLE,
    PROVIDER,
    Assistant,
    Connection,
    Home,
    KnownBad,
)
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import TOML
from providers.base import WireName

_ALIAS = f"{PROVIDER}/default"


def _files(home: Home, connection: Connection) -> Sequence[SettingsFile]:
    provider, model = ("providers", PROVIDER), ("models", _ALIAS)
    sizes = connection.sizes
    settings = [
        Setting(("default_model",), _ALIAS),
        Setting(("telemetry",), False),
        # Type `kimi`, the default, sends the host's name and kernel in headers.
        Setting((*provider, "type"), "openai"),
        Setting((*provider, "base_url"), connection.v1),
        Setting((*model, "provider"), PROVIDER),
        Setting((*model, "model"), connection.model),
        # It reads no model without a window.
        Setting((*model, "max_context_size"), sizes.window_tokens or ASSUMED_WINDOW_TOKENS),
    ]
    if sizes.output_tokens is not None:
        settings.append(Setting((*model, "max_output_size"), sizes.output_tokens))
    if connection.key.is_in_environment:
        settings.insert(4, Setting((*provider, "api_key_env"), KEY_VARIABLE))
    else:
        secret = connection.key.secret
        settings.insert(4, Setting((*provider, "api_key"), secret, is_secret=True))
    path = home.at("KIMI_CODE_HOME", ".kimi-code") / "config.toml"
    return [SettingsFile(path, TOML, tuple(settings))]


KIMI_CODE = Assistant(
    name="kimi-code",
    title="Kimi Code",
    wires=(WireName.OPENAI_CHAT,),
    files=_files,
    commands=("kimi",),
    overrides=(
        "KIMI_MODEL_NAME",
        "KIMI_MODEL_BASE_URL",
        "KIMI_MODEL_API_KEY",
        "KIMI_MODEL_PROVIDER_TYPE",
    ),
    known_bad=(
        KnownBad(
            (0,), (2,), "is the retired kimi-cli: it only prints a notice, or fetches a script"
        ),
    ),
    costs=(
        "web search and fetch of the vendor need a sign-in there",
        "it looks for updates at code.kimi.com unless KIMI_CODE_NO_AUTO_UPDATE=1 is set",
    ),
    restored=(
        "the host's name, its kernel and a device id are not sent",
        "telemetry is off",
    ),
    assumes=f"its settings say {ASSUMED_WINDOW_TOKENS:,} (max_context_size)",
)
