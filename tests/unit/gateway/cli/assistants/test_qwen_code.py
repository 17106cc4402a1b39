"""Qwen Code gets a model of its own among its OpenAI providers."""

import json

from gateway.cli.assistants.qwen_code import QWEN_CODE
from gateway.cli.offered import Sizes
from tests.unit.gateway.cli.assistants.conftest import KEY, Desk

FILE = ".qwen/settings.json"
BEFORE = """{
  "$version": 4,
  "modelProviders": {
    "openai": [
      { "id": "mine", "name": "mine", "baseUrl": "http://localhost/v1", "envKey": "MY_KEY" }
    ]
  },
  "model": { "name": "mine" }
}
"""


def test_its_settings_are_written_beside_what_was_there(desk: Desk) -> None:
    desk.holds(FILE, BEFORE)
    desk.connect(QWEN_CODE)
    settings = json.loads(desk.says(FILE))
    before = json.loads(BEFORE)
    assert settings.pop("modelProviders") == {
        "openai": [
            *before.pop("modelProviders")["openai"],
            {
                "id": "coder",
                "name": "Gatehouse",
                "baseUrl": "http://127.0.0.1:7070/v1",
                "envKey": "GATEHOUSE_KEY",
            },
        ]
    }
    assert settings == {
        **before,
        "model": {"name": "coder"},
        "security": {"auth": {"selectedType": "openai"}},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "general": {"enableAutoUpdate": False},
    }
    assert '{ "id": "mine", "name": "mine"' in desk.says(FILE)


def test_a_key_that_was_named_stands_in_the_file(desk: Desk) -> None:
    desk.connect(QWEN_CODE, literal=True)
    assert json.loads(desk.says(FILE))["env"] == {"GATEHOUSE_KEY": KEY}


def test_what_it_writes_into_its_file_itself_survives_the_undoing(desk: Desk) -> None:
    desk.connect(QWEN_CODE)
    desk.holds(FILE, desk.says(FILE).replace("{\n", '{\n  "$version": 4,\n', 1))
    desk.undo(QWEN_CODE)
    assert json.loads(desk.says(FILE)) == {"$version": 4}


def test_the_window_is_told_where_the_gateway_knows_it(desk: Desk) -> None:
    desk.connect(QWEN_CODE, sizes=Sizes(200_000, 16_000))
    (model,) = json.loads(desk.says(FILE))["modelProviders"]["openai"]
    assert model["generationConfig"] == {"contextWindowSize": 200_000}
