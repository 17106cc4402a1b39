"""VS Code gets a group of models; the key goes into its own store by hand."""

import json
from pathlib import Path

from gateway.cli.assistants.base import Connection, Home, Key
from gateway.cli.assistants.vscode import VSCODE
from gateway.cli.offered import Sizes
from tests.unit.gateway.cli.assistants.conftest import KEY, ROOT, Desk, by_hand

FILE = ".config/Code/User/chatLanguageModels.json"
MINE = {"name": "Mine", "vendor": "ollama"}


def test_its_settings_are_written_beside_what_was_there(desk: Desk) -> None:
    desk.holds(FILE, json.dumps([MINE], indent="\t"))
    desk.connect(VSCODE, literal=True)
    mine, ours = json.loads(desk.says(FILE))
    assert mine == MINE
    assert (ours["name"], ours["vendor"]) == ("Gatehouse", "customendpoint")
    assert ours["models"][0]["url"] == "http://127.0.0.1:7070/v1/chat/completions"


def test_the_key_is_pasted_and_never_written(desk: Desk) -> None:
    desk.connect(VSCODE, literal=True)
    assert KEY not in desk.says(FILE)
    assert "Update API Key" in by_hand(VSCODE)


def test_the_reference_that_it_adds_goes_with_the_group(desk: Desk) -> None:
    desk.connect(VSCODE)
    pasted = '"vendor": "customendpoint",\n    "apiKey": "${input:chat.lm.secret.1}"'
    desk.holds(FILE, desk.says(FILE).replace('"vendor": "customendpoint"', pasted))
    desk.undo(VSCODE)
    assert desk.files() == {}


def test_every_system_has_its_place_for_it() -> None:
    connection = Connection(ROOT, "coder", Key(KEY, is_in_environment=True))
    windows = Home(Path("/u"), {"APPDATA": "/u/roaming"}, "win32")
    mac = Home(Path("/u"), {}, "darwin")
    places = [VSCODE.files(home, connection)[0].path.parent for home in (windows, mac)]
    assert places == [
        Path("/u/roaming/Code/User"),
        Path("/u/Library/Application Support/Code/User"),
    ]


def test_prompt_and_answer_share_the_window_that_the_gateway_tells(desk: Desk) -> None:
    desk.connect(VSCODE, sizes=Sizes(200_000, 16_000))
    (model,) = json.loads(desk.says(FILE))[0]["models"]
    assert (model["maxInputTokens"], model["maxOutputTokens"]) == (184_000, 16_000)
