"""What is decided about somebody in a data folder is there at once, and what cannot be is said."""

from pathlib import Path

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.subject_folder import FolderSubjects
from gateway.roles import Role
from gateway.store.database import open_database
from tests.fakes.used import file_uses, some_uses


@pytest.fixture
def subjects(tmp_path: Path) -> FolderSubjects:
    open_database(tmp_path)
    return FolderSubjects(tmp_path)


def test_what_is_decided_is_listed(subjects: FolderSubjects) -> None:
    blocked = subjects.block("ci", is_service=True)
    granted = subjects.grant("ada", Role.FINANCE)
    assert subjects.list() == [granted, blocked]
    assert not subjects.unblock("ci", is_service=True).is_blocked
    assert not subjects.take_back("ada", Role.FINANCE).roles
    assert subjects.list() == []


def test_everybody_who_has_asked_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file_uses(tmp_path, some_uses(30))
    monkeypatch.setattr("gateway.cli.subject_folder._PAGE", 2)
    found = FolderSubjects(tmp_path).everybody(None)
    assert len({(each.subject, each.is_service) for each in found}) == len(found) > 2
    web = FolderSubjects(tmp_path).everybody("web")
    assert {team for each in web for team in each.teams} == {"web"}


def test_what_cannot_be_ends_with_its_own_code(subjects: FolderSubjects) -> None:
    subjects.block("bob", is_service=False)
    for change, code in (
        (lambda: subjects.grant("bob", Role.FINANCE), Exit.FAILED),
        (lambda: subjects.take_back("ada", Role.FINANCE), Exit.NOT_FOUND),
        (lambda: subjects.block("", is_service=False), Exit.USAGE),
    ):
        with pytest.raises(CommandFailed) as failed:
            change()
        assert failed.value.code is code
