"""Gemini CLI: its settings, and the .env file beside them for address and key."""

from collections.abc import Sequence

from gateway.cli.assistants.base import Assistant, Connection, Home
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import DOTENV, JSONC
from providers.base import WireName


def _files(home: Home, connection: Connection) -> Sequence[SettingsFile]:
    folder = home.at("GEMINI_CLI_HOME", "") / ".gemini"
    settings = (
        Setting(("security", "auth", "selectedType"), "gemini-api-key"),
        # Without a model it first asks a small one, by a name of the vendor's, which to take.
        Setting(("model", "name"), connection.model),
        Setting(("privacy", "usageStatisticsEnabled"), False),
        Setting(("telemetry", "enabled"), False),
        Setting(("general", "enableAutoUpdate"), False),
        # Else a project's own .env would be read instead of the file below.
        Setting(("advanced", "ignoreLocalEnv"), True),
    )
    environment = (
        Setting(("GOOGLE_GEMINI_BASE_URL",), connection.root),
        # It reads this file as it is: a reference to another variable would be the key itself.
        Setting(("GEMINI_API_KEY",), connection.key.secret, is_secret=True),
    )
    return [
        SettingsFile(folder / "settings.json", JSONC, settings),
        SettingsFile(folder / ".env", DOTENV, environment),
    ]


def _steps(connection: Connection) -> Sequence[str]:
    del connection
    return (
        "Gemini CLI reads ~/.gemini/.env in trusted folders only: say yes when it asks, or, in a "
        "script, set GEMINI_CLI_TRUST_WORKSPACE=true.",
    )


GEMINI_CLI = Assistant(
    name="gemini-cli",
    title="Gemini CLI",
    wires=(WireName.GEMINI,),
    files=_files,
    steps=_steps,
    commands=("gemini",),
    project_files=(".gemini/settings.json", ".gemini/.env"),
    overrides=(
        "GOOGLE_GEMINI_BASE_URL",
        "GEMINI_API_KEY",
        "GEMINI_MODEL",
        "GOOGLE_API_KEY",
        "GOOGLE_GENAI_USE_VERTEXAI",
        "GOOGLE_GENAI_USE_GCA",
    ),
    costs=(
        "sign-in with a personal account, and its quota, are not used",
        "Google Search grounding runs at the vendor",
        "it takes the window of a model it does not know to be 1,048,576 tokens, and compacts a "
        "conversation when half of that is full",
        "model routing is off: one model answers everything",
        "a project's own .env is not read, lest it hide the gateway's address",
        "a project's own .gemini/.env is, and wins",
    ),
    restored=("usage statistics, telemetry and the install id in a header are off",),
)
