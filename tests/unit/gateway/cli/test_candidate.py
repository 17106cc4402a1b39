"""A command on policy goes by a file, a stored version, or what the gateway goes by."""

import pytest

from gateway.cli.candidate import chosen, configured, loaded
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.version_folder import FolderVersions
from tests.fakes.configurations import GOOD, write
from tests.unit.gateway.cli.conftest import CommandLine
from tests.unit.gateway.cli.test_stored_versions import OTHER, in_force


def test_a_file_is_read_without_its_secrets(command_line: CommandLine) -> None:
    path = write(command_line.working, GOOD)
    assert loaded(path).digest == chosen("gatehouse.yaml", FolderVersions(command_line.data)).digest
    assert configured(None, FolderVersions(command_line.data)).digest == loaded(path).digest


def test_neither_a_database_nor_a_store_of_counters_need_be_known(
    command_line: CommandLine,
) -> None:
    state = 'storage: { url: "${NO_DATABASE}" }\ncounters: { url: "${NO_STORE}" }\n'
    path = write(command_line.working, f'{GOOD}{state}keys: {{ pepper: "${{NO_PEPPER}}" }}\n')
    assert loaded(path).teams == ("payments", "web")


def test_a_version_is_found_by_its_digest(command_line: CommandLine) -> None:
    first, _ = in_force(command_line, GOOD, OTHER)
    assert chosen(first[:8], FolderVersions(command_line.data)).digest == first
    assert chosen("previous", FolderVersions(command_line.data)).digest == first


def test_further_rules_count_last(command_line: CommandLine) -> None:
    rules = "rules:\n  - { id: r, effect: deny, reason: x }\n"
    more = write(command_line.working, rules, "more.yaml")
    path = write(command_line.working, GOOD)
    assert [rule.id for rule in loaded(path, [more]).policy.rules] == ["r"]


@pytest.mark.parametrize("wanted", ["nothing.yaml", "ffffff"])
def test_what_there_is_none_of_is_not_found(command_line: CommandLine, wanted: str) -> None:
    in_force(command_line, GOOD)
    with pytest.raises(CommandFailed) as refused:
        chosen(wanted, FolderVersions(command_line.data))
    assert refused.value.code == Exit.NOT_FOUND


def test_without_any_configuration_there_is_nothing_to_go_by(command_line: CommandLine) -> None:
    with pytest.raises(CommandFailed) as refused:
        configured(None, FolderVersions(command_line.data))
    assert refused.value.code == Exit.NOT_FOUND


def test_a_file_under_another_name_is_told_where_there_is_no_other(
    command_line: CommandLine, capsys: pytest.CaptureFixture[str]
) -> None:
    write(command_line.working, GOOD, "gatehouse.yml")
    with pytest.raises(CommandFailed):
        configured(None, command_line.data)
    assert "gatehouse.yml is passed over for its name" in capsys.readouterr().err
