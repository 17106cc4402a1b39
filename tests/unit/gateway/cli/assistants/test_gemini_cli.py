"""Gemini CLI's address and key stand in its .env, the rest in its settings."""

import json

from gateway.cli.assistants.gemini_cli import GEMINI_CLI
from tests.unit.gateway.cli.assistants.conftest import KEY, Desk, by_hand

BEFORE = """{
  // dark
  "ui": { "theme": "ANSI" },
  "model": { "maxSessionTurns": 50 }
}
"""
AFTER = """{
  // dark
  "ui": { "theme": "ANSI" },
  "model": { "maxSessionTurns": 50, "name": "coder" },
  "security": {
    "auth": {
      "selectedType": "gemini-api-key"
    }
  },
  "privacy": {
    "usageStatisticsEnabled": false
  },
  "telemetry": {
    "enabled": false
  },
  "general": {
    "enableAutoUpdate": false
  },
  "advanced": {
    "ignoreLocalEnv": true
  }
}
"""


def test_its_settings_are_written_beside_what_was_there(desk: Desk) -> None:
    desk.holds(".gemini/settings.json", BEFORE)
    desk.holds(".gemini/.env", "# mine\nGOOGLE_CLOUD_PROJECT=p")
    desk.connect(GEMINI_CLI)
    assert desk.says(".gemini/settings.json") == AFTER
    assert desk.says(".gemini/.env") == (
        "# mine\nGOOGLE_CLOUD_PROJECT=p\n"
        f"GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:7070\nGEMINI_API_KEY={KEY}\n"
    )


def test_the_file_with_the_key_is_for_its_owner_only(desk: Desk) -> None:
    desk.holds(".gemini/.env", "A=1\n")
    (desk.folder / ".gemini/.env").chmod(0o644)
    desk.connect(GEMINI_CLI)
    assert (desk.folder / ".gemini/.env").stat().st_mode & 0o077 == 0


def test_its_home_can_be_moved(desk: Desk) -> None:
    elsewhere = Desk(desk.folder, {"GEMINI_CLI_HOME": str(desk.folder / "g")})
    elsewhere.connect(GEMINI_CLI)
    settings = json.loads(desk.says("g/.gemini/settings.json"))
    assert settings["model"] == {"name": "coder"}


def test_it_says_that_folders_must_be_trusted() -> None:
    assert "GEMINI_CLI_TRUST_WORKSPACE" in by_hand(GEMINI_CLI)
