"""Where one user's programs keep their settings, and how a key is called."""

from pathlib import Path

import pytest

from gateway.cli.assistants.base import Home, Key, shared_window
from gateway.cli.assistants.cline import CLINE
from gateway.cli.assistants.zed import ZED
from gateway.cli.offered import Sizes

HOME = Path("/home/anna")


def test_a_variable_of_the_assistants_own_names_its_folder() -> None:
    assert Home(HOME, {"CODEX_HOME": "/work/codex"}).at("CODEX_HOME", ".codex") == Path(
        "/work/codex"
    )
    assert Home(HOME, {"CODEX_HOME": ""}).at("CODEX_HOME", ".codex") == HOME / ".codex"


def test_a_key_is_shown_by_its_end_only() -> None:
    key = Key("gth_abcdefghijklmnopwxyz", is_in_environment=False)
    assert key.hint == "gth_…wxyz"
    assert "abcdef" not in repr(key)
    assert Key("short", is_in_environment=False).hint == "…"


def test_a_command_is_found_by_any_of_its_names_on_the_path_that_is_told(tmp_path: Path) -> None:
    command = tmp_path / ZED.commands[-1]
    command.touch()
    assert ZED.command_in({"PATH": str(tmp_path)}) is None
    command.chmod(0o755)
    assert ZED.command_in({"PATH": str(tmp_path)}) == str(command)
    assert ZED.command_in({}) is None
    assert CLINE.command_in({"PATH": str(tmp_path)}) is None


@pytest.mark.parametrize(
    ("sizes", "shared"),
    [
        (Sizes(), (112_000, 16_000)),
        (Sizes(200_000, 8_000), (192_000, 8_000)),
        (Sizes(200_000, 128_000), (150_000, 50_000)),
        (Sizes(8_000, None), (6_000, 2_000)),
    ],
)
def test_prompt_and_answer_share_the_window(sizes: Sizes, shared: tuple[int, int]) -> None:
    assert shared_window(sizes) == shared


def test_records_stand_where_state_belongs() -> None:
    assert Home(HOME, {}).records == HOME / ".local/state/gatehouse/connected"
    moved = Home(HOME, {"XDG_STATE_HOME": "/state"})
    assert moved.records == Path("/state/gatehouse/connected")
