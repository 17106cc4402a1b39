"""Kimi Code gets a provider of a type that sends nothing of the machine."""

from gateway.cli.assistants.kimi_code import KIMI_CODE
from gateway.cli.offered import Sizes
from tests.unit.gateway.cli.assistants.conftest import KEY, Desk

FILE = ".kimi-code/config.toml"
BEFORE = """default_model = "kimi-code/k3" # by /login
telemetry = true

[providers."managed:kimi-code"]
type = "kimi"

[[hooks]]
event = "PreToolUse"
"""
AFTER = """default_model = "gatehouse/default" # by /login
telemetry = false

[providers."managed:kimi-code"]
type = "kimi"

[providers.gatehouse]
type = "openai"
base_url = "http://127.0.0.1:7070/v1"
api_key_env = "GATEHOUSE_KEY"
[[hooks]]
event = "PreToolUse"

[models."gatehouse/default"]
provider = "gatehouse"
model = "coder"
max_context_size = 128000
"""


def test_its_settings_are_written_beside_what_was_there(desk: Desk) -> None:
    desk.holds(FILE, BEFORE)
    desk.connect(KIMI_CODE)
    assert desk.says(FILE) == AFTER


def test_a_key_that_was_named_stands_in_the_file_alone(desk: Desk) -> None:
    desk.connect(KIMI_CODE, literal=True)
    assert f'api_key = "{KEY}"' in desk.says(FILE)
    assert "api_key_env" not in desk.says(FILE)


def test_the_sizes_are_told_where_the_gateway_knows_them(desk: Desk) -> None:
    desk.connect(KIMI_CODE, sizes=Sizes(200_000, 16_000))
    assert "max_context_size = 200000\nmax_output_size = 16000\n" in desk.says(FILE)
