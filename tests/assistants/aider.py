"""aider: chat completions. It has no tools: an answer's text is the edit."""

from providers.base import WireName
from tests.assistants.port import (
    PROMPT,
    Assistant,
    Denied,
    EditBlock,
    Launch,
    Place,
    Recognised,
)

SETTINGS = """\
- name: openai/{model}
  edit_format: diff
  extra_params:
    extra_headers:
      X-Title: aider
"""


def launch(place: Place) -> Launch:
    """One message about one file, answered yes to all, nothing looked up elsewhere."""
    place.write(".aider.model.settings.yml", SETTINGS.format(model=place.model))
    environ = {
        "OPENAI_API_BASE": f"{place.gateway}/v1",
        "OPENAI_API_KEY": place.key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    quiet = ("--no-check-update", "--analytics-disable", "--no-show-model-warnings", "--no-git")
    model = ("--model", f"openai/{place.model}")
    say = ("--yes-always", "--no-pretty", "--message", PROMPT, "--read", "source.txt", "note.txt")
    return Launch((*model, *quiet, *say), environ)


AIDER = Assistant(
    title="aider",
    package="aider-chat",
    program="bin/aider",
    wire=WireName.OPENAI_CHAT,
    launch=launch,
    works=EditBlock("note.txt\n```\n<<<<<<< SEARCH\n=======\n{text}>>>>>>> REPLACE\n```\n"),
    recognised=Recognised("aider", has_version=False),
    denied=Denied(exits_with_zero=True, why="it exits with 0 whatever happens"),
    costs=("the audit knows it by the `X-Title` that its model settings send",),
)
