"""Codex gets a provider of its own, below what its user has written."""

from gateway.cli.assistants.codex import CODEX
from gateway.cli.offered import Sizes
from tests.unit.gateway.cli.assistants.conftest import KEY, Desk

FILE = ".codex/config.toml"
BEFORE = """# mine
model = "gpt-5.1" # the big one
approval_policy = "on-request"

[projects."/home/anna/work"]
trust_level = "trusted"
"""
AFTER = """# mine
model = "coder" # the big one
approval_policy = "on-request"
model_provider = "gatehouse"
check_for_update_on_startup = false
web_search = "disabled"

[projects."/home/anna/work"]
trust_level = "trusted"

[analytics]
enabled = false

[model_providers.gatehouse]
name = "Gatehouse"
base_url = "http://127.0.0.1:7070/v1"
wire_api = "responses"
supports_websockets = false
env_key = "GATEHOUSE_KEY"
"""


def test_its_settings_are_written_beside_what_was_there(desk: Desk) -> None:
    desk.holds(FILE, BEFORE)
    desk.connect(CODEX)
    assert desk.says(FILE) == AFTER


def test_a_web_search_that_its_user_wants_stays(desk: Desk) -> None:
    desk.holds(FILE, 'web_search = "live"\n')
    desk.connect(CODEX)
    assert desk.says(FILE).startswith('web_search = "live"\n')
    assert "disabled" not in desk.says(FILE)


def test_a_key_that_was_named_stands_in_the_file(desk: Desk) -> None:
    desk.connect(CODEX, literal=True)
    assert f'experimental_bearer_token = "{KEY}"' in desk.says(FILE)
    assert "env_key" not in desk.says(FILE)


def test_the_window_is_told_where_the_gateway_knows_it(desk: Desk) -> None:
    desk.connect(CODEX)
    assert "model_context_window" not in desk.says(FILE)
    desk.connect(CODEX, sizes=Sizes(200_000, 16_000))
    assert "model_context_window = 200000\n" in desk.says(FILE)
