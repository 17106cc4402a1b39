"""aider's file gets address, key and model, and the switches that keep it at home."""

import json

import yaml

from gateway.assistant import recognise
from gateway.cli.assistants.aider import AIDER
from gateway.cli.offered import Sizes
from tests.unit.gateway.cli.assistants.conftest import KEY, Desk

FILE = ".aider.conf.yml"
BEFORE = """# mine
dark-mode: true
model: sonnet   # for now
set-env:
  - FOO=bar
"""
AFTER = f"""# mine
dark-mode: true
model: "openai/coder"   # for now
set-env:
  - FOO=bar
  - "LITELLM_LOCAL_MODEL_COST_MAP=True"
weak-model: "openai/coder"
openai-api-base: "http://127.0.0.1:7070/v1"
check-update: false
analytics-disable: true
show-model-warnings: false
openai-api-key: "{KEY}"
"""

METADATA = ".aider.model.metadata.json"
BARE = {"litellm_provider": "openai", "mode": "chat"}
MODELS = ".aider.model.settings.yml"
NAMED = """- name: "aider/extra_params"
  extra_params:
    extra_headers:
      X-Title: aider
"""
MINE = """# mine
- name: openai/coder
  edit_format: diff
- name: aider/extra_params
  extra_params:
    timeout: 60   # seconds
"""


def test_its_settings_are_written_beside_what_was_there(desk: Desk) -> None:
    desk.holds(FILE, BEFORE)
    desk.connect(AIDER)
    assert desk.says(FILE) == AFTER
    assert (desk.folder / FILE).stat().st_mode & 0o077 == 0


def test_it_names_itself_to_the_gateway_whatever_the_model(desk: Desk) -> None:
    desk.connect(AIDER)
    assert desk.says(MODELS) == NAMED
    assert written_title(desk) == "aider"


def test_parameters_that_were_there_get_a_header_and_come_back(desk: Desk) -> None:
    desk.holds(MODELS, MINE)
    desk.connect(AIDER)
    assert "    timeout: 60   # seconds\n    extra_headers:\n      X-Title: aider\n" in desk.says(
        MODELS
    )
    desk.undo(AIDER)
    assert desk.says(MODELS) == MINE


def written_title(desk: Desk) -> str:
    """The header's value, as the audit would take it."""
    (entry,) = yaml.safe_load(desk.says(MODELS))
    headers = entry["extra_params"]["extra_headers"]
    (pair,) = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return recognise([pair, (b"user-agent", b"OpenAI/Python 2.20.0")]).name


def test_it_is_told_what_there_is_to_know_of_the_model_and_asks_nobody_else(desk: Desk) -> None:
    desk.connect(AIDER, sizes=Sizes(200_000, 16_000))
    assert json.loads(desk.says(METADATA)) == {
        "openai/coder": {**BARE, "max_input_tokens": 200_000, "max_output_tokens": 16_000}
    }
    desk.connect(AIDER, model="small")
    assert json.loads(desk.says(METADATA)) == {"openai/small": BARE}
