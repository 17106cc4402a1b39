"""Claude Code's settings point it at the gateway, beside what its user has chosen."""

import json

from gateway.cli.assistants.claude_code import CLAUDE_CODE
from gateway.cli.offered import Sizes
from tests.unit.gateway.cli.assistants.conftest import KEY, Desk

FILE = ".claude/settings.json"
BEFORE = """{
  "permissions": { "allow": ["Bash(ls)"] },
  "env": {
    "EDITOR": "vi"
  }
}
"""
AFTER = """{
  "permissions": { "allow": ["Bash(ls)"] },
  "env": {
    "EDITOR": "vi",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:7070",
    "ANTHROPIC_MODEL": "coder",
    "ANTHROPIC_DEFAULT_OPUS_MODEL": "coder",
    "ANTHROPIC_DEFAULT_SONNET_MODEL": "coder",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL": "coder",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1",
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
    "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",
    "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
    "ANTHROPIC_API_KEY": "",
    "ANTHROPIC_AUTH_TOKEN": ""
  },
  "apiKeyHelper": "printenv GATEHOUSE_KEY"
}
"""


def test_its_settings_are_written_beside_what_was_there(desk: Desk) -> None:
    desk.holds(FILE, BEFORE)
    desk.connect(CLAUDE_CODE)
    assert desk.says(FILE) == AFTER


def test_a_key_that_was_named_stands_in_the_file(desk: Desk) -> None:
    desk.connect(CLAUDE_CODE, literal=True)
    assert json.loads(desk.says(FILE))["env"]["ANTHROPIC_AUTH_TOKEN"] == KEY


def test_its_own_variable_moves_the_file(desk: Desk) -> None:
    elsewhere = Desk(desk.folder, {"CLAUDE_CONFIG_DIR": str(desk.folder / "work")})
    elsewhere.connect(CLAUDE_CODE)
    assert list(desk.files()) == ["work/settings.json"]


def test_versions_that_mark_prompts_are_known() -> None:
    known = CLAUDE_CODE.known_bad[0]
    assert known.first <= (2, 1, 197) < known.fixed == (2, 1, 198)


def test_the_window_is_told_where_the_gateway_knows_it(desk: Desk) -> None:
    desk.connect(CLAUDE_CODE)
    assert "CLAUDE_CODE_MAX_CONTEXT_TOKENS" not in desk.says(FILE)
    desk.connect(CLAUDE_CODE, sizes=Sizes(200_000, 16_000))
    assert json.loads(desk.says(FILE))["env"]["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "200000"
