"""Zed gets a provider and a default model; the key goes into the keychain by hand."""

import json
from pathlib import Path

from gateway.cli.assistants.base import Connection, Home, Key
from gateway.cli.assistants.zed import ZED
from gateway.cli.offered import Sizes
from tests.unit.gateway.cli.assistants.conftest import KEY, ROOT, Desk, by_hand

FILE = ".config/zed/settings.json"
BEFORE = """// Zed settings
{
  "vim_mode": true,
  "telemetry": {
    "metrics": true, // why not
  },
}
"""


def test_its_settings_are_written_beside_what_was_there(desk: Desk) -> None:
    desk.holds(FILE, BEFORE)
    desk.connect(ZED)
    written = desk.says(FILE)
    assert '"metrics": false, // why not' in written
    assert written.startswith('// Zed settings\n{\n  "vim_mode": true,\n')
    assert '"api_url": "http://127.0.0.1:7070/v1"' in written
    assert KEY not in written


def test_the_key_is_pasted_or_exported() -> None:
    assert 'export GATEHOUSE_API_KEY="$GATEHOUSE_KEY"' in by_hand(ZED)


def test_a_new_file_names_the_model_once_as_offered_and_once_as_default(desk: Desk) -> None:
    desk.connect(ZED)
    settings = json.loads(desk.says(FILE))
    provider = settings["language_models"]["openai_compatible"]["Gatehouse"]
    assert [each["name"] for each in provider["available_models"]] == ["coder"]
    assert settings["agent"]["default_model"] == {"provider": "Gatehouse", "model": "coder"}


def test_every_system_has_its_place_for_it() -> None:
    connection = Connection(ROOT, "coder", Key(KEY, is_in_environment=True))
    homes = (Home(Path("/u"), {"APPDATA": "/u/roaming"}, "win32"), Home(Path("/u"), {}, "darwin"))
    places = [ZED.files(home, connection)[0].path for home in homes]
    assert places == [
        Path("/u/roaming/Zed/settings.json"),
        Path("/u/.config/zed/settings.json"),
    ]


def test_the_window_is_told_where_the_gateway_knows_it(desk: Desk) -> None:
    desk.connect(ZED, sizes=Sizes(200_000, 16_000))
    provider = json.loads(desk.says(FILE))["language_models"]["openai_compatible"]["Gatehouse"]
    assert [each["max_tokens"] for each in provider["available_models"]] == [200_000]
