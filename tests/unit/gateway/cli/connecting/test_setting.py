"""A file with a key in it is for its owner only."""

from pathlib import Path

from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import JSONC


def test_a_file_is_private_when_a_key_stands_in_it() -> None:
    secret = SettingsFile(Path("/x"), JSONC, (Setting(("k",), "v", is_secret=True),))
    plain = SettingsFile(Path("/x"), JSONC, (Setting(("k",), "v"),))
    assert (secret.is_private, plain.is_private) == (True, False)
