"""What is decided about somebody in a data folder is there at once, and what cannot be is said."""

from pathlib import Path

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.subject_folder import FolderSubjects
from gateway.roles import Role
from gateway.store.database import open_database


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
