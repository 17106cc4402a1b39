"""The versions of a folder are put in force from its next start on, where no gateway runs."""

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.version_folder import FolderVersions
from tests.fakes.configurations import GOOD
from tests.unit.gateway.cli.conftest import CommandLine
from tests.unit.gateway.cli.test_stored_versions import OTHER, in_force


def test_a_version_is_pinned_and_freed(command_line: CommandLine) -> None:
    first, second = in_force(command_line, GOOD, OTHER)
    kept = FolderVersions(command_line.data, command_line.working / "gatehouse.yaml")
    ordered = kept.rollback("previous", "why")
    assert (ordered.digest, ordered.order.digest) == (first, first)
    listed = kept.list()
    assert (listed.in_force, listed.pin) == (second, ordered.order)
    assert kept.resume("mended").digest == second
    assert kept.list().pin is None


def test_what_is_not_kept_is_not_found(command_line: CommandLine) -> None:
    in_force(command_line, GOOD)
    kept = FolderVersions(command_line.data)
    for ask in (lambda: kept.shown("previous"), lambda: kept.resume("why")):
        with pytest.raises(CommandFailed) as failed:
            ask()
        assert failed.value.code is Exit.NOT_FOUND
