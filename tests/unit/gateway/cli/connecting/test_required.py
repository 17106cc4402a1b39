"""What a register requires takes the place of what we would write, but never leads elsewhere."""

from pathlib import Path

from gateway.cli.connecting.required import by_hand, fit, names_in
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing import JSONC

FILE = SettingsFile(
    Path("settings.json"),
    JSONC,
    (
        Setting(("env", "SWITCH"), "1", yields=True),
        Setting(("env", "URL"), "http://gate"),
        Setting(("env", "KEY"), "secret", is_secret=True),
    ),
)


def values(required: dict[str, str | int | bool]) -> list[object]:
    (file,) = fit([FILE], required, ("http://gate",))
    return [each.value for each in file.settings]


def test_a_required_value_is_written_whatever_stands_there() -> None:
    (file,) = fit([FILE], {"env.SWITCH": "0"}, ())
    assert file.settings[0] == Setting(("env", "SWITCH"), "0")


def test_the_key_and_where_it_is_pointed_at_stay_ours() -> None:
    required = {"env.URL": "http://else", "env.KEY": "theirs", "env.SWITCH": True}
    assert values(required) == [True, "http://gate", "secret"]


def test_what_is_not_required_stays() -> None:
    assert fit([FILE], {"other": 1}, ()) == (FILE,)


def test_what_has_no_place_is_left_to_its_user() -> None:
    (told,) = by_hand({"env.SWITCH": "0", "telemetry": False}, names_in([FILE]))
    assert told == "the register of assistants requires telemetry = False: see to it by hand"
