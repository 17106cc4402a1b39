"""aider: its configuration in the home folder, on chat completions through LiteLLM."""

from collections.abc import Sequence

from gateway.cli.assistants.base import Assistant, Connection, Home
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import YAML, Item
from providers.base import WireName


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
    return [SettingsFile(home.folder / ".aider.conf.yml", YAML, tuple(settings))]


AIDER = Assistant(
    name="aider",
    title="aider",
    wires=(WireName.OPENAI_CHAT,),
    files=_files,
    commands=("aider",),
    project_files=(".aider.conf.yml",),
    overrides=(
        "OPENAI_API_BASE",
        "OPENAI_API_KEY",
        "AIDER_MODEL",
        "AIDER_OPENAI_API_BASE",
        "AIDER_OPENAI_API_KEY",
    ),
    costs=(
        "it ends with exit code 0 even on an error: a script cannot see a refusal",
        "it does not know the model's window and prices",
        "it may still look up raw.githubusercontent.com at its start",
        "a project's own .aider.conf.yml and .env win over this file",
    ),
    restored=("analytics, the update check and the download of a price list are off",),
)
