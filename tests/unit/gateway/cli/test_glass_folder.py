"""The exceptions of a folder are changed in the name of whose key it is, and found again."""

import pytest

from gateway.break_glass import Wanted
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.glass_folder import FolderGlasses
from gateway.settings import operating_user
from gateway.store.stored_break_glass import BreakGlassState
from policy.break_glass import Lifts
from policy.rulebook.document import MatchDocument
from tests.unit.gateway.cli.conftest import CommandLine
from tests.unit.gateway.cli.test_break_glass import CONFIGURATION, RULES

WISH = Wanted("the model is down", Lifts(("no-codex",)), MatchDocument(), 3600)


@pytest.fixture
def glasses(command_line: CommandLine) -> FolderGlasses:
    command_line.make_folder()
    (command_line.working / "rules.yaml").write_text(RULES)
    (command_line.working / "gatehouse.yaml").write_text(CONFIGURATION)
    return FolderGlasses(command_line.data, None, None)


def test_what_is_opened_is_found(glasses: FolderGlasses) -> None:
    opened = glasses.open(WISH)
    assert opened.proposed_by.name == operating_user()
    assert glasses.list() == [opened]
    assert glasses.story(opened.id) == (opened, [])
    closed = glasses.close(opened.id)
    assert closed.state(opened.proposed_unix_us) is BreakGlassState.CLOSED


def test_what_cannot_be_done_has_its_own_code(glasses: FolderGlasses) -> None:
    opened = glasses.open(WISH)
    for ask, code in (
        (lambda: glasses.approve(opened.id), Exit.FAILED),
        (lambda: glasses.approve("bg_none"), Exit.NOT_FOUND),
        (lambda: glasses.story("bg_none"), Exit.NOT_FOUND),
    ):
        with pytest.raises(CommandFailed) as failed:
            ask()
        assert failed.value.code is code
