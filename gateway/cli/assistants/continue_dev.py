"""Continue, in editors and as `cn`: a model among those of config.yaml."""

from collections.abc import Sequence

from gateway.cli.assistants.base import (
    KEY_VARIABLE,
    TITLE,
    Assistant,
    Connection,
    Home,
)
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import DOTENV, YAML, Item, Value
from providers.base import WireName


def _files(home: Home, connection: Connection) -> Sequence[SettingsFile]:
    folder = home.at("CONTINUE_GLOBAL_DIR", ".continue")
    model: dict[str, Value] = {
        "name": TITLE,
        "provider": "openai",
        "model": connection.model,
        "apiBase": connection.v1,
        "apiKey": f"${{{{ secrets.{KEY_VARIABLE} }}}}",
        "roles": ["chat", "edit", "apply"],
        # The gateway knows it by this only: its requests are an SDK's.
        "requestOptions": {"headers": {"X-Title": "Continue"}},
    }
    if connection.sizes.window_tokens is not None:
        # Not the output limit: it would ask for as much each time, however full the window.
        model["defaultCompletionOptions"] = {"contextLength": connection.sizes.window_tokens}
    settings = (
        # What a file of its kind must begin with.
        Setting(("name",), "Local Config", yields=True),
        Setting(("version",), "1.0.0", yields=True),
        Setting(("schema",), "v1", yields=True),
        Setting(("models", Item(TITLE, "name")), model),
    )
    # Editors do not see the shell's environment: its secrets are read from this file.
    secret = Setting((KEY_VARIABLE,), connection.key.secret, is_secret=True)
    return [
        SettingsFile(folder / "config.yaml", YAML, settings),
        SettingsFile(folder / ".env", DOTENV, (secret,)),
    ]


def _steps(connection: Connection) -> Sequence[str]:
    del connection
    return (
        f"Choose {TITLE} in Continue's list of models.",
        "Turn off `Allow Anonymous Telemetry` in Continue's user settings; for `cn`, set "
        "CONTINUE_TELEMETRY_ENABLED=0.",
    )


CONTINUE = Assistant(
    name="continue",
    title="Continue",
    wires=(WireName.OPENAI_CHAT,),
    files=_files,
    steps=_steps,
    commands=("cn",),
    costs=(
        "a model whose name begins with gpt-5 or o1 is asked on /v1/responses, whatever is set",
        "it still looks up api.continue.dev",
        "tab completion keeps the model it has",
    ),
    assumes="it takes the window to be 200,000 tokens",
)
