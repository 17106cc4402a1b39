"""Claude Code: its user settings, which carry an environment."""

from collections.abc import Sequence

from gateway.cli.assistants.base import (
    KEY_VARIABLE,
    Assistant,
    Connection,
    Home,
    KnownBad,
)
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import JSONC
from providers.base import WireName

# Each was run against a gateway: one call a denial, no silent repeat of a cut stream, no calls
# home, no line in the prompt that differs by machine, the model list from the gateway.
_SWITCHES = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1",
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
    "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",
    "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
}
_MODELS = (
    "ANTHROPIC_MODEL",
    "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL",
)


def _files(home: Home, connection: Connection) -> Sequence[SettingsFile]:
    values = {"ANTHROPIC_BASE_URL": connection.root}
    values |= dict.fromkeys(_MODELS, connection.model)
    values |= _SWITCHES
    if connection.sizes.window_tokens is not None:
        values["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] = str(connection.sizes.window_tokens)
    # A vendor's key in the shell would go along, and two different keys are refused.
    values["ANTHROPIC_API_KEY"] = ""
    settings = [Setting(("env", name), value) for name, value in values.items()]
    if connection.key.is_in_environment:
        settings.append(Setting(("env", "ANTHROPIC_AUTH_TOKEN"), ""))
        settings.append(Setting(("apiKeyHelper",), f"printenv {KEY_VARIABLE}"))
    else:
        secret = connection.key.secret
        settings.append(Setting(("env", "ANTHROPIC_AUTH_TOKEN"), secret, is_secret=True))
    path = home.at("CLAUDE_CONFIG_DIR", ".claude") / "settings.json"
    return [SettingsFile(path, JSONC, tuple(settings))]


CLAUDE_CODE = Assistant(
    name="claude-code",
    title="Claude Code",
    wires=(WireName.ANTHROPIC_MESSAGES,),
    files=_files,
    commands=("claude",),
    overrides=("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"),
    project_files=(".claude/settings.local.json", ".claude/settings.json"),
    known_bad=(
        KnownBad(
            (2, 1, 100),
            (2, 1, 198),
            "marks prompts by the gateway's address and the time zone with lookalike characters",
        ),
    ),
    costs=(
        "WebSearch runs at the vendor: it works only where the model behind the gateway has it",
        "tool search and other experimental betas are off",
        "the prompt cache's one-hour lifetime is not asked for",
    ),
    restored=(
        "a refusal is asked once, not six times, and a cut stream is not repeated in silence",
        "nothing is sent to the vendor: no telemetry, no update check, no greeting",
        "the attribution line, which differs by version and spoils prompt caches, is off",
        "the model list comes from the gateway",
        "a vendor's key in the shell is not sent along",
    ),
    assumes="it takes the window of a model it does not know to be 1M tokens",
)
