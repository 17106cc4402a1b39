"""aider: its configuration and model settings, on chat completions through LiteLLM."""

from collections.abc import Mapping, Sequence

from gateway.cli.assistants.base import Assistant, Connection, Home
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import JSONC, YAML, Item, Value
from providers.base import WireName

# Its own name for settings that go along with every model's. An entry by the model's name would
# hide what aider knows of that name: how it edits best.
_EVERY_MODEL = Item("aider/extra_params", "name")
# The gateway knows it by this only: its requests are an SDK's.
_HEADERS: Mapping[str, Value] = {"X-Title": "aider"}
_NAMING = (
    Setting(
        (_EVERY_MODEL,),
        {"name": _EVERY_MODEL.value, "extra_params": {"extra_headers": _HEADERS}},
        yields=True,
    ),
    *(
        Setting((_EVERY_MODEL, "extra_params", "extra_headers", name), value)
        for name, value in _HEADERS.items()
    ),
)


def _metadata(connection: Connection) -> Setting:
    """What it is to know of the model: else it fetches a list from raw.githubusercontent.com."""
    known: dict[str, Value] = {"litellm_provider": "openai", "mode": "chat"}
    sizes = connection.sizes
    if sizes.window_tokens is not None:
        known["max_input_tokens"] = sizes.window_tokens
    if sizes.output_tokens is not None:
        known["max_output_tokens"] = sizes.output_tokens
    return Setting((f"openai/{connection.model}",), known)


def _files(home: Home, connection: Connection) -> Sequence[SettingsFile]:
    model = f"openai/{connection.model}"
    settings = [
        Setting(("model",), model),
        Setting(("weak-model",), model),
        Setting(("openai-api-base",), connection.v1),
        Setting(("check-update",), False),
        Setting(("analytics-disable",), True),
        Setting(("show-model-warnings",), False),
        # Else LiteLLM fetches its price list at every start.
        Setting(
            ("set-env", Item("LITELLM_LOCAL_MODEL_COST_MAP=True")),
            "LITELLM_LOCAL_MODEL_COST_MAP=True",
        ),
    ]
    # The file cannot refer to a variable.
    settings.append(Setting(("openai-api-key",), connection.key.secret, is_secret=True))
    return [
        SettingsFile(home.folder / ".aider.conf.yml", YAML, tuple(settings)),
        SettingsFile(home.folder / ".aider.model.settings.yml", YAML, _NAMING),
        SettingsFile(home.folder / ".aider.model.metadata.json", JSONC, (_metadata(connection),)),
    ]


AIDER = Assistant(
    name="aider",
    title="aider",
    wires=(WireName.OPENAI_CHAT,),
    files=_files,
    commands=("aider",),
    project_files=(".aider.conf.yml", ".aider.model.settings.yml", ".aider.model.metadata.json"),
    overrides=(
        "OPENAI_API_BASE",
        "OPENAI_API_KEY",
        "AIDER_MODEL",
        "AIDER_OPENAI_API_BASE",
        "AIDER_OPENAI_API_KEY",
    ),
    costs=(
        "it ends with exit code 0 even on an error: a script cannot see a refusal",
        "it does not know the model's prices",
        "a project's own .aider.conf.yml and .env win over this file",
        "it names itself by a header, X-Title, to every model it asks, the gateway's or not",
    ),
    restored=("analytics, the update check and the download of a price list are off",),
    assumes="it does not say when a conversation has grown too long",
)
