"""aider's file gets address, key and model, and the switches that keep it at home."""

from gateway.cli.assistants.aider import AIDER
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


def test_its_settings_are_written_beside_what_was_there(desk: Desk) -> None:
    desk.holds(FILE, BEFORE)
    desk.connect(AIDER)
    assert desk.says(FILE) == AFTER
    assert (desk.folder / FILE).stat().st_mode & 0o077 == 0
