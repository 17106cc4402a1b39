"""opencode gets a provider, also for the titles it asks for."""

import json

import pytest

from gateway.cli.assistants.opencode import OPENCODE
from gateway.cli.offered import Sizes
from tests.unit.gateway.cli.assistants.conftest import KEY, Desk

FILE = ".config/opencode/opencode.json"
BEFORE = """{
\t"$schema": "https://opencode.ai/config.json",
\t"theme": "system", // quiet
}
"""
AFTER = """{
\t"$schema": "https://opencode.ai/config.json",
\t"theme": "system", // quiet
\t"provider": {
\t  "gatehouse": {
\t    "npm": "@ai-sdk/openai-compatible",
\t    "name": "Gatehouse",
\t    "options": {
\t      "baseURL": "http://127.0.0.1:7070/v1",
\t      "apiKey": "{env:GATEHOUSE_KEY}"
\t    },
\t    "models": {
\t      "coder": {
\t        "name": "coder"
\t      }
\t    }
\t  }
\t},
\t"model": "gatehouse/coder",
\t"small_model": "gatehouse/coder",
\t"share": "disabled",
\t"autoupdate": false,
}
"""


def test_its_settings_are_written_beside_what_was_there(desk: Desk) -> None:
    desk.holds(FILE, BEFORE)
    desk.connect(OPENCODE)
    assert desk.says(FILE) == AFTER


def test_the_file_that_it_reads_last_is_the_one_to_write(desk: Desk) -> None:
    desk.holds(FILE, "{}")
    desk.holds(FILE + "c", "{}")
    desk.connect(OPENCODE)
    assert desk.says(FILE) == "{}"
    assert "gatehouse" in desk.says(FILE + "c")


def test_a_key_that_was_named_stands_in_the_file(desk: Desk) -> None:
    desk.connect(OPENCODE, literal=True)
    options = json.loads(desk.says(FILE))["provider"]["gatehouse"]["options"]
    assert options["apiKey"] == KEY


@pytest.mark.parametrize(
    ("sizes", "limit"),
    [
        (Sizes(200_000, 16_000), {"context": 200_000, "output": 16_000}),
        (Sizes(200_000, None), {"context": 200_000, "output": 0}),
    ],
)
def test_the_sizes_are_told_where_the_gateway_knows_them(
    desk: Desk, sizes: Sizes, limit: dict[str, int]
) -> None:
    desk.connect(OPENCODE, sizes=sizes)
    model = json.loads(desk.says(FILE))["provider"]["gatehouse"]["models"]["coder"]
    assert model == {"name": "coder", "limit": limit}
