"""GitHub Copilot CLI: its own provider is set by environment variables only."""

import shlex
from collections.abc import Sequence

from gateway.cli.assistants.base import (
    KEY_VARIABLE,
    Assistant,
    Connection,
    shared_window,
)
from providers.base import WireName


def _steps(connection: Connection) -> Sequence[str]:
    values = {
        "COPILOT_PROVIDER_TYPE": "openai",
        "COPILOT_PROVIDER_BASE_URL": connection.v1,
        "COPILOT_MODEL": connection.model,
        "COPILOT_OFFLINE": "true",  # else it calls api.github.com
    }
    if connection.sizes.window_tokens is not None:
        prompt_tokens, answer_tokens = shared_window(connection.sizes)
        values["COPILOT_PROVIDER_MAX_PROMPT_TOKENS"] = str(prompt_tokens)
        values["COPILOT_PROVIDER_MAX_OUTPUT_TOKENS"] = str(answer_tokens)
    return (
        "It reads its provider from the environment only. Put these lines into your shell's "
        f"profile, below one that sets {KEY_VARIABLE}:",
        f'  export COPILOT_PROVIDER_API_KEY="${KEY_VARIABLE}"',
        *(f"  export {name}={shlex.quote(value)}" for name, value in values.items()),
    )


COPILOT_CLI = Assistant(
    name="copilot-cli",
    title="GitHub Copilot CLI",
    wires=(WireName.OPENAI_CHAT,),
    steps=_steps,
    commands=("copilot",),
    overrides=("COPILOT_PROVIDER_BEARER_TOKEN", "COPILOT_PROVIDER_API_KEY_COMMAND"),
    costs=(
        "GitHub's own models, quota and remote agents are not used",
        "with COPILOT_OFFLINE there is no sign-in, no GitHub tool server and no update check",
        "it names itself only as an SDK: the gateway knows it by two headers",
    ),
    restored=("nothing is sent to GitHub",),
    assumes="it goes by the model's name, and takes less than there may be where it does not know "
    "that",
)
